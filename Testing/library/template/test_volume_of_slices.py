"""Between slices the volume is interpolated; where no slice is near, nothing is invented."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.template.grid import (
    GRID_HEIGHT,
    GRID_WIDTH,
    grid_heights_mm,
    heights_mm,
)
from BrainAgeLib.template.scan_maps import LARGEST_GAP_MM, LONE_SLICE_MM, REACH, volume_of_slices
from BrainAgeLib.template.slices import SliceSet

GRID_HEIGHTS_MM = grid_heights_mm(torch.zeros(1))


def ramp(height_mm):
    """Return the brightness that a height has."""
    return 0.6 + 0.004 * height_mm


def slices_at(heights, slope_x=0.0, slope_y=0.0):
    """Return parallel slices whose brightness is that of their height."""
    planes = torch.tensor([[float(height), slope_x, slope_y] for height in heights])
    images = ramp(heights_mm(planes))
    return SliceSet(images, images * 0, planes)


def expected(like):
    """Return the ramp on the grid."""
    return ramp(GRID_HEIGHTS_MM)[:, None, None].expand_as(like)


@pytest.mark.parametrize("slopes", [(0.0, 0.0), (0.1, -0.15)])
@pytest.mark.parametrize("spacing_mm", [3.0, 6.5, 12.0])
def test_between_slices_a_linear_ramp_is_exact(spacing_mm, slopes):
    slices = slices_at(torch.arange(-60.0, 70.0, spacing_mm), *slopes)

    volume = volume_of_slices(slices)

    height = heights_mm(slices.planes)
    grid = GRID_HEIGHTS_MM[:, None, None]
    between = (grid >= height[0]) & (grid <= height[-1])
    assert between.any((1, 2)).sum() > 25
    assert volume.seen[between].all()
    assert torch.allclose(volume.images[between], expected(volume.images)[between], atol=1e-5)


@pytest.mark.parametrize("slopes", [(0.0, 0.0), (0.1, -0.15)])
def test_beyond_the_last_slice_its_own_values_reach_a_little_way(slopes):
    slices = slices_at([-20.0, -10.0, 0.0, 10.0], *slopes)

    volume = volume_of_slices(slices)

    beyond = GRID_HEIGHTS_MM[:, None, None] - heights_mm(slices.planes)[-1]
    assert torch.equal(volume.seen[beyond > 0], beyond[beyond > 0] < REACH * 10.0)
    near = (beyond > 0) & volume.seen
    assert near.any()
    last = slices.images[-1].expand_as(volume.images)
    assert torch.allclose(volume.images[near], last[near], atol=1e-5)
    assert not volume.images[~volume.seen].any()


@pytest.mark.parametrize(("gap_mm", "is_joined"), [(LARGEST_GAP_MM, True), (15.5, False)])
def test_gaps_that_are_too_wide_stay_empty(gap_mm, is_joined):
    volume = volume_of_slices(slices_at([-26.0, -20.0, -20.0 + gap_mm, -14.0 + gap_mm]))

    middle = (GRID_HEIGHTS_MM > -20.0 + REACH * LONE_SLICE_MM) & (
        -20.0 + gap_mm - REACH * LONE_SLICE_MM > GRID_HEIGHTS_MM
    )
    assert middle.sum() >= 1
    assert volume.seen[middle].all() == is_joined
    assert volume.seen[middle].any() == is_joined
    assert volume.images[middle].any() == is_joined


def test_beside_a_hole_each_slice_speaks_for_its_own_side():
    slices = slices_at([-20.0, 20.0])

    volume = volume_of_slices(slices)

    for number, height in enumerate((-20.0, 20.0)):
        near = (GRID_HEIGHTS_MM - height).abs() < REACH * LONE_SLICE_MM
        assert near.sum() == 2  # grid heights lie 2 mm below and above
        assert volume.seen[near].all()
        assert torch.equal(volume.images[near], slices.images[number].expand(2, -1, -1))
    assert volume.seen.sum() == 4 * GRID_HEIGHT * GRID_WIDTH


def test_a_lone_slice_is_as_thick_as_a_routine_one():
    slices = slices_at([0.0])

    volume = volume_of_slices(slices)

    assert GRID_HEIGHTS_MM[volume.seen.all((1, 2))].tolist() == [-2.0, 2.0]
    assert GRID_HEIGHTS_MM[volume.seen.any((1, 2))].tolist() == [-2.0, 2.0]
    assert torch.equal(volume.images[volume.seen], slices.images.expand(2, -1, -1).flatten())
    assert not volume.images[~volume.seen].any()


@pytest.mark.parametrize("height_mm", [-66.0, -1.0, 0.5, 3.0, 78.0])
def test_a_lone_slice_is_seen_wherever_it_lies(height_mm):
    assert volume_of_slices(slices_at([height_mm])).seen.any()


def test_the_order_of_the_slices_does_not_matter():
    slices = slices_at([-20.0, -13.0, -6.0, 2.0, 40.0], 0.05, 0.1)
    order = torch.tensor([3, 0, 4, 2, 1])
    parts = (slices.images, slices.template, slices.planes)

    shuffled = volume_of_slices(SliceSet(*(part[order] for part in parts)))

    assert torch.equal(shuffled.images, volume_of_slices(slices).images)
    assert torch.equal(shuffled.seen, volume_of_slices(slices).seen)


def test_a_volume_goes_to_a_device_as_it_is():
    volume = volume_of_slices(slices_at([0.0, 5.0]))

    assert torch.equal(volume.to("cpu").images, volume.images)
    assert volume.to("meta").seen.device.type == "meta"
