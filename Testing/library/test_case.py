"""A scan that was read: cut to its signal, and back on its own grid."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.case import read
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import find_brain_in_view, prepare, run
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.scan.geometry import sitk_from_volume


@pytest.mark.parametrize("order", ["LPS", "SAR"])
def test_what_was_left_off_is_there_again_on_the_grid_of_the_scan(thick_brain, order):
    voxels = thick_brain.voxels.copy()
    voxels[16:] = 0
    image = sitk.DICOMOrient(sitk_from_volume(thick_brain.with_voxels(voxels)), order)
    case = read(image, Options())

    cut = case.cut_to_signal(case.volume.voxels > 25)
    restored = cut.on_scan_grid(cut.volume.voxels > 25)

    assert cut.acquisition.slice_count == cut.volume.voxels.shape[0] == 16
    assert [item.code for item in cut.scan.findings] == ["empty_slices"]
    assert (restored.GetSize(), restored.GetOrigin()) == (image.GetSize(), image.GetOrigin())
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(restored), sitk.GetArrayFromImage(image) > 25
    )


@pytest.mark.parametrize("kept", [slice(0, 17), slice(6, None)])
def test_a_brain_that_is_cut_and_padded_is_judged_as_one_that_is_cut(
    thick_brain, small_model, kept
):
    padded = np.zeros_like(thick_brain.voxels)
    padded[kept] = thick_brain.voxels[kept]
    options = Options(brain_extracted=True, saliency=False, model=str(small_model), force=True)
    first, last, _ = kept.indices(len(padded))
    rest = (slice(0, count) for count in padded.shape[1:])
    cropped = thick_brain.part((slice(first, last), *rest))

    of_padded = run(sitk_from_volume(thick_brain.with_voxels(padded)), options).prediction
    of_cropped = run(sitk_from_volume(cropped), options).prediction

    assert of_padded.brain_age_years == pytest.approx(of_cropped.brain_age_years, abs=1e-4)
    assert of_padded.interval_years == pytest.approx(of_cropped.interval_years, abs=1e-3)
    codes = [item.code for item in of_cropped.quality.findings]
    assert {"part_of_brain"} <= set(codes)
    assert [item.code for item in of_padded.quality.findings] == ["empty_slices", *codes]


@pytest.mark.parametrize(("kept", "noise"), [(slice(0, 16), 3.0), (slice(6, None), 0.0)])
def test_a_head_that_is_cut_and_padded_has_the_brain_of_one_that_is_cut(small_model, kept, noise):
    options = Options(model=str(small_model), device="cpu")
    whole = sitk.ReadImage(str(sample_scan()), sitk.sitkFloat32)
    voxels = np.abs(np.random.default_rng(1).normal(0, noise, whole.GetSize()[::-1]))
    voxels[kept] = sitk.GetArrayViewFromImage(whole)[kept]
    padded = sitk.GetImageFromArray(voxels.astype(np.float32))
    padded.CopyInformation(whole)
    tools = prepare(options)

    of_padded, mask_of_padded = find_brain_in_view(read(padded, options), tools)
    of_cropped, mask_of_cropped = find_brain_in_view(read(whole[:, :, kept], options), tools)

    np.testing.assert_array_equal(of_padded.volume.voxels, of_cropped.volume.voxels)
    np.testing.assert_allclose(of_padded.volume.affine, of_cropped.volume.affine)
    np.testing.assert_array_equal(mask_of_padded, mask_of_cropped)
    assert of_padded.acquisition == of_cropped.acquisition


@pytest.mark.parametrize("order", ["LPS", "SAR"])
@pytest.mark.parametrize("value", [np.nan, 1e9])
@pytest.mark.parametrize(("is_inside", "severity"), [(True, "warn"), (False, "note")])
def test_lost_voxels_inside_the_brain_are_a_warning(thick_brain, order, value, is_inside, severity):
    brain = thick_brain.voxels > 25
    voxels = thick_brain.voxels.copy()
    middle = np.argwhere(brain[12]).mean(0).round().astype(int)
    place = (12, *middle) if is_inside else (12, 0, 0)
    voxels[place] = value
    brain[place] = False  # a brain extractor leaves a hole there
    case = read(
        sitk.DICOMOrient(sitk_from_volume(thick_brain.with_voxels(voxels)), order), Options()
    )

    (finding,) = case.with_lost_brain(brain).scan.findings

    assert (finding.code, finding.severity) == ("non_finite_voxels", severity)
    assert ("Export the scan again" in finding.message) == is_inside
