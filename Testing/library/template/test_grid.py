"""Planes through the grid of the template, and blurring on it."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.template.grid import (
    GRID_HEIGHT,
    GRID_WIDTH,
    HEIGHT_COUNT,
    SPACING_MM,
    grid_heights_mm,
    grid_points_mm,
    heights_mm,
    mid_brain_heights_mm,
    planes_through,
    smooth,
)

PLANES = torch.tensor([[3.0, 0.0, 0.0], [-20.0, 0.1, -0.2], [40.5, -0.15, 0.3]])


def test_neighbouring_points_are_one_spacing_apart():
    points = grid_points_mm(grid_heights_mm(torch.zeros(1)))

    assert points.shape == (HEIGHT_COUNT, GRID_HEIGHT, GRID_WIDTH, 3)
    steps = [points[1, 0, 0] - points[0, 0, 0], points[0, 1, 0] - points[0, 0, 0]]
    steps.append(points[0, 0, 1] - points[0, 0, 0])
    assert [step.abs().sum().item() for step in steps] == list(SPACING_MM)
    assert points[0, 0, 0, 0] == -points[0, 0, -1, 0]  # left and right are alike


def test_a_plane_is_known_by_its_points():
    points = grid_points_mm(PLANES[:, 0])
    points[..., 2] = heights_mm(PLANES)

    assert torch.allclose(planes_through(points), PLANES, atol=1e-4)


def test_the_height_at_the_middle_is_that_of_the_pixel_there():
    middle = mid_brain_heights_mm(PLANES)

    # y = 18 mm lies between two rows, x = 0 between two columns.
    rows = heights_mm(PLANES)[:, 37:39, 29:31].mean(2)
    assert rows @ torch.tensor([0.4, 0.6]) == pytest.approx(middle, abs=1e-3)


@pytest.mark.parametrize("sigmas", [[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [1.0, 2.0, 0.7]])
def test_blurring_conserves_constants_and_blurs(sigmas):
    constant = torch.full((2, 1, 9, 11, 7), 0.37)
    noise = torch.rand(2, 1, 9, 11, 7, generator=torch.Generator().manual_seed(1))

    assert torch.allclose(smooth(constant, sigmas), constant, atol=1e-6)
    assert smooth(noise, sigmas).shape == noise.shape
    assert smooth(noise, sigmas).std() < 0.7 * noise.std()


def test_no_width_blurs_nothing():
    noise = torch.rand(4, 5, 6)

    assert torch.equal(smooth(noise, [0.0, 0.0, 0.0]), noise)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_blurred_point_has_the_width_that_was_asked_for(axis):
    point = torch.zeros(25, 27, 29)
    point[12, 13, 14] = 1.0
    sigmas = [0.0, 0.0, 0.0]
    sigmas[axis] = 2.0

    found = smooth(point, sigmas)

    others = [n for n in range(3) if n != axis]
    profile = found.sum(others)
    offsets = torch.arange(len(profile)) - (12, 13, 14)[axis]
    assert float(profile.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float((profile * offsets).sum()) == pytest.approx(0.0, abs=1e-5)
    assert float((profile * offsets**2).sum()) == pytest.approx(4.0, rel=0.03)
    assert int((found.sum(axis) > 1e-6).sum()) == 1  # nothing went to the sides
