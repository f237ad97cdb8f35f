"""Tissue contrast is that of the picture, whatever the field and the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.measured_contrast import measure_contrast
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from Testing.library.phantoms import rigid_motion

IN_PLACE = Registration(np.eye(4), 0.95)


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice scan in its place; white matter has about 220."""
    return PlacedScan(thick_brain, thick_brain.voxels > 25, IN_PLACE)


def with_voxels(placed, voxels):
    """Return the scan with other values."""
    changed = placed.volume.with_voxels(np.asarray(voxels, np.float32))
    return replace(placed, volume=changed)


def test_the_template_is_t1(placed, template):
    found = measure_contrast(placed, template)

    assert 0.6 < found.grey_to_white < 0.85
    assert 0.2 < found.csf_to_white < 0.65
    assert found.tissue_contrast > 2
    assert found.field_sd < 0.05
    assert found.bright_share < 0.01
    assert found.negative_share == 0


@pytest.mark.parametrize("factor", [0.001, 1.0, 4000.0])
def test_the_unit_of_the_values_does_not_matter(placed, template, factor):
    found = measure_contrast(with_voxels(placed, placed.volume.voxels * factor), template)

    assert found.grey_to_white == pytest.approx(
        measure_contrast(placed, template).grey_to_white, abs=1e-4
    )


def test_a_field_is_measured_and_changes_no_contrast(placed, template):
    rows = np.linspace(-1, 1, placed.volume.voxels.shape[1])[None, :, None]
    found = measure_contrast(with_voxels(placed, placed.volume.voxels * np.exp(rows)), template)

    assert found.field_sd > 0.3
    assert found.grey_to_white == pytest.approx(
        measure_contrast(placed, template).grey_to_white, abs=0.02
    )


def test_an_inverted_picture_has_inverted_contrast(placed, template):
    found = measure_contrast(with_voxels(placed, 300.0 - placed.volume.voxels), template)

    assert found.grey_to_white > 1.3
    assert found.csf_to_white > 1.5
    assert found.tissue_contrast < -1


def test_noise_scatters_the_tissues(placed, template):
    noise = np.random.default_rng(1).normal(0, 40, placed.volume.voxels.shape)
    quiet = measure_contrast(placed, template)
    found = measure_contrast(with_voxels(placed, np.abs(placed.volume.voxels + noise)), template)

    assert found.tissue_spread > quiet.tissue_spread + 0.03
    assert found.tissue_contrast < quiet.tissue_contrast


def test_bright_places_are_counted(placed, template):
    painted = placed.volume.voxels.copy()
    places = np.random.default_rng(2).random(painted.shape) < 0.05
    painted[places] = 500.0

    share = measure_contrast(with_voxels(placed, painted), template).bright_share
    assert share == pytest.approx(0.05, abs=0.01)


def test_values_below_zero_are_counted(placed, template):
    shifted = placed.volume.voxels - np.median(placed.volume.voxels[placed.mask])

    assert measure_contrast(with_voxels(placed, shifted), template).negative_share > 0.4


def test_air_below_zero_is_counted_over_the_whole_picture(placed, template):
    brain = float(np.median(placed.volume.voxels[placed.mask]))
    air = (placed.volume.voxels == 0) & ~placed.mask

    def share(value):
        voxels = np.where(air, value, placed.volume.voxels)
        return measure_contrast(with_voxels(placed, voxels), template).negative_image_share

    assert share(0.0) == 0.0
    assert share(-0.01 * brain) == 0.0
    assert share(-0.5 * brain) == pytest.approx(air.mean())


def test_the_place_in_the_template_counts_not_that_in_the_world(placed, template):
    motion = rigid_motion((10.0, 5.0, -5.0), (20.0, -30.0, 40.0))
    moved = replace(placed.volume, affine=motion @ placed.volume.affine)
    found = measure_contrast(PlacedScan(moved, placed.mask, Registration(motion, 0.9)), template)

    expected = measure_contrast(placed, template)
    assert found.grey_to_white == pytest.approx(expected.grey_to_white, abs=0.01)


@pytest.mark.parametrize("kept", [0, 30])
def test_too_little_brain_tells_nothing(placed, template, kept):
    mask = np.zeros_like(placed.mask)
    mask.flat[np.flatnonzero(placed.mask)[:kept]] = True

    assert measure_contrast(replace(placed, mask=mask), template).grey_to_white is None


def test_one_slice_tells_of_its_contrast(placed, template):
    affine = placed.volume.affine.copy()
    middle = len(placed.mask) // 2
    affine[:3, 3] += middle * affine[:3, 2]
    volume = replace(placed.volume, voxels=placed.volume.voxels[[middle]], affine=affine)
    found = measure_contrast(PlacedScan(volume, placed.mask[[middle]], IN_PLACE), template)

    assert 0.6 < found.grey_to_white < 0.9
