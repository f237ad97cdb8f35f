from __future__ import annotations

import numpy as np

from BrainAgeLib.records import Pictures
from BrainAgeLib.report.page_picture import (
    HEIGHT_PX,
    LOUD,
    MARGIN_PX,
    PAPER,
    WIDTH_PX,
    page_picture,
)


def has_colour(page, colour):
    return bool((page == colour).all(axis=2).any())


def test_a_page_of_fixed_size_with_free_margins(person, pictures):
    page = page_picture(person(), pictures)

    assert (page.shape, page.dtype) == ((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    for margin in (page[:, : MARGIN_PX - 1], page[:, 1 - MARGIN_PX :], page[: MARGIN_PX - 10]):
        assert (margin == PAPER).all()
    assert not has_colour(page, LOUD)


def test_a_refusal_is_loud(refused, pictures):
    assert has_colour(page_picture(refused, pictures), LOUD)


def test_the_file_of_the_scan_is_not_on_it(person, pictures):
    named, other = (
        page_picture(person(input=person().input.__class__(path, None, None)), pictures)
        for path in ("/a/DOE^JANE.nii", "/b/x.nii")
    )

    assert np.array_equal(named, other)


def test_a_scan_without_pictures(person):
    assert page_picture(person(), Pictures((), (), ())).shape == (HEIGHT_PX, WIDTH_PX, 3)


def test_hundreds_of_slices_stay_on_the_page(person, pictures):
    many = Pictures(pictures.input_slices * 10, (), ())

    assert (page_picture(person(), many)[-MARGIN_PX // 2 :] == PAPER).all()
