"""Which files look like scans: of any format, broken or not there, each is a row or a line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from BrainAgeLib.scan.read import read_scan
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


READ = {
    "T1.nii": lambda image: image.to_bytes(),
    "T1.nii.gz": lambda image: gzip.compress(image.to_bytes()),
    "T1 unpacked.nii.gz": lambda image: image.to_bytes(),
    "T1 packed.nii": lambda image: gzip.compress(image.to_bytes()),
    "T1 of NIfTI-2.nii": lambda image: nibabel.Nifti2Image.from_image(image).to_bytes(),
    "T1.mgh": lambda image: nibabel.MGHImage.from_image(image).to_bytes(),
    "T1.mgz": lambda image: gzip.compress(nibabel.MGHImage.from_image(image).to_bytes()),
    "T1 leaning.nii": lambda image: leaning(image).to_bytes(),
}


def leaning(image):
    """Return the image with axes that are a little off the right angle."""
    affine = image.affine.copy()
    affine[0, 1] = 0.003
    other = nibabel.Nifti1Image(image.dataobj, affine)
    other.set_qform(None, 0)
    return other


@pytest.mark.parametrize("name", READ)
def test_whatever_predict_reads_is_chosen_by_its_header(tmp_path, name):
    voxels = np.arange(2560, dtype=np.float32).reshape(16, 16, 10)
    image = nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 6.0, 1.0]))
    (tmp_path / "p1").mkdir()
    (tmp_path / "p1" / name).write_bytes(READ[name](image))

    (entry,), (decision,) = tree(tmp_path)

    assert entry.complaint is None
    assert decision.reason.startswith("2D axial, 10 slices")
    assert read_scan(entry.path).image.GetSize() == (16, 16, 10)


@pytest.mark.parametrize("deep", ["", "p1"])
def test_files_that_differ_by_their_format_alone_are_told_apart(tmp_path, deep):
    (tmp_path / deep).mkdir(exist_ok=True)
    for name in ("x.mnc", "x.par", "X.nii.zip"):
        (tmp_path / deep / name).write_bytes(b"anything")

    entries, decisions = tree(tmp_path)

    assert {Path(entry.path).name for entry in entries} == {"x.mnc", "x.par", "X.nii.zip"}
    assert len({(entry.id, entry.session) for entry in entries}) == 3
    assert len({entry.folder.lower() for entry in entries}) == 3
    rows = {(entry.path, entry.id, entry.session) for entry in entries}
    assert {(one.path, one.id, one.session) for one in decisions} == rows


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_links_in_a_circle(tmp_path):
    good = write_image(tmp_path / "p1" / "T1.nii.gz")
    (tmp_path / "p1" / "up").symlink_to("..")
    (tmp_path / "p2").mkdir()
    (tmp_path / "p2" / "T1.nii.gz").symlink_to("T1.nii.gz")

    entries, _ = tree(tmp_path)

    assert [(entry.id, entry.path) for entry in entries] == [
        ("p1", str(good)),
        ("p2", str(tmp_path / "p2" / "T1.nii.gz")),
    ]
    assert entries[0].complaint is None


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
