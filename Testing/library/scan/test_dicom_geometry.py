"""World coordinates of DICOM are those that dcm2niix finds: another reader, other code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.phantoms import coarse_brain, moved, rigid_motion, thick_slices_of
from Testing.library.scan.made_dicom import write_frames, write_series, write_volume_series

CONVERTER = shutil.which("dcm2niix", path=str(Path(sys.executable).parent)) or shutil.which(
    "dcm2niix"
)
pytestmark = pytest.mark.skipif(CONVERTER is None, reason="dcm2niix is not installed")


def converted(given: Path, folder: Path) -> Path:
    """Return the one NIfTI file that dcm2niix makes of a series."""
    folder.mkdir()
    command = [CONVERTER, "-z", "n", "-b", "n", "-f", "out", "-o", str(folder), str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = list(folder.glob("*.nii"))
    assert len(found) == 1, done.stdout
    return found[0]


def on_the_same_points(one: sitk.Image, other: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of both images at the voxel centres of the first."""
    nearest = sitk.Resample(other, one, sitk.Transform(), sitk.sitkNearestNeighbor, -1.0)
    return sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(nearest)


@pytest.mark.parametrize(
    "orientation",
    [
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
        (1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
        (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
        (0.98480775, 0.0, 0.17364818, 0.03015369, 0.98480775, -0.17101007),
    ],
    ids=["axial", "sagittal", "coronal", "turned", "oblique"],
)
def test_series_of_any_direction(tmp_path, orientation):
    folder = write_series(tmp_path / "s", ImageOrientationPatient=list(orientation))

    ours = read_scan(folder).image
    theirs = read_scan(converted(folder, tmp_path / "nifti")).image

    np.testing.assert_array_equal(*on_the_same_points(ours, theirs))


# dcm2niix takes frames without dimension indices as they are stored; ours go by their places.
@pytest.mark.parametrize("order", [range(6), [5, 4, 3, 2, 1, 0]], ids=["upwards", "downwards"])
def test_frames_of_one_file(tmp_path, order):
    (tmp_path / "s").mkdir()
    path = write_frames(tmp_path / "s" / "IM", order)

    ours = read_scan(path).image
    theirs = read_scan(converted(tmp_path / "s", tmp_path / "nifti")).image

    np.testing.assert_array_equal(*on_the_same_points(ours, theirs))


def test_a_tilted_head(tmp_path):
    head = moved(coarse_brain(), rigid_motion((7.0, -3.0, 5.0), (12.0, -8.0, 30.0)))
    scan = thick_slices_of(head, Protocol(tilt_degrees=(-8.0, 2.0, -3.0)))
    folder = write_volume_series(tmp_path / "s", scan)

    ours = read_scan(folder).image
    theirs = read_scan(converted(folder, tmp_path / "nifti")).image

    np.testing.assert_array_equal(*on_the_same_points(ours, theirs))
