"""A brain's edge is cut where a strip says, and its tissue stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from BrainAgeLib.training.strips import (
    LEFTOVER_MM,
    LOOSE,
    TIGHT,
    Strip,
    kept_by,
    random_strip,
    smooth_field,
    ventricles,
    with_leftovers,
)

WHITE, GREY, FLUID = 1.0, 0.7, 0.05
RADIUS_MM, RIM_MM, CORTEX_MM, VENTRICLE_MM = 64.0, 6.0, 8.0, 12.0


@dataclass(frozen=True)
class Ball:
    """A brain as simple as can be: shells around ventricles, with one deep sulcus at its side."""

    levels: torch.Tensor
    rim: torch.Tensor
    sulcus: torch.Tensor
    ventricles: torch.Tensor
    tissue: torch.Tensor
    voxel_mm: float

    @property
    def brain(self):
        """Where there is anything at all."""
        return self.rim | self.sulcus | self.ventricles | self.tissue


@pytest.fixture(scope="module", params=[2.0, 4.0], ids=["2 mm", "4 mm"])
def ball(request):
    """Return the ball at one resolution, with room for leftovers around it."""
    voxel_mm = request.param
    axis = torch.arange(-80.0, 80.1, voxel_mm)
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    from_middle_mm = (x**2 + y**2 + z**2).sqrt()
    inside = from_middle_mm <= RADIUS_MM
    rim = inside & (from_middle_mm > RADIUS_MM - RIM_MM)
    sulcus = inside & ~rim & (y.abs() < 3.0) & (x > RADIUS_MM - 18.0)
    middle = from_middle_mm <= VENTRICLE_MM
    tissue = inside & ~rim & ~sulcus & ~middle
    grey = from_middle_mm > RADIUS_MM - RIM_MM - CORTEX_MM
    levels = torch.where(tissue, torch.where(grey, GREY, WHITE), torch.where(inside, FLUID, 0.0))
    return Ball(levels, rim, sulcus, middle, tissue, voxel_mm)


def kept(strip, ball, seed=1):
    """Return what a strip leaves of the ball."""
    deep = ventricles(ball.levels, ball.voxel_mm)
    return kept_by(strip, ball.levels, deep, np.random.default_rng(seed)) & ball.brain


def test_ventricles_are_fluid_deep_inside_and_no_sulcus(ball):
    found = ventricles(ball.levels, ball.voxel_mm)

    assert torch.equal(found, ball.ventricles)


def test_without_fluid_there_are_no_ventricles(ball):
    assert not ventricles(torch.where(ball.brain, WHITE, 0.0), ball.voxel_mm).any()


def test_a_brain_that_fills_its_image_has_its_ventricles(ball):
    half = 60.0 // ball.voxel_mm
    middle = len(ball.levels) // 2
    near = (slice(int(middle - half), int(middle + half + 1)),) * 3

    assert torch.equal(ventricles(ball.levels[near], ball.voxel_mm), ball.ventricles[near])


def test_a_loose_strip_leaves_everything(ball):
    assert torch.equal(kept(LOOSE, ball), ball.brain)


def test_a_tight_strip_takes_all_fluid_and_leaves_all_tissue(ball):
    assert torch.equal(kept(TIGHT, ball), ball.tissue)


def test_ventricles_stay_where_they_are_kept(ball):
    strip = Strip(tightness=0.35, keeps_ventricles=True)

    assert torch.equal(kept(strip, ball), ball.tissue | ball.ventricles)


def test_ventricles_can_go_alone(ball):
    assert torch.equal(kept(Strip(keeps_ventricles=False), ball), ball.brain & ~ball.ventricles)


def test_a_strip_that_wanders_cuts_deeper_here_than_there(ball):
    ramp = ball.levels.clone()
    ramp[ball.rim] = torch.linspace(0.0, 0.7, int(ball.rim.sum()))[
        torch.randperm(int(ball.rim.sum()), generator=torch.Generator().manual_seed(1))
    ]
    deep = ventricles(ball.levels, ball.voxel_mm)

    def part_left(strip):
        left = kept_by(strip, ramp, deep, np.random.default_rng(3))
        sides = [ball.rim.clone() for _ in range(8)]
        middle = len(ramp) // 2
        for number, side in enumerate(sides):
            for axis in range(3):
                away = range(middle) if number >> axis & 1 else range(middle, len(ramp))
                side.index_fill_(axis, torch.tensor(list(away)), False)
        return [float((left & side).sum() / side.sum()) for side in sides]

    straight, wandering = part_left(Strip(0.35)), part_left(Strip(0.35, wander=0.2))

    assert np.ptp(straight) < 0.1 < 0.15 < np.ptp(wandering)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.8])
def test_leftovers_fill_their_part_of_the_rim_around_the_brain(ball, part):
    volume = 300.0 * ball.levels

    shown = with_leftovers(volume, Strip(leftovers=part), ball.voxel_mm, np.random.default_rng(1))

    left = (shown > 0) & ~ball.brain
    assert torch.equal(shown[ball.brain], volume[ball.brain])
    away_mm = distance_mm(ball)
    # The rim is as wide along the axes; on the diagonals it is a little wider.
    assert float(away_mm[left].max()) <= LEFTOVER_MM * 3**0.5
    near = ~ball.brain & (away_mm <= LEFTOVER_MM)
    assert float(left[near].float().mean()) == pytest.approx(part, abs=0.1)
    assert 0 < float(shown[left].min()) <= float(shown[left].max()) < 1.5 * 300.0


def distance_mm(ball):
    """Return how far each voxel lies from the brain."""
    image = sitk.GetImageFromArray(ball.brain.numpy().astype(np.uint8))
    image.SetSpacing([ball.voxel_mm] * 3)
    distances = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return torch.from_numpy(sitk.GetArrayFromImage(distances))


def test_leftovers_lie_on_a_tight_strip_too(ball):
    stripped = 300.0 * ball.levels * ball.tissue
    strip = Strip(0.35, leftovers=0.8)

    shown = with_leftovers(stripped, strip, ball.voxel_mm, np.random.default_rng(1))

    assert (shown[ball.rim] > 0).any()


def test_without_leftovers_nothing_is_added(ball):
    volume = 300.0 * ball.levels

    assert with_leftovers(volume, LOOSE, ball.voxel_mm, np.random.default_rng(1)) is volume


def test_the_same_generator_draws_the_same_strip_and_leftovers(ball):
    strips = [random_strip(np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert strips[0] == strips[1] != strips[2]

    strip = Strip(0.3, wander=0.2, leftovers=0.5)
    assert torch.equal(kept(strip, ball, seed=5), kept(strip, ball, seed=5))
    assert not torch.equal(
        kept_by(strip, ball.levels, ball.ventricles, np.random.default_rng(5)),
        kept_by(strip, ball.levels, ball.ventricles, np.random.default_rng(6)),
    )
    one, same, other = (
        with_leftovers(ball.levels, strip, ball.voxel_mm, np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_strips_are_drawn_from_loose_to_tight():
    drawn = [random_strip(np.random.default_rng(seed)) for seed in range(600)]
    tightness = np.array([strip.tightness for strip in drawn])
    leftovers = np.array([strip.leftovers for strip in drawn])

    assert np.mean(tightness == 0) == pytest.approx(0.35, abs=0.06)
    assert tightness.max() == pytest.approx(0.6, abs=0.02)
    assert tightness[tightness > 0].min() == pytest.approx(0.05, abs=0.02)
    assert np.mean([strip.keeps_ventricles for strip in drawn]) == pytest.approx(0.75, abs=0.06)
    assert np.mean(leftovers > 0) == pytest.approx(0.3, abs=0.06)
    assert leftovers.max() < 0.8
    assert all(strip.wander == 0 for strip in drawn if strip.tightness == 0)


def test_a_smooth_field_is_around_nothing_and_changes_slowly():
    like = torch.zeros(30, 40, 50)

    field = smooth_field(like, 2.0, 5, np.random.default_rng(1))

    assert field.shape == like.shape
    assert abs(float(field.mean())) < 1.0
    assert 0.5 < float(field.std()) < 3.0
    assert float(field.diff(dim=2).abs().max()) < 1.0
    assert not smooth_field(like, 0.0, 5, np.random.default_rng(1)).any()
