"""A side of the skull that lacks bone which the other has is a finding; sound skulls get none."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.skull import FAMILY, MOST_DIFFERENCE, measure
from BrainAgeLib.scan.geometry import (
    Volume,
    apply_affine,
    sitk_from_volume,
    to_canonical,
    volume_from_sitk,
)
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.template import distance_outside_mm
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.gate.sound import IN_PLACE, evidence, found, only_finding
from Testing.library.phantoms import template_brain, thick_slices_of

AROUND = 10  # voxels of 2 mm
LEFT_SIDE, RIGHT_BACK, FRONT = (70.0, 10.0, 24.0), (-50.0, 80.0, 24.0), (0.0, -70.0, 24.0)


def outside_and_points() -> tuple[Volume, np.ndarray, np.ndarray]:
    """Return the brain with space around it, mm outside it, and places (k, j, i, 3)."""
    brain = template_brain()
    affine = brain.affine.copy()
    affine[:3, 3] -= AROUND * affine[:3, :3].sum(1)
    padded = Volume(np.pad(brain.voxels, AROUND), affine)
    index = np.stack(np.meshgrid(*map(np.arange, padded.voxels.shape), indexing="ij"), -1)
    outside_mm = distance_outside_mm(padded.voxels > 25, padded.spacing_mm)
    return padded, outside_mm, apply_affine(affine, index[..., ::-1].astype(float))


def head(hole_mm=None, width_mm: float = 60.0, fat_shift: int = 0, **cut):
    """Return a placed scan: a brain, bone of 6 mm and scalp.

    ``fat_shift``: voxels to the left. ``cut``: how the slices differ from routine ones.
    """
    brain, outside_mm, places = outside_and_points()
    median = float(np.median(brain.voxels[brain.voxels > 25]))
    voxels = np.where(outside_mm <= 0, brain.voxels, 0.05 * median)
    scalp = (outside_mm > 8) & (outside_mm <= 14)
    voxels = np.where(np.roll(scalp, fat_shift, 2) & (outside_mm > 2), 1.3 * median, voxels)
    if hole_mm is not None:
        away = np.linalg.norm(places - np.array(hole_mm), axis=-1)
        is_bone = (outside_mm > 2) & (outside_mm <= 8)
        voxels = np.where(is_bone & (away < width_mm / 2), 0.8 * median, voxels)
    protocol = Protocol(in_plane_mm=1.5, **cut)
    cut = thick_slices_of(brain.with_voxels(voxels.astype(np.float32)), protocol)
    scan = volume_from_sitk(to_canonical(sitk_from_volume(cut)))
    to_brain = np.linalg.inv(brain.affine) @ scan.affine
    index = np.stack(np.meshgrid(*map(np.arange, scan.voxels.shape), indexing="ij"), -1)
    i, j, k = np.moveaxis(
        np.rint(apply_affine(to_brain, index[..., ::-1].astype(float))).astype(int), -1, 0
    )
    size = brain.voxels.shape
    k, j, i = (np.clip(n, 0, size[axis] - 1) for axis, n in enumerate((k, j, i)))
    return PlacedScan(scan, outside_mm[k, j, i] <= 0, IN_PLACE)


@pytest.fixture(scope="module")
def sound_head():
    """Return a head without a fault."""
    return head()


def test_a_sound_head_has_equal_sides(sound_head):
    measured = measure(evidence(sound_head))

    assert measured.difference < 0.5 * MOST_DIFFERENCE
    assert FAMILY.judge(measured) == ()


@pytest.mark.parametrize(
    ("hole_mm", "side", "place"), [(LEFT_SIDE, "left", "side"), (RIGHT_BACK, "right", "back")]
)
def test_a_hole_is_found_where_it_is(hole_mm, side, place):
    placed = head(hole_mm)

    measured = measure(evidence(placed))

    assert (measured.side, measured.place) == (side, place)
    slices = apply_affine(np.linalg.inv(placed.index_to_template), np.array(hole_mm))
    assert abs(measured.slice_number - 1 - slices[2]) < 3
    (finding,) = FAMILY.judge(measured)
    assert (finding.code, finding.severity) == ("skull_one_sided", "warn")
    assert f"On the {side} at the {place} (slice {measured.slice_number})" in finding.message


@pytest.mark.parametrize("unit", [1e-12, 1e30])
def test_the_unit_of_brightness_does_not_count(unit):
    placed = head(LEFT_SIDE)
    voxels = placed.volume.voxels * np.float32(unit)
    scaled = replace(placed, volume=placed.volume.with_voxels(voxels))

    expected = measure(evidence(placed)).difference
    assert measure(evidence(scaled)).difference == pytest.approx(expected, rel=1e-3)


def test_a_small_hole_and_one_in_the_middle_are_not_found():
    for placed in (head(LEFT_SIDE, width_mm=20.0), head(FRONT, width_mm=40.0)):
        assert FAMILY.judge(measure(evidence(placed))) == ()


def test_fat_that_is_shifted_sideways_is_no_hole():
    assert FAMILY.judge(measure(evidence(head(fat_shift=1)))) == ()


def test_what_lies_beyond_the_slices_is_no_bone():
    """Of slices that begin on a slope, one side lies at the lowest slice's edge, not both."""
    placed = head(tilt_degrees=(0.0, 10.0, 0.0))
    rows, columns = placed.mask.shape[1:]
    upper = slice(18, None), slice(0, rows), slice(0, columns)
    cut = replace(placed, volume=placed.volume.part(upper), mask=placed.mask[upper])

    assert measure(evidence(cut)).difference < 0.5 * MOST_DIFFERENCE


def test_nothing_is_measured_where_there_is_no_skull_or_it_is_not_seen(sound_head):
    voxels = np.where(sound_head.mask, sound_head.volume.voxels, 0.0)
    stripped = replace(sound_head, volume=sound_head.volume.with_voxels(voxels))

    assert measure(evidence(stripped)) is None
    assert measure(evidence(sound_head, is_extracted=True)) is None
    assert measure(evidence(head(plane="sagittal"))) is None
    assert measure(evidence(PlacedScan(sound_head.volume, sound_head.mask))) is None
    empty = replace(sound_head, mask=np.zeros_like(sound_head.mask))
    assert measure(evidence(empty)) is None


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.21, {}), (0.211, {"skull_one_sided": "warn"}), (0.9, {"skull_one_sided": "warn"})],
)
def test_limits(difference, expected):
    assert found("skull", difference=difference) == expected


def test_it_says_what_may_be_wrong_and_what_to_do():
    message = only_finding("skull", difference=0.5, side="right", slice_number=None).message

    assert re.search("On the right at the front there is much less bone", message)
    assert re.search("operation, an injury or a thin place .* fluid or bone on the other", message)
    assert "ask for the person's history" in message
    assert "do not rely on the age" in message
