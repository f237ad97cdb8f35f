"""A few slices have an age by the experts at their heights; neighbours do not count twice."""

from __future__ import annotations

import math

import pytest
import torch

from BrainAgeLib.model.brain_maps import usual_heights_mm
from BrainAgeLib.model.regional import DAMPING
from BrainAgeLib.model.slices import (
    COARSE,
    COARSE_VALUES,
    COARSE_WEIGHT,
    FARTHEST_MM,
    FINE,
    FINE_VALUES,
    FIRST_HEIGHT_MM,
    HEIGHTS,
    SliceModel,
    expert_heights_mm,
    nearest_expert,
    sided_values,
    slice_features,
    slice_values,
)
from BrainAgeLib.template.alignment import AlignedVolume
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.slice_alignment import AlignedSlices
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.simulate import as_slices
from Testing.library.model.made_brains import slices_at
from Testing.library.model_folders import small_slice_model
from Testing.library.stored_scans import stored_scan


@pytest.fixture
def model():
    """Return a model with random weights."""
    return small_slice_model(1)


def test_a_slice_is_read_at_its_height_in_the_middle_of_the_brain():
    heights = [-12.0, 3.0, 40.0]

    assert slices_at(heights, slope_y=0.2).mid_brain_heights_mm.tolist() == pytest.approx(
        heights, abs=1e-5
    )


@pytest.mark.parametrize(
    ("height_mm", "number"),
    [
        (-40.0, 0),
        (-48.0, 0),
        (-48.1, -1),
        (-36.5, 0),
        (-35.5, 1),
        (64.0, 13),
        (72.0, 13),
        (72.1, -1),
    ],
)
def test_the_nearest_expert_speaks_if_it_is_near(height_mm, number):
    assert nearest_expert(torch.tensor([height_mm])).tolist() == [number]
    if number >= 0:
        assert abs(height_mm - expert_heights_mm(number)) <= FARTHEST_MM


def test_slices_far_from_every_expert_do_not_count():
    def known(*heights_mm):
        return SliceModel().known_heights_mm(maps_of_scan(slices_at(heights_mm)))

    assert known(73.0, 64.0, -49.0, 3.0) == pytest.approx((3.0, 64.0))
    assert known(80.0) == ()


def test_a_slice_is_seen_coarsely_with_its_brightness_and_finely_with_its_stretching():
    placed = torch.zeros(1, 76, 60)
    placed[0, :4, :4] = 0.7
    placed[0, 4:8, :4] = 5.0
    stretch = torch.zeros(1, 1, 76, 60)
    stretch[..., :2, :2] = math.log(3.0)
    deformed = AlignedVolume(placed[:, None], stretch, torch.zeros(1, 3, 1, 50, 40))

    sides = sided_values(AlignedSlices(placed, deformed, torch.eye(2, 3)[None]))

    assert sides.shape == (2, 1, COARSE_VALUES + FINE_VALUES)
    coarse, fine = sides[:, 0].split((COARSE_VALUES, FINE_VALUES), 1)
    coarse, fine = coarse.view(2, *COARSE) / COARSE_WEIGHT, fine.view(2, *FINE)
    assert coarse[0, :, 0, 0].tolist() == pytest.approx([0, 1, 0, 0.7])
    assert coarse[0, :, 1, 0].tolist() == pytest.approx([0, 0, 1, 1.3])
    assert (coarse[1, 0] == 1).all()  # where there is no brain it looks like fluid
    assert not coarse[1, 1:].any()
    assert fine[0, :, 0, 0].tolist() == pytest.approx([0, 0, math.log(3.0)])
    assert fine[0, :, 2, 0].tolist() == pytest.approx([0, 1, 0])
    assert fine[1, :, 0, 0].tolist() == pytest.approx([1, 0, 0])


def test_both_sides_have_the_middle_of_what_is_seen_coarsely():
    placed = torch.zeros(1, 76, 60)
    placed[:, :, 28:32] = 0.7
    still = AlignedVolume(placed[:, None], placed[:, None] * 0, torch.zeros(1, 3, 1, 50, 40))

    sides = sided_values(AlignedSlices(placed, still, torch.eye(2, 3)[None]))

    grey = sides[:, 0, :COARSE_VALUES].view(2, *COARSE)[:, 1] / COARSE_WEIGHT
    assert (grey[..., -1] == 1).all()
    assert not grey[..., :-1].any()


def test_a_mirrored_alignment_is_seen_alike():
    generator = torch.Generator().manual_seed(2)
    placed, levels, stretch = torch.rand(3, 1, 76, 60, generator=generator)

    def seen(*parts):
        placed, levels, stretch = parts
        deformed = AlignedVolume(levels[:, None], stretch[:, None], torch.zeros(1, 3, 1, 50, 40))
        return slice_values(AlignedSlices(placed, deformed, torch.eye(2, 3)[None]))

    turned = seen(*(one.flip(-1) for one in (placed, levels, stretch)))

    assert torch.allclose(turned, seen(placed, levels, stretch), atol=1e-5)
    assert not torch.allclose(seen(levels, placed, stretch), turned, atol=1e-2)


def test_an_expert_is_linear_and_damped(model):
    slices = slices_at([3.0])
    values = slice_features(maps_of_scan(slices))
    number = int(nearest_expert(torch.tensor([3.0])))
    above = (3.0 - expert_heights_mm(number)) / 10.0

    said = model.said(values, slices.mid_brain_heights_mm)

    centered = values[0] - 0.3
    damped = math.exp(-DAMPING * 1e-3 * float(centered.square().sum()))
    linear = float(centered @ model.weights[number]) + above * float(model.slopes[number])
    expected = float(model.base[number]) + damped * (float(model.offsets[number]) + linear)
    assert float(said[number]) == pytest.approx(expected, abs=1e-3)
    assert said.isnan().sum() == HEIGHTS - 1


