"""Where in a few slices the age comes from."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.regional import DAMPING
from BrainAgeLib.model.slices import (
    COARSE,
    COARSE_VALUES,
    FINE,
    FINE_VALUES,
    nearest_expert,
    slice_features,
)
from BrainAgeLib.template.grid import HEIGHT_COUNT, grid_heights_mm, heights_mm
from BrainAgeLib.template.scan_maps import maps_of_scan, volume_of_slices
from Testing.library.model.made_brains import slices_at, template_slices
from Testing.library.model_folders import small_slice_model

LEFT = (slice(30, 38), slice(42, 50))  # y, x; x grows to the left
RIGHT = (slice(30, 38), slice(10, 18))


@pytest.fixture
def model():
    """Return a model with random weights."""
    return small_slice_model(1)


def where_from(model, slices):
    """Return what each place adds to the age of slices."""
    return model.contributions(maps_of_scan(slices), torch.zeros(0))


@pytest.mark.parametrize("heights", [[0.0], [0.0, 1.0, 30.0], [-30.0, -24.0, 62.0, 100.0]])
def test_places_add_up_to_what_the_experts_say_of_values(model, heights):
    slices = template_slices(heights)
    maps = maps_of_scan(slices)
    values, height = slice_features(maps), slices.mid_brain_heights_mm
    numbers = nearest_expert(height)
    said = model.said(values, height)

    years = where_from(model, slices)

    # Without what has no place: base, offset and height, damped as in this scan.
    for expert in numbers[numbers >= 0].unique().tolist():
        mine = numbers == expert
        size = (values[mine] - model.center[expert]).square().sum(1) * model.inverse_size[expert]
        damped = torch.exp(-DAMPING * size)
        linear = (values[mine] - model.center[expert]) @ model.weights[expert]
        said[expert] = (damped * linear).mean() + model.mean_said[expert]
    assert years.shape == (HEIGHT_COUNT, 76, 60)
    # Alignment moves the template itself a little.
    most = float(years.abs().sum())
    assert float(years.sum()) == pytest.approx(float(model.combine(said)), abs=0.02 * most)
    assert most > 0


def test_slices_that_no_expert_looks_at_add_nothing(model):
    assert not where_from(model, slices_at([85.0, 95.0])).any()


def test_a_straight_slice_stands_at_its_height(model):
    years = where_from(model, slices_at([3.0]))

    heights = grid_heights_mm(years)[years.abs().amax((1, 2)) > 0]
    assert heights.tolist() == [2.0]


def test_each_pixel_of_a_tilted_slice_stands_at_its_own_height(model):
    slices = slices_at([7.5], slope_y=0.25)

    years = where_from(model, slices)

    level, y, x = torch.nonzero(years, as_tuple=True)
    distance = grid_heights_mm(years)[level] - heights_mm(slices.planes)[0, y, x]
    assert distance.abs().max() <= 2.0 + 1e-4
    assert len(level.unique()) > 8
    # All of it is where the volume has something to show.
    assert volume_of_slices(slices).seen[level, y, x].all()


@pytest.mark.parametrize(("where", "elsewhere"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_lesion_shows_on_its_own_side_with_its_sign(model, where, elsewhere):
    slices = template_slices([16.0])
    model.weights.zero_()
    coarse, fine = model.weights.split((COARSE_VALUES, FINE_VALUES), 1)
    for values, shape in ((coarse, COARSE), (fine, FINE)):
        values.view(len(model.weights), *shape)[:, 0] = 1.0  # fluid is older
    model.center.copy_(slice_features(maps_of_scan(slices)).expand_as(model.center))
    slices.images[0][where] = 0.1

    years = where_from(model, slices).sum(0)

    assert years[where].mean() > 20 * years[elsewhere].abs().mean()
    assert years[where].sum() > 0.5 * years.abs().sum()
