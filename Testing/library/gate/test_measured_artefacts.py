"""Noise, ghosts and uneven slices are measured in their own units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.measured_artefacts import measure_artefacts
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED
from Testing.library.phantoms import template_brain

AIR = 40


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice scan."""
    return PlacedScan(thick_brain, thick_brain.voxels > 25, NOT_REGISTERED)


def with_voxels(placed, voxels):
    """Return the scan with other values."""
    changed = placed.volume.with_voxels(np.asarray(voxels, np.float32))
    return replace(placed, volume=changed)


def in_air(placed, level=1.0):
    """Return the scan with air around it that holds some signal."""
    voxels = np.pad(placed.volume.voxels, ((0, 0), (AIR, AIR), (AIR, AIR)))
    noise = np.random.default_rng(3).random(voxels.shape) * level
    mask = np.pad(placed.mask, ((0, 0), (AIR, AIR), (AIR, AIR)))
    return PlacedScan(
        Volume((voxels + noise).astype(np.float32), placed.volume.affine), mask, NOT_REGISTERED
    )


def test_a_clean_scan(placed):
    found = measure_artefacts(placed)

    assert found.noise < 0.03
    assert found.slice_jump < 0.05
    assert found.slice_shift_mm < 0.8
    assert found.ghost is None  # no air


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_noise_is_a_share_of_the_brains_brightness(placed, level):
    brain = np.median(placed.volume.voxels[placed.mask])
    noise = np.random.default_rng(1).normal(0, level * brain, placed.volume.voxels.shape)

    found = measure_artefacts(with_voxels(placed, placed.volume.voxels + noise)).noise

    assert found == pytest.approx(level, rel=0.2)


def test_every_second_slice_darker(placed):
    gains = np.where(np.arange(len(placed.mask)) % 2, 0.8, 1.0)[:, None, None]

    found = measure_artefacts(with_voxels(placed, placed.volume.voxels * gains))

    assert found.slice_jump > 0.15


def test_every_second_slice_shifted(placed):
    shift = np.arange(len(placed.mask)) % 2 * 4
    voxels = [
        np.roll(picture, by, 0) for picture, by in zip(placed.volume.voxels, shift, strict=True)
    ]
    mask = [np.roll(picture, by, 0) for picture, by in zip(placed.mask, shift, strict=True)]
    moved = replace(with_voxels(placed, np.stack(voxels)), mask=np.stack(mask))

    pixel_mm = float(placed.volume.spacing_mm[1])
    assert measure_artefacts(moved).slice_shift_mm > 0.8 * 4 * pixel_mm


@pytest.mark.parametrize("axis", [1, 2])
def test_ghosts_lie_along_one_axis(placed, axis):
    scan = in_air(placed)
    assert measure_artefacts(scan).ghost < 0.01

    half = scan.volume.voxels.shape[axis] // 2
    ghosted = scan.volume.voxels + 0.2 * np.roll(scan.volume.voxels, half, axis)

    assert measure_artefacts(with_voxels(scan, ghosted)).ghost > 0.03


def test_slices_of_any_plane(placed):
    brain = template_brain()
    coronal = Volume(
        np.ascontiguousarray(brain.voxels[:, ::3]), brain.affine @ np.diag([1, 3, 1, 1])
    )
    gains = np.where(np.arange(coronal.voxels.shape[1]) % 2, 0.8, 1.0)[None, :, None]
    scan = PlacedScan(
        coronal.with_voxels((coronal.voxels * gains).astype(np.float32)),
        coronal.voxels > 25,
        NOT_REGISTERED,
    )

    assert measure_artefacts(scan).slice_jump > 0.15


def test_a_3d_scan_has_no_slices_to_compare():
    brain = template_brain()
    found = measure_artefacts(PlacedScan(brain, brain.voxels > 25, NOT_REGISTERED))

    assert found.slice_jump is None
    assert found.slice_shift_mm is None
    assert found.noise is not None


@pytest.mark.parametrize("empty", ["mask", "picture"])
def test_nothing_to_measure_is_no_error(placed, empty):
    nothing = np.zeros_like(placed.mask)
    scan = replace(placed, mask=nothing) if empty == "mask" else with_voxels(placed, nothing)

    assert measure_artefacts(scan).noise is None
