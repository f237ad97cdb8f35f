"""The regions lie where anatomy says, alike on both sides, and share the brain among them."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.template.grid import (
    FIRST_HEIGHT_MM,
    GRID_FIRST_XY_MM,
    GRID_SPACING_MM,
    HEIGHT_STEP_MM,
)
from BrainAgeLib.template.regions import NAMES, region_numbers
from BrainAgeLib.template.target import brain_region, template_target

LARGEST_REGION = 0.4  # of the brain


def place(aside_mm: float, front_mm: float, up_mm: float) -> tuple[int, int, int]:
    """Return the indices z, y, x of a place; the LPS y axis points backwards."""
    return (
        round((up_mm - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM),
        round((-front_mm - GRID_FIRST_XY_MM[1]) / GRID_SPACING_MM),
        round((aside_mm - GRID_FIRST_XY_MM[0]) / GRID_SPACING_MM),
    )


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("cerebellum and brain stem", (20, -64, -38)),
        ("cerebellum and brain stem", (0, -26, -34)),
        ("lateral ventricles", (8, 18, 10)),
        ("lateral ventricles", (12, -10, 22)),
        ("lateral ventricles", (24, -40, 12)),
        ("thalamus and basal ganglia", (12, -18, 6)),
        ("thalamus and basal ganglia", (26, 4, 0)),
        ("insula and Sylvian fissure", (38, 4, 2)),
        ("insula and Sylvian fissure", (52, -16, 8)),
        ("hippocampus and amygdala", (26, -20, -16)),
        ("temporal lobe", (52, -10, -22)),
        ("temporal lobe", (38, 6, -34)),
        ("frontal lobe", (20, 50, 10)),
        ("frontal lobe", (40, 0, 46)),
        ("parietal lobe", (24, -50, 54)),
        ("parietal lobe", (6, -56, 34)),
        ("occipital lobe", (12, -88, 6)),
    ],
)
@pytest.mark.parametrize("side", [-1, 1])
def test_well_known_places_lie_in_their_region(name, where, side):
    found = int(region_numbers("cpu")[place(side * where[0], *where[1:])])

    assert NAMES[found] == name


def test_regions_share_the_brain_and_nothing_else():
    numbers = region_numbers("cpu")

    assert torch.equal(numbers >= 0, brain_region("cpu"))
    sizes = torch.bincount(numbers[numbers >= 0], minlength=len(NAMES)) / (numbers >= 0).sum()
    assert sizes.min() > 0.01
    assert sizes.max() < LARGEST_REGION


def test_both_sides_are_alike():
    numbers = region_numbers("cpu")
    both = (numbers >= 0) & (numbers.flip(-1) >= 0)

    assert torch.equal(numbers[both], numbers.flip(-1)[both])


def test_the_fluid_in_the_middle_is_that_of_the_lateral_ventricles():
    target, numbers = template_target("cpu"), region_numbers("cpu")
    low, high = place(-20, 30, 8), place(20, -35, 26)
    middle = tuple(slice(first, last + 1) for first, last in zip(low, high, strict=True))

    fluid = target[middle] < 0.4

    assert fluid.sum() > 100
    ventricles = numbers[middle] == NAMES.index("lateral ventricles")
    assert ventricles[fluid].float().mean() > 0.8
