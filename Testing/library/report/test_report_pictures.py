"""Sheets and pairs hold the right pictures with the right outline."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
from PIL import Image

from BrainAgeLib.records import Pictures, SlicePicture
from BrainAgeLib.report.report_images import OUTLINE_COLOUR
from BrainAgeLib.report.report_pictures import input_sheet, registered_pairs, saliency_sheet


def picture(mask: np.ndarray | None, saliency: np.ndarray | None = None) -> SlicePicture:
    return SlicePicture(np.full((40, 40), 0.5), (2.0, 2.0), mask, saliency)


def square_mask(first: int = 10) -> np.ndarray:
    mask = np.zeros((40, 40), bool)
    mask[first:30, first:30] = True
    return mask


def images_in(html: str) -> list[np.ndarray]:
    found = re.findall(r'base64,([^"]+)"', html)
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) for data in found
    ]


def outlined_pixels(image: np.ndarray) -> np.ndarray:
    return (image == OUTLINE_COLOUR).all(axis=-1)


def test_slices_with_and_without_brain_are_told_apart() -> None:
    empty = np.zeros((40, 40), bool)
    sheet = input_sheet([picture(square_mask()), picture(empty), picture(None)])
    assert re.findall(r'alt="([^"]+)"', sheet) == [
        "Slice 1 of 3, brain outlined.",
        "Slice 2 of 3, no brain found in it.",
        "Slice 3 of 3, brain not outlined.",
    ]
    assert [bool(outlined_pixels(image).any()) for image in images_in(sheet)] == [
        True,
        False,
        False,
    ]


def test_pairs_carry_the_outline_of_the_template_on_both() -> None:
    scan, template = picture(square_mask(20)), picture(square_mask(5))
    pairs = registered_pairs(Pictures((), (scan,), (template,)))
    assert pairs is not None
    on_scan, on_template = (outlined_pixels(image) for image in images_in(pairs))
    assert on_scan.any()
    assert np.array_equal(on_scan, on_template)


def test_pairs_of_different_grids_do_not_share_an_outline() -> None:
    scan = replace(picture(None), grey=np.full((30, 40), 0.5))
    pairs = registered_pairs(Pictures((), (scan,), (picture(square_mask()),)))
    assert pairs is not None
    assert [outlined_pixels(image).any() for image in images_in(pairs)] == [False, True]


def test_nothing_registered_nothing_shown() -> None:
    assert registered_pairs(Pictures((), (), ())) is None


def test_saliency_keeps_the_numbers_of_the_slices_and_names_its_scale() -> None:
    saliency = np.where(square_mask(), 0.5, 0.0)
    slices = [picture(None), picture(None, saliency), picture(None, 0 * saliency)]
    sheet = saliency_sheet(slices)
    assert sheet is not None
    assert re.findall(r'alt="([^"]+)"', sheet) == ["Slice 2 of 3, saliency map in colour."]
    assert "\u22120.5 years" in sheet
    assert "+0.5 years" in sheet
    assert saliency_sheet([picture(None)]) is None
