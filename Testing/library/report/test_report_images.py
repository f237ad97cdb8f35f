"""Pictures have true proportions, a thin outline in place, and colours by years."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.records import SlicePicture
from BrainAgeLib.report.report_images import (
    GREY_LEVELS,
    OLDER_COLOUR,
    OUTLINE_COLOUR,
    YOUNGER_COLOUR,
    long_side_px,
    outline,
    outlined,
    png_data_uri,
    saliency_scale_years,
    tinted,
)


def square(side: int = 64) -> SlicePicture:
    grey = np.linspace(0, 1, side * side).reshape(side, side)
    mask = np.zeros((side, side), bool)
    mask[16:48, 16:48] = True
    saliency = np.zeros((side, side))
    saliency[20:30, 20:30], saliency[34:44, 34:44] = 2.0, -2.0
    return SlicePicture(grey, (1.0, 1.0), mask, saliency)


def test_outline_is_one_pixel_inside_the_mask() -> None:
    mask = np.zeros((7, 7), bool)
    mask[1:6, 1:6] = True
    edge = outline(mask)
    assert edge.sum() == 16
    assert not edge[2:5, 2:5].any()
    assert not (edge & ~mask).any()


def test_outline_closes_at_the_border_of_the_picture() -> None:
    assert outline(np.ones((5, 5), bool)).sum() == 16


@pytest.mark.parametrize(
    ("pixel_mm", "size"), [((1.0, 1.0), (220, 220)), ((2.0, 1.0), (110, 220)), ((1, 5), (220, 44))]
)
def test_pixels_become_square(pixel_mm: tuple[float, float], size: tuple[int, int]) -> None:
    assert outlined(replace(square(), pixel_mm=pixel_mm), None, 220).size == size


def test_outline_colour_lies_on_the_edge_of_the_mask_only() -> None:
    picture = square()
    pixels = np.asarray(outlined(picture, picture.mask, 64).convert("RGB"))
    coloured = (pixels == OUTLINE_COLOUR).all(axis=-1)
    assert np.array_equal(coloured, outline(picture.mask))
    plain = np.asarray(outlined(picture, None, 64).convert("RGB"))
    assert (plain[..., 0] == plain[..., 2]).all()
    assert len(np.unique(plain)) <= GREY_LEVELS


def test_values_that_are_no_numbers_are_black() -> None:
    picture = replace(square(), grey=np.full((8, 8), np.nan), mask=None)
    assert np.asarray(outlined(picture, None, 64).convert("L")).max() == 0


def test_saliency_colours_follow_the_sign() -> None:
    pixels = np.asarray(tinted(square(), 2.0, 64)).astype(int)
    older, younger, none = pixels[25, 25], pixels[39, 39], pixels[5, 60]
    assert older[0] - older[2] > 100 > 0 > younger[0] - younger[2]
    assert none[0] == none[1] == none[2]
    assert OLDER_COLOUR[0] > OLDER_COLOUR[2]
    assert YOUNGER_COLOUR[0] < YOUNGER_COLOUR[2]


def test_scale_covers_the_strong_voxels() -> None:
    assert saliency_scale_years([square()]) == 2.0
    assert saliency_scale_years([replace(square(), saliency_years=None)]) is None
    assert saliency_scale_years([replace(square(), saliency_years=np.zeros((64, 64)))]) is None
    assert saliency_scale_years([]) is None


def test_many_slices_take_no_more_room_than_some() -> None:
    assert long_side_px(22) == 220
    assert long_side_px(60) < 160
    assert long_side_px(1000) >= 100


def test_png_is_a_data_address() -> None:
    assert png_data_uri(outlined(square(), None, 32)).startswith("data:image/png;base64,iVBOR")
