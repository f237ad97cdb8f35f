"""The change of the map, where the scans lie differently."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.follow.saliency import has_map, write_difference
from BrainAgeLib.report.output_folder import OutputFolder


def write_scan(folder, years, shift_mm):
    """Write a map that has ``years`` at the template's point (10, 12, 14), a scan that lies off by
    ``shift_mm``, and the way from the template to it."""
    folder.mkdir()
    voxels = np.full((20, 20, 20), 0.1, np.float32)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((2.0, 2.0, 2.0))
    image.SetOrigin([float(-10 + shift) for shift in shift_mm])
    point = [10.0 + shift_mm[0], 12.0 + shift_mm[1], 14.0 + shift_mm[2]]
    image[image.TransformPhysicalPointToIndex(point)] = years
    sitk.WriteImage(image, str(folder / "saliency.nii.gz"))
    way = sitk.TranslationTransform(3, [float(shift) for shift in shift_mm])
    sitk.WriteTransform(way, str(folder / "to_template.tfm"))
    return OutputFolder(folder)


def test_the_same_place_is_compared_however_the_scans_lie(tmp_path):
    earlier = write_scan(tmp_path / "a", 1.0, (0, 0, 0))
    later = write_scan(tmp_path / "b", 3.0, (6, -4, 8))

    difference = write_difference(earlier, later, tmp_path / "change.nii.gz")

    peak = difference.TransformPhysicalPointToIndex((16.0, 8.0, 22.0))
    assert difference[peak] == pytest.approx(2.0, abs=1e-4)
    others = sitk.GetArrayFromImage(difference)
    assert np.count_nonzero(np.abs(others) > 1e-4) == 1
    stored = sitk.ReadImage(str(tmp_path / "change.nii.gz"))
    assert stored.GetOrigin() == pytest.approx(sitk.ReadImage(str(later.saliency)).GetOrigin())


def test_a_damaged_map_is_an_error_and_a_missing_one_is_none(tmp_path):
    earlier = write_scan(tmp_path / "a", 1.0, (0, 0, 0))
    later = write_scan(tmp_path / "b", 3.0, (0, 0, 0))
    assert has_map(earlier)
    later.saliency.write_bytes(b"no image")
    with pytest.raises(InputError, match="cannot be read"):
        write_difference(earlier, later, tmp_path / "change.nii.gz")
    later.saliency.unlink()
    assert not has_map(later)
