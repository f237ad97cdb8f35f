"""Pictures: true proportions, an outline in place, colours by years; the right ones in a sheet."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from BrainAgeLib.records import Pictures, SlicePicture
from BrainAgeLib.report.pictures import (
    CAPTION_MM,
    GREY_LEVELS,
    HEIGHT_OF_A_PICTURE,
    LEAST_COLUMNS,
    LEAST_WIDTH_MM,
    MOST_COLUMNS,
    OLDER_COLOUR,
    OUTLINE_COLOUR,
    SHEET_HEIGHT_MM,
    SHEET_WIDTH_MM,
    THUMBNAIL_SIDE_PX,
    YOUNGER_COLOUR,
    PagePicture,
    input_sheet,
    long_side_px,
    outline,
    outlined,
    png_data_uri,
    print_columns,
    registered_pairs,
    saliency_scale_years,
    saliency_sheet,
    tinted,
    write_thumbnail,
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


def flat(mask: np.ndarray | None, saliency: np.ndarray | None = None) -> SlicePicture:
    return SlicePicture(np.full((40, 40), 0.5), (2.0, 2.0), mask, saliency)


def square_mask(first: int = 10) -> np.ndarray:
    mask = np.zeros((40, 40), bool)
    mask[first:30, first:30] = True
    return mask


def outlined_pixels(picture: PagePicture) -> np.ndarray:
    content = base64.b64decode(picture.source.removeprefix("data:image/png;base64,"))
    return (np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) == OUTLINE_COLOUR).all(-1)


def test_slices_with_and_without_brain_are_told_apart() -> None:
    empty = np.zeros((40, 40), bool)
    sheet = input_sheet([flat(square_mask()), flat(empty), flat(None)])
    assert [picture.alt for picture in sheet.pictures] == [
        "Slice 1 of 3, brain outlined.",
        "Slice 2 of 3, no brain found in it.",
        "Slice 3 of 3, brain not outlined.",
    ]
    assert [bool(outlined_pixels(p).any()) for p in sheet.pictures] == [True, False, False]


def test_pairs_carry_the_outline_of_the_template_on_both() -> None:
    scan, template = flat(square_mask(20)), flat(square_mask(5))
    ((on_scan, on_template),) = registered_pairs(Pictures((), (scan,), (template,)))
    assert outlined_pixels(on_scan).any()
    assert np.array_equal(outlined_pixels(on_scan), outlined_pixels(on_template))


def test_pairs_of_different_grids_do_not_share_an_outline() -> None:
    scan = replace(flat(None), grey=np.full((30, 40), 0.5))
    (pair,) = registered_pairs(Pictures((), (scan,), (flat(square_mask()),)))
    assert [outlined_pixels(picture).any() for picture in pair] == [False, True]


def test_saliency_keeps_the_numbers_of_the_slices_and_names_its_scale() -> None:
    saliency = np.where(square_mask(), 0.5, 0.0)
    sheet = saliency_sheet([flat(None), flat(None, saliency), flat(None, 0 * saliency)])
    assert sheet is not None and sheet.scale is not None
    assert [picture.alt for picture in sheet.pictures] == ["Slice 2 of 3, saliency map in colour."]
    assert sheet.scale.end_years == 0.5
    assert saliency_sheet([flat(None)]) is None


@pytest.mark.parametrize("pictures", [1, 12, 20, 24, 40, 90, 170, 300])
def test_pictures_on_paper_are_low_together_and_wide_enough_each(pictures: int) -> None:
    columns = print_columns(pictures)
    rows = -(-pictures // columns)
    height_mm = rows * (SHEET_WIDTH_MM / columns * HEIGHT_OF_A_PICTURE + CAPTION_MM)
    width_mm = SHEET_WIDTH_MM / columns
    assert columns >= LEAST_COLUMNS
    assert width_mm >= LEAST_WIDTH_MM
    assert height_mm <= SHEET_HEIGHT_MM or columns == MOST_COLUMNS


def test_a_thumbnail_is_the_largest_brain_in_few_bytes(pictures, tmp_path) -> None:
    path = tmp_path / "thumbnail.png"
    write_thumbnail(pictures, path)
    drawn = np.asarray(Image.open(path).convert("RGB"))
    assert max(drawn.shape) == THUMBNAIL_SIDE_PX
    assert (drawn == OUTLINE_COLOUR).all(axis=2).sum() > THUMBNAIL_SIDE_PX
    assert path.stat().st_size < 6000


def test_no_picture_no_thumbnail(tmp_path) -> None:
    write_thumbnail(Pictures((), (), ()), tmp_path / "thumbnail.png")
    assert list(tmp_path.iterdir()) == []
