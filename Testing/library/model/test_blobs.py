"""Blobs reach all of a brain, are about a cube wherever they stand, and stay within the budget."""

from __future__ import annotations

import pytest
import torch
from BrainAgeLib.model.blobs import (
    BLOB_MM,
    LATTICE_RANGE_MM,
    lattice_spacing_mm,
    place_blobs,
)

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_SPACING_MM, GRID_WIDTH


def planes_apart(spacing_mm, count=24):
    """Return planes of tilted slices."""
    heights = torch.arange(count) * spacing_mm - 60.0
    return torch.stack([heights, torch.full((count,), 0.1), torch.full((count,), -0.1)], -1)


def whole_grid(count=1):
    return torch.ones(count, GRID_HEIGHT, GRID_WIDTH, dtype=torch.bool)


@pytest.mark.parametrize("lattice_mm", [10.0, 17.3, 26.0, 30.0])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.4, 1.236), (0.99, 0.5)])
def test_every_pixel_is_reached(lattice_mm, shift):
    blobs = place_blobs(whole_grid(), planes_apart(6.0, 1), lattice_mm, shift)

    assert blobs.touched.all()
    assert blobs.profiles.sum(0).min() > 0.01
    assert blobs.profiles.min() >= 0.0
    assert blobs.profiles.max() <= 1.0


def test_half_of_a_blob_is_replaced_within_its_width():
    middle = (0.5, 0.5)  # of a lattice that is wider than the grid
    (profile,) = place_blobs(whole_grid(), planes_apart(6.0, 1), 300.0, middle).profiles

    row = profile[0] / profile[0].max()
    assert (row >= 0.5).sum() * GRID_SPACING_MM == pytest.approx(BLOB_MM / 2, abs=GRID_SPACING_MM)
    assert row[0] == 1.0


@pytest.mark.parametrize(
    ("spacing_mm", "held"), [(3.3, 6), (4.0, 5), (5.0, 4), (6.0, 3), (9.0, 2), (30.0, 1)]
)
def test_a_blob_is_as_high_as_wide_whatever_the_spacing(spacing_mm, held):
    reach = place_blobs(whole_grid(24), planes_apart(spacing_mm), 26.0, (0.0, 0.0)).reach

    assert (reach.sum(1) == held).all()
    assert reach.any(0).all()
    first, last = reach.float().argmax(1), 23 - reach.flip(1).float().argmax(1)
    assert (last - first + 1 == held).all()


def test_few_slices_are_held_by_one_blob():
    reach = place_blobs(whole_grid(2), planes_apart(6.0, 2), 26.0, (0.0, 0.0)).reach

    assert reach.tolist() == [[True, True]]


def test_blobs_stand_only_where_there_is_tissue():
    tissue = torch.zeros(2, GRID_HEIGHT, GRID_WIDTH, dtype=torch.bool)
    tissue[1, 30:40, 10:20] = True

    blobs = place_blobs(tissue, planes_apart(6.0, 2), 10.0, (0.0, 0.0))

    assert not blobs.touched[:, 0].any()
    assert blobs.touched[:, 1].all()
    assert blobs.profiles[:, tissue[1]].sum(0).min() > 0.1


def test_nothing_to_replace():
    blobs = place_blobs(~whole_grid(3), planes_apart(6.0, 3), 20.0, (0.0, 0.0))

    assert len(blobs.profiles) == 0


def test_the_lattice_is_as_dense_as_the_budget_allows():
    tissue = whole_grid(10)
    area_mm2 = tissue.sum().item() * GRID_SPACING_MM**2

    assert lattice_spacing_mm(tissue, area_mm2 / 20.0**2) == pytest.approx(20.0)
    assert lattice_spacing_mm(tissue, 1e9) == LATTICE_RANGE_MM[0]
    assert lattice_spacing_mm(tissue, 1.0) == LATTICE_RANGE_MM[1]
