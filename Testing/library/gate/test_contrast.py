"""Tissue contrast is that of the picture; what is no T1 is told by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.contrast import measure
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED, Registration
from Testing.library.gate.sound import (
    IN_PLACE,
    evidence,
    found,
    only_finding,
    placed_at,
    with_voxels,
)
from Testing.library.phantoms import moved, rigid_motion


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice scan in its place; white matter has about 220."""
    return placed_at(thick_brain)


def measured(placed, **more):
    """Return the contrast of a scan."""
    return measure(evidence(placed, **more))


def test_the_template_is_t1(placed):
    contrast = measured(placed)

    assert 0.6 < contrast.grey_to_white < 0.85
    assert 0.2 < contrast.csf_to_white < 0.65
    assert contrast.pattern > 0.8
    assert contrast.field_sd < 0.05
    assert contrast.bright_fraction < 0.01
    assert contrast.negative_fraction == 0


@pytest.mark.parametrize("factor", [0.001, 1.0, 4000.0])
def test_the_unit_of_the_values_does_not_matter(placed, template, factor):
    contrast = measured(with_voxels(placed, placed.volume.voxels * factor))

    assert contrast.grey_to_white == pytest.approx(measured(placed).grey_to_white, abs=1e-4)


def test_a_field_is_measured_and_changes_no_contrast(placed):
    rows = np.linspace(-1, 1, placed.volume.voxels.shape[1])[None, :, None]
    contrast = measured(with_voxels(placed, placed.volume.voxels * np.exp(rows)))

    assert contrast.field_sd > 0.3
    assert contrast.grey_to_white == pytest.approx(measured(placed).grey_to_white, abs=0.02)


def test_an_inverted_picture_has_inverted_contrast(placed):
    contrast = measured(with_voxels(placed, 300.0 - placed.volume.voxels))

    assert contrast.grey_to_white > 1.3
    assert contrast.csf_to_white > 1.5
    assert contrast.pattern < 0


def test_noise_scatters_the_tissues(placed):
    noise = np.random.default_rng(1).normal(0, 40, placed.volume.voxels.shape)
    quiet = measured(placed)
    contrast = measured(with_voxels(placed, np.abs(placed.volume.voxels + noise)))

    assert contrast.tissue_spread > quiet.tissue_spread + 0.03


def test_bright_places_are_counted(placed):
    painted = placed.volume.voxels.copy()
    places = np.random.default_rng(2).random(painted.shape) < 0.05
    painted[places] = 500.0

    share = measured(with_voxels(placed, painted)).bright_fraction
    assert share == pytest.approx(0.05, abs=0.01)


def test_values_below_zero_are_counted(placed):
    shifted = placed.volume.voxels - np.median(placed.volume.voxels[placed.mask])

    assert measured(with_voxels(placed, shifted)).negative_fraction > 0.4


def test_air_below_zero_is_counted_over_the_whole_picture(placed):
    brain = float(np.median(placed.volume.voxels[placed.mask]))
    air = (placed.volume.voxels == 0) & ~placed.mask

    def share(value):
        voxels = np.where(air, value, placed.volume.voxels)
        return measured(with_voxels(placed, voxels)).negative_image_fraction

    assert share(0.0) == 0.0
    assert share(-0.01 * brain) == 0.0
    assert share(-0.5 * brain) == pytest.approx(air.mean())


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_a_constant_that_was_added_is_seen_in_any_unit(placed, unit):
    voxels = placed.volume.voxels.astype(float)
    brain = float(np.median(voxels[placed.mask]))

    def background(added):
        return measured(with_voxels(placed, unit * (voxels + added))).background_to_brain

    assert background(0.0) == 0.0
    assert background(brain) == pytest.approx(0.5, abs=1e-3)
    assert background(30 * brain) == pytest.approx(30 / 31, abs=1e-3)
    assert background(-brain) == 0.0  # another check speaks of that


def test_the_place_in_the_template_counts_not_that_in_the_world(placed):
    motion = rigid_motion((10.0, 5.0, -5.0), (20.0, -30.0, 40.0))
    turned = replace(placed.volume, affine=motion @ placed.volume.affine)
    contrast = measured(PlacedScan(turned, placed.mask, Registration(motion, 0.9)))

    expected = measured(placed)
    assert contrast.grey_to_white == pytest.approx(expected.grey_to_white, abs=0.01)


@pytest.mark.parametrize("kept", [0, 30])
def test_too_little_brain_tells_nothing(placed, template, kept):
    mask = np.zeros_like(placed.mask)
    mask.flat[np.flatnonzero(placed.mask)[:kept]] = True

    assert measured(replace(placed, mask=mask)).grey_to_white is None


def test_without_a_registration_neither_ventricles_nor_pattern_are_measured(placed):
    contrast = measured(replace(placed, registration=NOT_REGISTERED))

    assert 0.6 < contrast.grey_to_white < 0.85
    assert (contrast.csf_to_white, contrast.tissue_spread, contrast.pattern) == (None, None, None)


def test_the_place_of_the_head_turns_no_pattern(placed):
    motion = rigid_motion((20, 10, 5), (30, -40, 50))
    elsewhere = placed_at(moved(placed.volume, motion), motion)

    assert measured(elsewhere).pattern == pytest.approx(measured(placed).pattern, abs=0.02)
    beside = placed_at(placed.volume, rigid_motion(shift_mm=(0, 0, 500)))
    assert measured(beside).pattern == 0


def test_one_slice_tells_of_its_contrast(placed):
    affine = placed.volume.affine.copy()
    middle = len(placed.mask) // 2
    affine[:3, 3] += middle * affine[:3, 2]
    volume = replace(placed.volume, voxels=placed.volume.voxels[[middle]], affine=affine)
    contrast = measured(PlacedScan(volume, placed.mask[[middle]], IN_PLACE))

    assert 0.6 < contrast.grey_to_white < 0.9


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grey_to_white": 0.92}, {}),
        ({"grey_to_white": 0.921}, {"weak_contrast": "warn"}),
        # At 55 years the limit is 0.102 + 0.0015 x 55.
        ({"tissue_spread": 0.184}, {}),
        ({"tissue_spread": 0.185}, {"uneven_tissue": "warn"}),
        ({"field_sd": 0.15}, {}),
        ({"field_sd": 0.151}, {"bias_field": "warn"}),
        ({"field_sd": 0.351}, {"bias_field": "refuse"}),
        ({"negative_fraction": 0.05}, {}),
        ({"negative_fraction": 0.051}, {"negative_values": "refuse"}),
        ({"negative_image_fraction": 0.2}, {}),
        ({"negative_image_fraction": 0.21}, {"negative_values": "refuse"}),
        ({"background_to_brain": 0.05}, {}),
        ({"background_to_brain": 0.051}, {"bright_background": "warn"}),
        ({"background_to_brain": 0.251}, {"bright_background": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found("contrast", **changes) == expected


def test_the_spread_that_is_usual_grows_with_age():
    young, old = {"brain_age_years": 25.0}, {"brain_age_years": 75.0}
    assert found("contrast", tissue_spread=0.15, **young) == {"uneven_tissue": "warn"}
    assert found("contrast", tissue_spread=0.15, **old) == {}
    assert found("contrast", tissue_spread=0.5, brain_age_years=None) == {}


def test_the_limit_of_the_spread_does_not_tell_the_age_since_the_scan_may_be_refused():
    of_young, of_old = (
        only_finding("contrast", brain_age_years=age, tissue_spread=0.2 + 0.0015 * age)
        for age in (25.0, 75.0)
    )
    assert (of_young.value, of_young.limit) == (of_old.value, of_old.limit)
