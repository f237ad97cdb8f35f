"""NIfTI headers as other programs write them: read as they are meant, or refused in words."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from BrainAgeLib.scan.read import grid_of_file, read_scan
from Testing.library.scan.made_scans import (
    DIMENSION,
    QFORM_CODE,
    SLIGHT_TILT,
    lps_affine,
    made_affine,
    made_voxels,
    message_of,
    patched,
    write_nifti,
)

QFAC, QUATERNION = 76, 256
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.mark.parametrize("codes", [(1, 1), (1, 0)])
@pytest.mark.parametrize("qfac", [0.0, 7.0, float("nan")])
def test_the_way_of_the_third_axis_is_1_where_it_is_not_said(tmp_path, qfac, codes):
    path = patched(tmp_path / "s.nii", QFAC, "f", qfac)
    content = bytearray(path.read_bytes())
    content[QFORM_CODE : QFORM_CODE + 4] = bytes([codes[0], 0, codes[1], 0])
    path.write_bytes(content)

    scan = read_scan(path)

    np.testing.assert_allclose(lps_affine(scan.image), LPS @ made_affine(), atol=1e-4)
    assert scan.findings == ()


@pytest.mark.parametrize("dimension", [(7, 14, 12, 9, 1, 1, 1, 1), (3, 14, 12, 9, 0, 0, 0, 0)])
def test_axes_beyond_the_third(tmp_path, dimension):
    path = patched(tmp_path / "s.nii", DIMENSION, "8h", *dimension)

    np.testing.assert_array_equal(grid_of_file(path)[0], made_voxels().shape)
    assert read_scan(path).image.GetSize() == made_voxels().shape


@pytest.mark.parametrize("quaternion", [(0.9, 0.9, 0.9), (1.5, 0, 0), (float("nan"), 0, 0)])
def test_a_quaternion_that_is_no_rotation_places_nothing(tmp_path, capfd, quaternion):
    path = patched(tmp_path / "s.nii", QUATERNION, "3f", *quaternion)
    content = bytearray(path.read_bytes())
    content[QFORM_CODE + 2] = 0  # no sform beside it
    path.write_bytes(content)

    assert "places the voxels nowhere" in message_of(path, capfd)


def leaning(cosine):
    """Return an affine whose axes are off the right angle by that cosine."""
    affine = made_affine(SLIGHT_TILT)
    lean = np.eye(3)
    lean[0, 1] = cosine
    affine[:3, :3] = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0) @ lean
    affine[:3, :3] *= (0.9, 1.1, 5.5) / np.linalg.norm(affine[:3, :3], axis=0)
    return affine


def write_by_sform(path, affine):
    image = nibabel.Nifti1Image(made_voxels(), affine)
    image.set_qform(None, 0)
    image.set_sform(affine, 1)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["s.nii", "s.nii.gz"])
@pytest.mark.parametrize("cosine", [5e-4, 2e-3, 8e-3])
def test_axes_a_little_off_the_right_angle_are_read_as_they_are(tmp_path, cosine, name):
    affine = leaning(cosine)
    path = write_by_sform(tmp_path / name, affine)

    image = read_scan(path).image

    np.testing.assert_allclose(lps_affine(image), LPS @ affine, atol=1e-3)
    np.testing.assert_allclose(grid_of_file(path)[1], LPS @ affine, atol=1e-3)


@pytest.mark.parametrize("cosine", [0.02, 0.25])
def test_axes_far_off_the_right_angle_are_refused(tmp_path, capfd, cosine):
    path = write_by_sform(tmp_path / "s.nii", leaning(cosine))

    assert "not at right angles" in message_of(path, capfd)


@pytest.mark.parametrize("cut", [0.3, 0.95])
def test_one_that_is_a_little_off_and_cut_off(tmp_path, capfd, cut):
    path = write_by_sform(tmp_path / "s.nii.gz", leaning(2e-3))
    path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)])

    assert "is incomplete or damaged" in message_of(path, capfd)


@pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "s"])
@pytest.mark.parametrize("stored_as", ["s.nii", "s.nii.gz"])
def test_packed_or_not_whatever_the_name_says(tmp_path, name, stored_as):
    content = write_nifti(tmp_path / stored_as).read_bytes()
    (tmp_path / stored_as).unlink()
    (tmp_path / name).write_bytes(content)

    assert grid_of_file(tmp_path / name)[0] == read_scan(tmp_path / name).image.GetSize()