def test_slices_at_one_height_are_averaged(model):
    both = slices_at([0.0, 1.0])
    values, heights = slice_features(maps_of_scan(both)), both.mid_brain_heights_mm

    together = model.said(values, heights)

    alone = [model.said(values[n : n + 1], heights[n : n + 1]) for n in range(2)]
    expected = (alone[0] + alone[1]) / 2
    assert torch.allclose(together[5], expected[5])
    assert together[5].isfinite()


def test_the_age_of_one_slice_is_its_regression_on_what_its_expert_says(model):
    slices = slices_at([0.0])
    said = model.said(slice_features(maps_of_scan(slices)), torch.zeros(1))

    expected = 50.0 + 200.0 / 250.0 * float(said[5] - model.mean_said[5])

    assert model.age_years(maps_of_scan(slices)) == pytest.approx(expected, abs=1e-3)


def test_experts_that_say_the_same_do_not_count_twice(model):
    model.covariance.copy_(100.0 + 1e-4 * torch.eye(HEIGHTS))
    model.with_age.fill_(100.0)

    one, both = model.shares(torch.tensor([5])), model.shares(torch.tensor([5, 6]))

    assert float(one.sum()) == pytest.approx(float(both.sum()), abs=1e-3)


def test_experts_that_know_different_things_count_both(model):
    model.covariance.copy_(100.0 * torch.eye(HEIGHTS))
    model.with_age.fill_(50.0)

    assert model.shares(torch.tensor([5, 6])).tolist() == pytest.approx([0.5, 0.5])


def test_the_age_is_the_best_linear_guess_of_jointly_gaussian_numbers(model):
    generator = torch.Generator().manual_seed(3)
    ages = 18.0 * torch.randn(5000, generator=generator)
    own, common = (torch.randn(5000, count, generator=generator) for count in (HEIGHTS, 1))
    said = 0.6 * ages[:, None] + 8.0 * (own + common)
    model.covariance.copy_(torch.cov(said.T))
    model.with_age.copy_(((said - said.mean(0)).T @ (ages - ages.mean())) / 4999)
    model.mean_said.copy_(said.mean(0))

    seen = torch.tensor([2, 3, 9])
    one = torch.full((HEIGHTS,), torch.nan)
    one[seen] = said[0, seen]
    columns = torch.cat([said[:, seen], torch.ones(5000, 1)], 1)
    best = torch.linalg.lstsq(columns, (ages - ages.mean())[:, None]).solution[:, 0]

    assert float(model.combine(one)) == pytest.approx(float(columns[0] @ best), abs=0.02)


def test_the_order_of_the_slices_does_not_matter(model):
    slices = slices_at([0.0, 8.0, 9.0, 30.0])
    order = torch.tensor([2, 0, 3, 1])
    parts = (slices.images, slices.template, slices.planes)

    shuffled = SliceSet(*(part[order] for part in parts))

    assert model.age_years(maps_of_scan(shuffled)) == pytest.approx(
        model.age_years(maps_of_scan(slices)), abs=1e-4
    )


@pytest.mark.parametrize("heights", [[80.0], [-60.0], [80.0, 90.0]])
def test_slices_where_no_expert_stands_have_the_mean_age(model, heights):
    assert model.age_years(maps_of_scan(slices_at(heights))) == 50.0


def test_a_whole_scan_has_an_age_too(model):
    assert math.isfinite(model.age_years(maps_of_scan(as_slices(stored_scan(21), "cpu"))))
    assert math.isfinite(SliceModel().age_years(maps_of_scan(slices_at([FIRST_HEIGHT_MM]))))


def test_the_expected_error_is_that_of_gaussian_numbers(model):
    """Of people drawn from the model's own numbers, the age given what experts say scatters so."""
    low, high, both = torch.tensor([-40.0]), torch.tensor([24.0]), torch.tensor([-40.0, 24.0])
    model.covariance.copy_(torch.eye(HEIGHTS) * 25.0)
    model.with_age.zero_()
    model.with_age[nearest_expert(low)], model.with_age[nearest_expert(high)] = 40.0, 80.0

    assert model.expected_error_years(low, 400.0) == pytest.approx((400 - 40**2 / 25) ** 0.5)
    assert model.expected_error_years(high, 400.0) == pytest.approx((400 - 80**2 / 25) ** 0.5)
    assert model.expected_error_years(both, 400.0) == pytest.approx(80**0.5)
    assert model.expected_error_years(torch.tensor([-90.0]), 400.0) == 20.0


def test_the_error_grows_away_from_the_usual_slices_and_never_shrinks(model):
    model.covariance.copy_(torch.eye(HEIGHTS) * 25.0)
    model.with_age.fill_(30.0)
    model.with_age[nearest_expert(usual_heights_mm(1))] = 80.0

    def widening(*heights_mm):
        return model.widening(maps_of_scan(slices_at(heights_mm)), 1, 400.0)

    assert widening(18.0) == 1.0
    assert widening(-40.0) == pytest.approx((364 / 144) ** 0.5)
    assert widening(18.0, -40.0) == 1.0


def test_usual_slices_lie_about_the_ventricles():
    assert usual_heights_mm(1).tolist() == [18.0]
    assert usual_heights_mm(5).tolist() == [6.0, 12.0, 18.0, 24.0, 30.0]
