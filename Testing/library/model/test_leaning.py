"""Which regions an age leans on most."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.saliency import leaning_on_regions
from BrainAgeLib.template.regions import NAMES, region_numbers
from BrainAgeLib.template.scan_maps import TemplateVolume


@pytest.fixture
def volume(target):
    return TemplateVolume(target.clamp(min=0.01), torch.ones_like(target, dtype=torch.bool))


def years_in(values: dict[str, float]) -> torch.Tensor:
    numbers = region_numbers("cpu")
    years = torch.zeros(numbers.shape)
    for name, value in values.items():
        years[numbers == NAMES.index(name)] = value
    return years


def test_the_strongest_comes_first_though_others_are_larger(volume):
    values = {"lateral ventricles": -1.0, "frontal lobe": 0.5, "temporal lobe": 0.25}

    leaning = leaning_on_regions(years_in(values), volume)

    assert [region.region for region in leaning[:3]] == list(values)
    assert [region.mean_years for region in leaning[:3]] == pytest.approx(list(values.values()))
    assert leaning[0].times_average == pytest.approx(2 * leaning[1].times_average)
    assert {region.region for region in leaning} == set(NAMES)


def test_an_even_map_is_average_everywhere(volume):
    leaning = leaning_on_regions(torch.full(volume.images.shape, -0.3), volume)

    assert [region.times_average for region in leaning] == pytest.approx([1.0] * len(NAMES))


def test_opposite_signs_count_by_their_size(volume):
    years = years_in({"lateral ventricles": 1.0})
    years[..., : years.shape[-1] // 2] *= -1

    first = leaning_on_regions(years, volume)[0]

    assert first.region == "lateral ventricles"
    assert abs(first.mean_years) < 0.1


def test_nothing_is_said_of_a_region_that_is_hardly_seen(volume):
    cut = TemplateVolume(volume.images, region_numbers("cpu") != NAMES.index("temporal lobe"))

    leaning = leaning_on_regions(years_in({"temporal lobe": 5.0, "frontal lobe": 1.0}), cut)

    assert leaning[0].region == "frontal lobe"
    assert "temporal lobe" not in {region.region for region in leaning}


def test_a_map_of_nothing_leans_on_nothing(volume):
    assert leaning_on_regions(torch.zeros(volume.images.shape), volume) == ()
