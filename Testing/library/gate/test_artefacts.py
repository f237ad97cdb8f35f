"""Noise, ghosts and uneven slices are measured in their own units, and spoken of beyond limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.artefacts import FAMILY, measure
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.placed_scan import PlacedScan
from Testing.library.gate.sound import (
    IN_PLACE,
    evidence,
    found,
    only_finding,
    placed_at,
    with_voxels,
)
from Testing.library.phantoms import template_brain

AIR = 40


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice scan."""
    return placed_at(thick_brain)


def measured(placed):
    """Return what disturbs a scan."""
    return measure(evidence(placed))


def in_air(placed, level=1.0):
    """Return the scan with air around it that holds some signal."""
    voxels = np.pad(placed.volume.voxels, ((0, 0), (AIR, AIR), (AIR, AIR)))
    noise = np.random.default_rng(3).random(voxels.shape) * level
    mask = np.pad(placed.mask, ((0, 0), (AIR, AIR), (AIR, AIR)))
    return PlacedScan(
        Volume((voxels + noise).astype(np.float32), placed.volume.affine), mask, IN_PLACE
    )


def test_a_clean_scan(placed):
    artefacts = measured(placed)

    assert artefacts.noise < 0.03
    assert artefacts.slice_jump < 0.05
    assert artefacts.slice_shift_mm < 0.8
    assert artefacts.ghost is None  # no air


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_noise_is_a_fraction_of_the_brains_brightness(placed, level):
    brain = np.median(placed.volume.voxels[placed.mask])
    noise = np.random.default_rng(1).normal(0, level * brain, placed.volume.voxels.shape)

    noisy = with_voxels(placed, placed.volume.voxels + noise)

    assert measured(noisy).noise == pytest.approx(level, rel=0.2)


def test_every_second_slice_darker(placed):
    gains = np.where(np.arange(len(placed.mask)) % 2, 0.8, 1.0)[:, None, None]

    artefacts = measured(with_voxels(placed, placed.volume.voxels * gains))

    assert artefacts.slice_jump > 0.15


def test_every_second_slice_shifted(placed):
    shift = np.arange(len(placed.mask)) % 2 * 4
    voxels = [
        np.roll(picture, by, 0) for picture, by in zip(placed.volume.voxels, shift, strict=True)
    ]
    mask = [np.roll(picture, by, 0) for picture, by in zip(placed.mask, shift, strict=True)]
    moved = replace(with_voxels(placed, np.stack(voxels)), mask=np.stack(mask))

    pixel_mm = float(placed.volume.spacing_mm[1])
    assert measured(moved).slice_shift_mm > 0.8 * 4 * pixel_mm


@pytest.mark.parametrize("axis", [1, 2])
def test_ghosts_lie_along_one_axis(placed, axis):
    scan = in_air(placed)
    assert measured(scan).ghost < 0.01

    half = scan.volume.voxels.shape[axis] // 2
    ghosted = scan.volume.voxels + 0.2 * np.roll(scan.volume.voxels, half, axis)

    assert measured(with_voxels(scan, ghosted)).ghost > 0.03


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("turned", [False, True])
def test_a_head_at_a_border_is_no_ghost_of_itself(placed, axis, turned):
    scan = in_air(placed)
    # As wide in all, with the head at one border: a few pixels of air before it.
    shift = 3 - np.flatnonzero(scan.mask.any(tuple({0, 1, 2} - {axis})))[0]
    voxels, mask = (np.roll(a, shift, axis) for a in (scan.volume.voxels, scan.mask))
    if turned:
        voxels, mask = np.flip(voxels, axis), np.flip(mask, axis)

    assert measured(PlacedScan(Volume(voxels, scan.volume.affine), mask, IN_PLACE)).ghost < 0.01


def test_slices_of_any_plane(placed):
    brain = template_brain()
    coronal = Volume(
        np.ascontiguousarray(brain.voxels[:, ::3]), brain.affine @ np.diag([1, 3, 1, 1])
    )
    gains = np.where(np.arange(coronal.voxels.shape[1]) % 2, 0.8, 1.0)[None, :, None]
    scan = with_voxels(placed_at(coronal), coronal.voxels * gains)

    assert measured(scan).slice_jump > 0.15


def test_a_3d_scan_has_no_slices_to_compare():
    brain = template_brain()
    artefacts = measured(placed_at(brain))

    assert artefacts.slice_jump is None
    assert artefacts.slice_shift_mm is None
    assert artefacts.noise is not None


@pytest.mark.parametrize("empty", ["mask", "picture"])
def test_nothing_to_measure_is_no_error(placed, empty):
    nothing = np.zeros_like(placed.mask)
    scan = replace(placed, mask=nothing) if empty == "mask" else with_voxels(placed, nothing)

    assert measured(scan) is None


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(("times", "part"), [(1, 0.0), (2, 0.5), (5, 0.8)])
def test_slices_that_were_repeated_are_told_along_any_axis(placed, axis, times, part):
    voxels, mask = (np.repeat(each, times, axis) for each in (placed.volume.voxels, placed.mask))
    stretched = PlacedScan(Volume(voxels, placed.volume.affine), mask, IN_PLACE)

    assert measured(stretched).copies == pytest.approx(part, abs=0.03)


def test_one_slice_that_stands_there_twice_is_told(placed):
    middle = len(placed.mask) // 2
    twice = placed.volume.voxels.copy()
    twice[middle] = twice[middle - 1]

    codes = {finding.code for finding in FAMILY.judge(measured(with_voxels(placed, twice)))}

    assert "repeated_slices" in codes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"noise": 0.1}, {}),
        ({"noise": 0.101}, {"noise": "warn"}),
        ({"noise": 0.301}, {"noise": "refuse"}),
        ({"slice_jump": 0.08}, {}),
        ({"slice_jump": 0.081}, {"slice_brightness": "warn"}),
        ({"slice_shift_mm": 2.0}, {}),
        ({"slice_shift_mm": 2.1}, {"slice_shifts": "warn"}),
        ({"ghost": 0.03}, {}),
        ({"ghost": 0.031}, {"ghosts": "warn"}),
        ({"copies": 0.03}, {}),
        ({"copies": 0.031}, {"repeated_slices": "warn"}),
        (dict.fromkeys(("noise", "slice_jump", "slice_shift_mm", "ghost")), {}),
    ],
)
def test_limits(changes, expected):
    assert found("artefacts", **changes) == expected


def test_the_limit_of_a_refusal_is_its_own():
    assert only_finding("artefacts", noise=0.2).limit == 0.1
    assert only_finding("artefacts", noise=0.4).limit == 0.3
