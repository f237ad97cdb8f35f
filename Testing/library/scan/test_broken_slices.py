"""Files beside a series that should be slices of it: named, not left out; foreign ones are left."""

from __future__ import annotations

import gzip

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import SERIES_UID, SLICE_COUNT, write_series, write_slice

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"
DAMAGE = {
    "empty": lambda whole: b"",
    "cut in the preamble": lambda whole: whole[:100],
    "cut after the preamble": lambda whole: whole[:140],
    "cut in the file's own group": lambda whole: whole[:200],
    "zeros": lambda whole: bytes(len(whole)),
    "a pointer of Git LFS": lambda whole: POINTER,
    "a pointer of git-annex": lambda whole: b"/annex/objects/MD5E-s1--0.dcm\n",
}


@pytest.fixture(params=["IM{:04}", "{}.dcm", "MR.1.2.{}.7", "slice {}.IMA"])
def slices(request, tmp_path):
    """Return the files of a series, under names as exports give them."""
    return [write_slice(tmp_path / request.param.format(n), n) for n in range(SLICE_COUNT)]


def check_is_named(path, words="is incomplete or damaged"):
    with pytest.raises(InputError) as caught:
        read_scan(path.parent)
    assert caught.value.message == f"a slice of {path.parent} {words}: {path.name}"


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("number", [2, SLICE_COUNT - 1])
def test_a_damaged_slice_is_not_left_out(slices, damage, number):
    slices[number].write_bytes(damage(slices[number].read_bytes()))

    check_is_named(slices[number])


def test_a_link_to_a_slice_that_is_not_there(slices):
    slices[-1].unlink()
    slices[-1].symlink_to("../.git/annex/objects/x")

    check_is_named(slices[-1])


def test_a_slice_that_is_packed(tmp_path):
    last = write_series(tmp_path / "s") / f"IM{SLICE_COUNT - 1:04}"
    packed = last.with_suffix(".dcm.gz")
    packed.write_bytes(gzip.compress(last.read_bytes()))
    last.unlink()

    check_is_named(packed, "is packed by gzip")


def test_foreign_files_stay_where_they_are(slices):
    folder = slices[0].parent
    for name in ("notes.txt", "Thumbs.db", ".DS_Store", "._IM0001.dcm", "._1.dcm", "README"):
        (folder / name).write_bytes(b"\0\5\x16\7 of another program")
    (folder / "INDEX").touch()
    (folder / "VERSION").symlink_to("nowhere")
    (folder / "sub.dcm").mkdir()
    packed = slices[0].with_name(slices[0].name + ".gz")
    packed.write_bytes(gzip.compress(slices[0].read_bytes()))

    assert read_scan(folder).image.GetSize()[2] == SLICE_COUNT


def test_what_is_named_as_another_series_is_no_slice_of_this_one(tmp_path):
    for n in range(SLICE_COUNT):
        write_slice(tmp_path / f"T1_{n}.dcm", n)
        write_slice(tmp_path / f"T2_{n}.dcm", n, SeriesInstanceUID="1.2.9", EchoTime=90.0)
    (tmp_path / "T2_5.dcm").write_bytes(b"")

    assert read_scan(tmp_path, SERIES_UID).image.GetSize()[2] == SLICE_COUNT
    with pytest.raises(InputError, match=r"incomplete or damaged: T2_5\.dcm"):
        read_scan(tmp_path, "1.2.9")
