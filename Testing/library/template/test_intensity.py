"""Shading and contrast go, tissue stays."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.template.intensity import (
    FLUID_LEVEL,
    FLUID_SHARE,
    GREY_MATTER_LEVEL,
    HIGHEST_LEVEL,
    LEAST_POINTS,
    WHITE_MATTER_LEVEL,
    normalise_intensity,
)
from BrainAgeLib.template.template import BRAIN_CENTER_MM

HEIGHTS_MM = torch.arange(-30.0, 60.0, 6.0)
CSF_LEVEL = 0.3  # of white matter


@pytest.fixture(scope="module")
def expected(maps):
    """Return template points (slice, y, x, 3) in mm and grey and white matter there."""
    x, y = torch.arange(-70.0, 71.0, 2.5), torch.arange(-75.0, 110.0, 2.5)
    z, y, x = torch.meshgrid(HEIGHTS_MM, y, x, indexing="ij")
    points = torch.stack([x, y, z], -1)
    _, grey, white = maps.at(points)
    return points, grey, white


def shading(points, strength=0.3):
    """Return a smooth field like that of a coil: brighter on one side and in front."""
    x, y, z = ((points - torch.tensor(BRAIN_CENTER_MM)) / 80.0).unbind(-1)
    return torch.exp(strength * (x - 0.6 * y + 0.5 * z**2 - 0.4 * x * y))


def acquired(expected, grey_level, white_level, noise=0.0, shrinkage=0.0):
    """Return a shaded image of the tissue, its brain and where grey and white matter really are.

    ``shrinkage``: share of the expected grey matter that is cerebrospinal fluid instead.
    """
    points, grey, white = expected
    generator = torch.Generator().manual_seed(5)
    brain = (grey + white) > 0.3
    lost = (torch.rand(grey.shape, generator=generator) < shrinkage) & (grey > white)
    image = (grey * grey_level + white * white_level) / (grey + white).clamp(min=0.3)
    image = torch.where(lost, torch.full_like(image, CSF_LEVEL * white_level), image)
    image = image * (1 + noise * torch.randn(image.shape, generator=generator))
    is_grey, is_white = brain & (grey > 0.9) & ~lost, brain & (white > 0.95)
    return image * shading(points) * brain, brain, is_grey, is_white


@pytest.mark.parametrize(("grey_level", "white_level"), [(60, 85), (400, 500), (0.6, 0.9)])
def test_levels_come_out_of_shading_noise_and_shrinkage(expected, grey_level, white_level):
    points, grey, white = expected
    image, brain, is_grey, is_white = acquired(expected, grey_level, white_level, 0.03, 0.25)

    flat = normalise_intensity(image, brain, points, grey, white)

    assert float(flat[is_grey].median()) == pytest.approx(GREY_MATTER_LEVEL, abs=0.03)
    assert float(flat[is_white].median()) == pytest.approx(WHITE_MATTER_LEVEL, abs=0.04)


def test_shading_is_gone_everywhere(expected):
    points, grey, white = expected
    image, brain, _, is_white = acquired(expected, 60, 85, noise=0.02)
    left, front = points[..., 0] > 25, points[..., 1] < -10

    flat = normalise_intensity(image, brain, points, grey, white)

    for part in (left, front):
        apart = flat[is_white & part].median() - flat[is_white & ~part].median()
        assert abs(float(apart)) < 0.02
        before = image[is_white & part].median() / image[is_white & ~part].median()
        assert abs(float(before) - 1) > 0.1


def test_another_contrast_gives_nearly_the_same_image(expected):
    points, grey, white = expected
    one, brain, *_ = acquired(expected, 60, 85, shrinkage=0.1)
    other, *_ = acquired(expected, 75, 85, shrinkage=0.1)

    apart = normalise_intensity(one, brain, points, grey, white) - normalise_intensity(
        other, brain, points, grey, white
    )

    tissue = brain & (one > 0.5 * 85 * shading(points))
    assert float(apart[tissue].abs().mean()) < 0.02


@pytest.mark.parametrize("grey_level", [60, 75])
def test_fluid_and_its_border_come_out_alike_at_any_contrast(expected, grey_level):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, grey_level, 85)
    brain = brain | (points[..., 0].abs() < 30) & (points[..., 1].abs() < 50)
    fluid = brain & (grey + white < 0.25)
    border = brain & (grey > 0.9) & (points[..., 2] > 0)
    fluid_level = FLUID_SHARE * 85
    image = torch.where(fluid, fluid_level * shading(points), image)
    half = (fluid_level + grey_level) / 2
    image = torch.where(border, half * shading(points), image)

    flat = normalise_intensity(image, brain, points, grey, white)

    assert float(flat[fluid].median()) == pytest.approx(FLUID_LEVEL, abs=0.05)
    assert float(flat[border].median()) == pytest.approx(GREY_MATTER_LEVEL / 2, abs=0.05)


def test_a_brighter_scan_gives_the_same_image(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85, 0.02, 0.2)

    one = normalise_intensity(image, brain, points, grey, white)
    other = normalise_intensity(1000 * image, brain, points, grey, white)

    assert torch.allclose(one, other, atol=1e-4)


def test_values_stay_in_their_range_and_outside_the_brain_is_nothing(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85, 0.1, 0.2)
    image[brain & (points[..., 0] > 40)] *= 30.0

    flat = normalise_intensity(image, brain, points, grey, white)

    assert float(flat.min()) == 0
    assert float(flat.max()) == HIGHEST_LEVEL
    assert not flat[~brain].any()


def test_noise_without_contrast_is_not_stretched_to_tissue(expected):
    points, grey, white = expected
    image, brain, is_grey, is_white = acquired(expected, 84.9, 85, noise=0.01)

    flat = normalise_intensity(image, brain, points, grey, white)

    assert abs(float(flat[is_grey].median() - flat[is_white].median())) < 0.05
    assert float(flat[is_white].std()) < 0.08


def test_too_few_places_of_known_tissue_are_scaled_by_percentiles(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85, noise=0.05)
    brain = brain & ((grey > 0.5) & (grey < 0.75))
    assert int((brain & (white > 0.75)).sum()) < LEAST_POINTS

    flat = normalise_intensity(image, brain, points, grey, white)

    assert float(flat[brain].quantile(0.4)) == pytest.approx(GREY_MATTER_LEVEL, abs=1e-3)
    assert float(flat[brain].quantile(0.9)) == pytest.approx(WHITE_MATTER_LEVEL, abs=1e-3)
    assert not flat[~brain].any()


def test_no_brain_gives_nothing(expected):
    points, grey, white = expected

    flat = normalise_intensity(torch.ones_like(grey), grey > 2, points, grey, white)

    assert flat.shape == grey.shape
    assert not flat.any()
