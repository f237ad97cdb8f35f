"""Planes through the grid of the template."""

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
