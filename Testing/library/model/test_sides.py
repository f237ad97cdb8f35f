"""The two sides of a brain are compared with those of healthy people, place by place."""

from __future__ import annotations

import math

import pytest
import torch

from BrainAgeLib.model.sides import (
    OneSided,
    TypicalSides,
    sides_of,
    typical_sides,
    unpacked_sides,
)
from BrainAgeLib.template.grid import grid_heights_mm, grid_xy_mm
from BrainAgeLib.template.scan_maps import TemplateVolume
from BrainAgeLib.template.target import template_target

PEOPLE = 40


def brain(number: int = 0, dimmer: float = 0.02) -> TemplateVolume:
    """Return the template's brain, and what little makes one person differ from another."""
    target = template_target("cpu")
    generator = torch.Generator().manual_seed(number)
    coarse = dimmer * torch.randn((1, 1, 5, 9, 7), generator=generator)
    change = torch.nn.functional.interpolate(coarse, target.shape, mode="trilinear")[0, 0]
    return TemplateVolume((target + change * (target > 0)).clamp(0, 1.5), target > -1)


def with_ball(
    volume: TemplateVolume, x_mm: float, level: float, radius_mm: float = 18.0
) -> TemplateVolume:
    """Return the volume with a ball of one level in the frontal lobe of one side."""
    x, y = grid_xy_mm(volume.images)
    z = grid_heights_mm(volume.images)[:, None, None]
    ball = (x - x_mm) ** 2 + (y + 35.0) ** 2 + (z - 25.0) ** 2 < radius_mm**2
    return TemplateVolume(torch.where(ball, level, volume.images), volume.seen)


def told(typical: TypicalSides, volume: TemplateVolume) -> OneSided:
    return typical.most_one_sided(sides_of(volume))


@pytest.fixture(scope="module")
def typical() -> TypicalSides:
    sides = torch.stack([sides_of(brain(n)) for n in range(PEOPLE)])
    return typical_sides(sides, torch.ones(PEOPLE, dtype=torch.bool))


def test_nearly_all_healthy_brains_stay_under_one(typical: TypicalSides) -> None:
    over = [told(typical, brain(n)).distance > 1 for n in range(PEOPLE)]
    assert sum(over) <= 1


@pytest.mark.parametrize(("x_mm", "side"), [(30.0, "left"), (-30.0, "right")])
@pytest.mark.parametrize(("level", "is_darker"), [(0.2, True), (1.4, False)])
def test_a_ball_on_one_side_is_found_with_its_side_and_region(
    typical: TypicalSides, x_mm: float, side: str, level: float, is_darker: bool
) -> None:
    found = told(typical, with_ball(brain(7), x_mm, level))

    assert found.distance > 2
    assert (found.side, found.region, found.is_darker) == (side, "frontal lobe", is_darker)
    assert math.dist(found.place_mm, (x_mm, -35.0, 25.0)) < 15.0


def test_a_larger_lesion_is_further_away(typical: TypicalSides) -> None:
    small, large = (told(typical, with_ball(brain(7), 30.0, 0.2, radius)) for radius in (8.0, 20.0))
    assert small.distance < large.distance


def test_what_is_alike_on_both_sides_is_no_difference(typical: TypicalSides) -> None:
    both = with_ball(with_ball(brain(7), 30.0, 0.2), -30.0, 0.2)
    assert told(typical, both).distance < 1


def test_brightness_of_the_whole_brain_is_no_difference(typical: TypicalSides) -> None:
    usual = brain(7)
    brighter = TemplateVolume(usual.images * 1.1, usual.seen)
    assert told(typical, brighter).distance < 1


def test_a_place_that_was_not_seen_says_nothing(typical: TypicalSides) -> None:
    ill = with_ball(brain(7), 30.0, 0.2)
    heights = grid_heights_mm(ill.images)[:, None, None]
    seen = ill.seen & (heights < -10.0)  # the ball lies above
    hidden = TemplateVolume(ill.images * seen, seen)
    assert told(typical, hidden).distance < 1


def test_unusual_scans_say_where_sides_differ_but_not_how_far_is_far(
    typical: TypicalSides,
) -> None:
    messy = [with_ball(brain(n), 30.0 * (-1) ** n, 0.2) for n in range(PEOPLE // 4)]
    sides = torch.stack([sides_of(v) for v in [*(brain(n) for n in range(PEOPLE)), *messy]])
    wary = typical_sides(sides, torch.arange(len(sides)) < PEOPLE)

    over = [told(wary, brain(n)).distance > 1 for n in range(PEOPLE)]
    ill = with_ball(brain(7), 30.0, 0.2)
    assert sum(over) <= 1
    assert told(wary, ill).distance < told(typical, ill).distance


def test_packing_keeps_it(typical: TypicalSides) -> None:
    again = unpacked_sides(typical.packed())
    ill = with_ball(brain(7), 30.0, 0.2)
    before, after = told(typical, ill), told(again, ill)
    assert after.distance == pytest.approx(before.distance, rel=0.01)
    assert (after.side, after.region) == (before.side, before.region)
