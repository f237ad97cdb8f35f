"""Shading and contrast go, tissue stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from BrainAgeLib.template.intensity import (
    FLUID_CONTRAST,
    FLUID_LEVEL,
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

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert float(flat[is_grey].median()) == pytest.approx(GREY_MATTER_LEVEL, abs=0.03)
    assert float(flat[is_white].median()) == pytest.approx(WHITE_MATTER_LEVEL, abs=0.04)


def test_shading_is_gone_everywhere(expected):
    points, grey, white = expected
    image, brain, _, is_white = acquired(expected, 60, 85, noise=0.02)
    left, front = points[..., 0] > 25, points[..., 1] < -10

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    for part in (left, front):
        apart = flat[is_white & part].median() - flat[is_white & ~part].median()
        assert abs(float(apart)) < 0.02
        before = image[is_white & part].median() / image[is_white & ~part].median()
        assert abs(float(before) - 1) > 0.1


def test_another_contrast_gives_nearly_the_same_image(expected):
    points, grey, white = expected
    one, brain, *_ = acquired(expected, 60, 85, shrinkage=0.1)
    other, *_ = acquired(expected, 75, 85, shrinkage=0.1)

    levels = [normalise_intensity(i, brain.float(), points, grey, white) for i in (one, other)]
    apart = levels[0] - levels[1]

    tissue = brain & (one > 0.5 * 85 * shading(points))
    assert float(apart[tissue].abs().mean()) < 0.02


@pytest.mark.parametrize("grey_level", [60, 75])
def test_fluid_and_its_border_come_out_alike_at_any_contrast(expected, grey_level):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, grey_level, 85)
    brain = brain | (points[..., 0].abs() < 30) & (points[..., 1].abs() < 50)
    fluid = brain & (grey + white < 0.25)
    border = brain & (grey > 0.9) & (points[..., 2] > 0)
    fluid_level = grey_level - FLUID_CONTRAST * 85
    image = torch.where(fluid, fluid_level * shading(points), image)
    half = (fluid_level + grey_level) / 2
    image = torch.where(border, half * shading(points), image)

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert float(flat[fluid].median()) == pytest.approx(FLUID_LEVEL, abs=0.05)
    assert float(flat[border].median()) == pytest.approx(GREY_MATTER_LEVEL / 2, abs=0.05)


def test_a_brighter_scan_gives_the_same_image(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85, 0.02, 0.2)

    one = normalise_intensity(image, brain.float(), points, grey, white)
    other = normalise_intensity(1000 * image, brain.float(), points, grey, white)

    assert torch.allclose(one, other, atol=1e-4)


def test_values_stay_in_their_range_and_outside_the_brain_is_nothing(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85, 0.1, 0.2)
    image[brain & (points[..., 0] > 40)] *= 30.0

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert float(flat.min()) == 0
    assert float(flat.max()) == HIGHEST_LEVEL
    assert not flat[~brain].any()


def test_noise_without_contrast_is_not_stretched_to_tissue(expected):
    points, grey, white = expected
    image, brain, is_grey, is_white = acquired(expected, 84.9, 85, noise=0.01)

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert abs(float(flat[is_grey].median() - flat[is_white].median())) < 0.05
    assert float(flat[is_white].std()) < 0.08


def test_too_few_places_of_known_tissue_are_scaled_by_percentiles(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85, noise=0.05)
    brain = brain & ((grey > 0.5) & (grey < 0.75))
    image = image * brain
    assert int((brain & (white > 0.75)).sum()) < LEAST_POINTS

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert float(flat[brain].quantile(0.4)) == pytest.approx(GREY_MATTER_LEVEL, abs=1e-3)
    assert float(flat[brain].quantile(0.9)) == pytest.approx(WHITE_MATTER_LEVEL, abs=1e-3)
    assert not flat[~brain].any()


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_without_known_tissue_what_is_brain_in_a_pixel_counts_by_its_share(expected, share):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85)
    brain = brain & ((grey > 0.5) & (grey < 0.75))
    some = brain & (torch.rand(brain.shape, generator=torch.Generator().manual_seed(3)) < 0.5)
    cover = torch.where(some, share, brain.float())

    whole = normalise_intensity(image * brain, brain.float(), points, grey, white)
    flat = normalise_intensity(image * cover, cover, points, grey, white)

    assert int(some.sum()) > LEAST_POINTS
    # Which pixels tell the brightness of tissue is another choice, of half as many.
    assert float((flat - share * whole)[some].abs().max()) < 0.03


def test_no_brain_gives_nothing(expected):
    points, grey, white = expected

    nothing = torch.zeros_like(grey)

    flat = normalise_intensity(nothing, nothing, points, grey, white)

    assert flat.shape == grey.shape
    assert not flat.any()


@pytest.mark.parametrize("scale", np.geomspace(0.1, 5000.0, 40))
def test_background_has_the_level_of_fluid_at_any_scale_to_the_last_bit(expected, scale):
    """What lies a rounding error above it would be taken for brain."""
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60 * float(scale), 85 * float(scale))

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert (flat[~brain] == FLUID_LEVEL).all()


def with_and_without_fluid(expected, fluid_level, least_cover=1.0):
    """Return a brain that lies in fluid, the same whose fluid was cut off, and its cover.

    ``least_cover``: of the pixels at the edge, of which the mask takes a part.
    """
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85)
    inner = -functional.max_pool2d(-brain.float(), 3, 1, 1) > 0
    edge = brain & ~inner
    generator = torch.Generator().manual_seed(3)
    part = least_cover + (1 - least_cover) * torch.rand(edge.shape, generator=generator)
    cover = torch.where(edge, part, brain.float())
    stripped = image * cover
    return stripped + (1 - cover) * fluid_level * shading(points), stripped, cover, edge


@pytest.mark.parametrize("least_cover", [1.0, 0.1])
def test_a_brain_without_its_fluid_looks_like_one_with_it(expected, least_cover):
    points, grey, white = expected
    fluid_level = 60 - FLUID_CONTRAST * 85
    whole, stripped, cover, edge = with_and_without_fluid(expected, fluid_level, least_cover)

    left = normalise_intensity(whole, torch.ones_like(cover), points, grey, white)
    cut = normalise_intensity(stripped, cover, points, grey, white)

    assert float((left - cut)[(cover == 1) & ~edge].abs().max()) < 0.01
    # At the edge shading is not known as well as within.
    assert float((left - cut)[edge].abs().max()) < 0.06
    assert float((left - cut)[cover == 0].abs().max()) < 0.05


def test_fluid_of_another_brightness_leaves_the_edge_nearly_the_same(expected):
    """Pure fluid is darker than grey matter by 0.43 to 0.57 of white matter, by scanner."""
    points, grey, white = expected
    whole, stripped, cover, edge = with_and_without_fluid(expected, 60 - 0.45 * 85, 0.1)

    left = normalise_intensity(whole, torch.ones_like(cover), points, grey, white)
    cut = normalise_intensity(stripped, cover, points, grey, white)

    assert float((left - cut)[(cover == 1) & ~edge].abs().max()) < 0.01
    assert float((left - cut)[edge].abs().mean()) < 0.08


def test_the_share_of_a_pixel_that_is_brain_tells_how_bright_it_is(expected):
    points, grey, white = expected
    image, brain, *_ = acquired(expected, 60, 85)
    whole = normalise_intensity(image, brain.float(), points, grey, white)
    cover = brain * torch.where(points[..., 0] > 0, 0.7, 1.0)

    flat = normalise_intensity(image * cover, cover, points, grey, white)

    halved = brain & (points[..., 0] > 0) & (whole < GREY_MATTER_LEVEL)
    assert int(halved.sum()) > LEAST_POINTS
    assert float((flat - 0.7 * whole)[halved].abs().max()) < 0.02
    others = brain & (points[..., 0] <= 0)
    assert float((flat - whole)[others].abs().max()) < 0.02


def test_fluid_is_never_darker_than_nothing(expected):
    points, grey, white = expected
    image, brain, is_grey, _ = acquired(expected, 40, 85)
    dark = torch.zeros_like(is_grey).flatten()
    dark[torch.nonzero(is_grey.flatten())[:5, 0]] = True
    dark = dark.view(is_grey.shape)
    image = torch.where(dark, image / 2, image)  # of grey matter that the field is close to

    flat = normalise_intensity(image, brain.float(), points, grey, white)

    assert not flat[~brain].any()
    assert float(flat[is_grey].median()) == pytest.approx(GREY_MATTER_LEVEL, abs=0.03)
    # Fluid 0.55 of white matter below grey matter would be below nothing, and this 0.41.
    assert flat[dark].tolist() == pytest.approx([GREY_MATTER_LEVEL / 2] * 5, abs=0.03)
