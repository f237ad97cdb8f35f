"""Which files look like scans: of any format, broken or not there, each is a row or a line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from Testing.library.batch.made_trees import tree, write_image

UNREAD = {
    "T1.mgz": b"\0\0\0\2 no such version",
    "T1.nii.bz2": b"BZh9",
    "T1.zip": b"PK\x03\x04",
    "T1_dicom.tar.gz": b"\x1f\x8b",
    "T1.hdr": b"\0" * 348,
    "T1.mnc": b"CDF\x01",
    "T1.nii.gz": b"half a sca",
    "IM0001.dcm": b"no header",
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_file_of_any_format_that_cannot_be_read_is_a_row(tmp_path, name):
    (tmp_path / "p1").mkdir()
    (tmp_path / "p1" / name).write_bytes(UNREAD[name])
    good = write_image(tmp_path / "p2" / "T1.nii.gz")

    entries, decisions = tree(tmp_path)

    assert [entry.id for entry in entries] == ["p1", "p2"]
    assert entries[0].path in (str(tmp_path / "p1" / name), str(tmp_path / "p1"))
    assert [decision.path for decision in decisions] == [entries[0].path, str(good)]
    assert decisions[0].chosen and decisions[0].reason


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("name", ["T1.nii.gz", "IM0001", "IM0001.dcm"])
def test_a_link_to_what_is_not_there_is_a_row(tmp_path, name):
    (tmp_path / "p1").mkdir()
    (tmp_path / "p1" / name).symlink_to("../.git/annex/objects/x")

    (entry,), (decision,) = tree(tmp_path)

    assert entry.id == "p1"
    assert "not there" in decision.reason


def test_beside_a_scan_what_cannot_be_read_is_a_line(tmp_path):
    good = write_image(tmp_path / "p1" / "T1.nii.gz")
    for name in ("T1.mgz", "T1_old.zip"):
        (tmp_path / "p1" / name).write_bytes(UNREAD.get(name, b"PK\x03\x04"))

    entries, decisions = tree(tmp_path)

    assert str(good) in [entry.path for entry in entries]
    assert {Path(one.path).name for one in decisions} == {"T1.nii.gz", "T1.mgz", "T1_old.zip"}


def test_a_header_and_its_voxels_are_one_file(tmp_path):
    (tmp_path / "p1").mkdir()
    for name in ("T1.hdr", "T1.img"):
        (tmp_path / "p1" / name).write_bytes(b"\0" * 400)

    (entry,), decisions = tree(tmp_path)

    assert (Path(entry.path).name, len(decisions)) == ("T1.hdr", 1)


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("colin27_axial_5mm.nii.gz", "colin27_axial_5mm"),
        ("p1_T1.nii.gz", "p1"),
        ("T1_p1.nii.gz", "p1"),
        ("ax_T1_p1_brain_7.nii.gz", "p1_brain_7"),
        ("T1.nii.gz", "T1"),
    ],
)
def test_of_one_file_the_middle_of_its_name_is_kept(tmp_path, name, identifier):
    write_image(tmp_path / name)

    assert [entry.id for entry in tree(tmp_path)[0]] == [identifier]
