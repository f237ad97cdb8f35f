"""The pipeline hands out a saliency map on the scan's own grid, unless it must not or need not."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

import BrainAgeLib.pipeline as pipeline
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import MOST_REGIONS, run
from BrainAgeLib.records import Finding
from BrainAgeLib.template.regions import NAMES


@pytest.fixture
def options(small_model):
    """Return the keywords that every run here needs; the sample stands in template space."""
    return {"model": str(small_model), "in_template_space": True, "device": "cpu"}


@pytest.fixture
def refusing_gate(monkeypatch):
    """Refuse every scan."""
    refusal = Finding("contrast", "refuse", "This does not look like a T1-weighted scan.")
    monkeypatch.setattr(pipeline, "judge", lambda _measured: (refusal,))


def test_the_map_lies_on_the_grid_of_the_scan(brain_file, options):
    scan = sitk.DICOMOrient(sitk.ReadImage(str(brain_file)), "PIR")

    result = run(scan, Options(**options))

    image = result.prediction.saliency
    assert image.GetSize() == scan.GetSize()
    assert image.GetOrigin() == scan.GetOrigin()
    assert image.GetSpacing() == scan.GetSpacing()
    assert image.GetDirection() == scan.GetDirection()
    values, brain = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(result.brain_mask) > 0
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert (values[~brain] == 0).all()
    assert (values[brain] != 0).mean() > 0.9


def test_however_the_axes_are_stored_the_map_is_the_same(brain_file, options):
    scan = sitk.ReadImage(str(brain_file))
    stored_otherwise = sitk.DICOMOrient(scan, "RSA")

    one = run(scan, Options(**options)).prediction.saliency
    other = run(stored_otherwise, Options(**options)).prediction.saliency

    back = sitk.DICOMOrient(
        other, sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(scan.GetDirection())
    )
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(one))


def test_the_stage_is_timed_and_reported_and_shown(brain_file, options):
    told = []

    result = run(brain_file, Options(**options), lambda *what: told.append(what))

    assert result.prediction.timings_seconds.saliency > 0
    shares = [share for name, share in told if name == "saliency"]
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert any(np.any(picture.saliency_years) for picture in result.pictures.input_slices)


def test_the_strongest_regions_are_named(brain_file, options):
    regions = run(brain_file, Options(**options)).prediction.leans_on

    assert len(regions) == MOST_REGIONS
    assert {region.region for region in regions} <= set(NAMES)
    strengths = [region.times_average for region in regions]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 1


def test_no_region_is_named_when_slices_leave_holes(brain_file, options):
    few = sitk.ReadImage(str(brain_file))[:, :, 8:12]

    prediction = run(few, Options(**options, force=True)).prediction

    assert prediction.saliency is not None
    assert prediction.leans_on is None


def test_no_map_when_nobody_wants_one(brain_file, options):
    result = run(brain_file, Options(**options, saliency=False))

    assert result.prediction.saliency is None
    assert result.prediction.leans_on is None
    assert result.prediction.timings_seconds.saliency is None
    assert result.prediction.brain_age_years is not None
    assert all(picture.saliency_years is None for picture in result.pictures.input_slices)


@pytest.mark.usefixtures("refusing_gate")
def test_no_map_of_a_refused_scan(brain_file, options):
    prediction = run(brain_file, Options(**options)).prediction

    assert prediction.brain_age_years is None
    assert prediction.saliency is None
    assert prediction.timings_seconds.saliency is None


@pytest.mark.usefixtures("refusing_gate")
def test_whoever_insists_gets_the_map_with_the_number(brain_file, options):
    prediction = run(brain_file, Options(**options, force=True)).prediction

    assert prediction.quality.verdict == "refuse"
    assert prediction.brain_age_years is not None
    assert prediction.saliency is not None


def test_the_map_changes_nothing_else(brain_file, options):
    with_map = run(brain_file, Options(**options)).prediction
    without = run(brain_file, Options(**options, saliency=False)).prediction

    assert with_map.brain_age_years == without.brain_age_years
