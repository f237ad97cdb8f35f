"""What is cut, leaked, missed or turned about is measured as such."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.measured_placement import measure_placement
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from Testing.library.phantoms import moved, rigid_motion, template_brain, thick_slices_of

IN_PLACE = Registration(np.eye(4), 0.95)


def placed_at(volume, motion=None):
    """Return a scan whose mask is what is not background."""
    place = IN_PLACE if motion is None else Registration(motion, 0.95)
    return PlacedScan(volume, volume.voxels > 25, place)


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice scan in its place."""
    return placed_at(thick_brain)


def part_of(volume, first, last):
    """Return the slices from first to last, without the last."""
    affine = volume.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    return Volume(volume.voxels[first:last], affine)


def test_a_whole_brain_in_its_place(placed, template):
    found = measure_placement(placed, template)

    assert found.coverage > 0.99
    assert max(found.cut_top, found.cut_bottom, found.cut_sides) < 0.01
    assert found.overlap > 0.96
    assert max(found.leak_share, found.missed_share, found.edge_share) < 0.01
    assert found.pattern > 0.8
    assert found.pattern_turned < 0.6 * found.pattern
    assert found.signal_around < 0.05


def test_a_registered_scan_is_measured_where_the_registration_puts_it(placed, template):
    motion = rigid_motion((20, 10, 5), (30, -40, 50))
    elsewhere = placed_at(moved(placed.volume, motion), motion)

    here, there = (measure_placement(scan, template) for scan in (placed, elsewhere))

    assert there.overlap == pytest.approx(here.overlap, abs=0.005)
    assert there.pattern == pytest.approx(here.pattern, abs=0.02)


def test_a_scan_beside_the_template_shows_none_of_it(placed, template):
    far = rigid_motion(shift_mm=(0, 0, 500))

    found = measure_placement(placed_at(placed.volume, far), template)

    assert found.coverage == found.overlap == found.pattern == 0
    assert found.cut_top + found.cut_bottom == pytest.approx(1.0)


def test_top_and_bottom_that_are_cut(placed, template):
    count = len(placed.mask)
    top = measure_placement(placed_at(part_of(placed.volume, 0, count // 2)), template)
    bottom = measure_placement(placed_at(part_of(placed.volume, count // 2, count)), template)

    assert top.cut_top > 0.3 > 0.01 > top.cut_bottom
    assert bottom.cut_bottom > 0.3 > 0.01 > bottom.cut_top
    for found in (top, bottom):
        cut = found.cut_top + found.cut_bottom + found.cut_sides
        assert found.coverage == pytest.approx(1 - cut, abs=1e-6)
        assert found.overlap > 0.94  # within what is in view


def test_a_side_that_is_cut_lies_on_the_edge(placed, template):
    volume = placed.volume
    cut = Volume(volume.voxels[:, :, : volume.voxels.shape[2] * 2 // 3], volume.affine)
    found = measure_placement(placed_at(cut), template)

    assert found.cut_sides > 0.15
    assert max(found.cut_top, found.cut_bottom) < 0.02
    assert found.edge_share > 0.1


def test_ends_of_a_coronal_stack_are_no_edge(template):
    coronal = np.ascontiguousarray(template_brain().voxels[:, 3:94:3])
    affine = template_brain().affine.copy()
    affine[:3, 3] += 3 * affine[:3, 1]
    affine[:3, 1] *= 3
    found = measure_placement(placed_at(Volume(coronal, affine)), template)

    assert found.edge_share < 0.01


@pytest.mark.parametrize(("shift_mm", "most"), [(0.0, 1.0), (10.0, 0.95), (30.0, 0.8)])
def test_a_registration_that_is_off_overlaps_less(placed, template, shift_mm, most):
    motion = rigid_motion(shift_mm=(0.0, shift_mm, 0.0))

    assert measure_placement(placed_at(placed.volume, motion), template).overlap < most


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_a_head_that_is_turned_about_fits_better_turned_back(template, axes):
    brain = template_brain()
    turned = brain.with_voxels(np.ascontiguousarray(np.flip(brain.voxels, axes)))
    found = measure_placement(placed_at(thick_slices_of(turned)), template)

    assert found.pattern_turned > found.pattern


def test_a_leak_is_outside_and_a_hole_inside(placed, template):
    around = np.pad(placed.volume.voxels, ((0, 0), (15, 15), (15, 15)), constant_values=1.0)
    affine = placed.volume.affine.copy()
    affine[:3, 3] -= 15 * (affine[:3, 0] + affine[:3, 1])
    mask = np.pad(placed.mask, ((0, 0), (15, 15), (15, 15)))
    leaked, hole = mask.copy(), mask.copy()
    leaked[:, 5:12] = True
    middle = np.array(mask.shape) // 2
    hole[middle[0] - 2 : middle[0] + 2, middle[1] - 12 : middle[1] + 12] = False
    sound = PlacedScan(Volume(around, affine), mask, IN_PLACE)

    assert measure_placement(replace(sound, mask=leaked), template).leak_share > 0.05
    assert measure_placement(replace(sound, mask=hole), template).missed_share > 0.03
    assert measure_placement(sound, template).leak_share < 0.01


def test_a_mask_that_is_too_small_has_brain_around_it(placed, template):
    assert measure_placement(placed, template).rim_share < 0.1
    small = placed.mask.copy()
    for shift in (-5, 5):
        for axis in (1, 2):
            small &= np.roll(placed.mask, shift, axis)

    assert measure_placement(replace(placed, mask=small), template).rim_share > 0.2


def test_a_skull_is_signal_around_the_brain(placed, template):
    head = np.pad(placed.volume.voxels, ((0, 0), (15, 15), (15, 15)))
    head[head == 0] = 200.0
    affine = placed.volume.affine.copy()
    affine[:3, 3] -= 15 * (affine[:3, 0] + affine[:3, 1])
    mask = np.pad(placed.mask, ((0, 0), (15, 15), (15, 15)))

    found = measure_placement(PlacedScan(Volume(head, affine), mask, IN_PLACE), template)

    assert found.signal_around > 0.8


def test_an_empty_mask_is_no_error(placed, template):
    found = measure_placement(replace(placed, mask=np.zeros_like(placed.mask)), template)

    assert found.overlap == found.leak_share == found.pattern == found.signal_around == 0
