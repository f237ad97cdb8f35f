"""Files under another name for ITK, and nothing of it left."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan.itk import named_as, remove_leftovers
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_scans import made_voxels, write_nifti


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder that takes temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_file_with_the_right_suffix_stays_where_it_is(tmp_path, temporary):
    path = write_nifti(tmp_path / "s.nii")

    with named_as(path, ".nii") as readable:
        assert readable == path
    assert not list(temporary.iterdir())


def test_another_suffix_for_as_long_as_it_is_needed(tmp_path, temporary):
    path = write_nifti(tmp_path / "s.nii").rename(tmp_path / "s")

    with named_as(path, ".nii") as readable:
        assert readable.read_bytes() == path.read_bytes()
        assert list(temporary.iterdir()) == [readable.parent]
    assert not list(temporary.iterdir())


def test_it_is_removed_after_an_error_too(tmp_path, temporary):
    with pytest.raises(KeyboardInterrupt), named_as(tmp_path / "s", ".nii"):
        raise KeyboardInterrupt

    assert not list(temporary.iterdir())


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_uses_is_not(temporary):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    names = [f"brainage-{done.pid}-a", f"brainage-{os.getppid()}-b", "brainage-x-c", "other"]
    for name in names:
        (temporary / name).mkdir()
    (temporary / names[0] / "scan.nii").symlink_to("/nowhere")

    remove_leftovers()

    assert {path.name for path in temporary.iterdir()} == set(names[1:])


@pytest.mark.parametrize("beside", ["s.nii", "s.img", "s.hdr"])
def test_voxels_come_from_the_file_that_was_named(tmp_path, beside):
    """ITK alone takes those of s.nii for s.nii.gz."""
    path = write_nifti(tmp_path / "s.nii.gz")
    write_nifti(tmp_path / "other.nii", 2 * made_voxels()).rename(tmp_path / beside)

    voxels = sitk.GetArrayFromImage(read_scan(path).image).T

    np.testing.assert_array_equal(voxels, made_voxels())
