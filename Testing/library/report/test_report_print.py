"""The report on paper: one A4 page, by a real browser where one is installed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.records import Finding, Quality
from BrainAgeLib.report.report import report_html
from BrainAgeLib.report.report_print import (
    CAPTION_MM,
    HEIGHT_OF_A_PICTURE,
    LEAST_COLUMNS,
    SHEET_HEIGHT_MM,
    SHEET_WIDTH_MM,
    print_columns,
)
from Testing.library.browser import needs_browser, pages_on_paper

FINDINGS = tuple(Finding(f"code_{n}", "warn", f"Something is off, number {n}.") for n in range(5))


@pytest.mark.parametrize("pictures", [1, 12, 20, 24, 40, 90, 170, 300])
def test_a_sheet_of_any_number_of_pictures_stays_low(pictures):
    columns = print_columns(pictures)
    rows = -(-pictures // columns)

    height_mm = rows * (SHEET_WIDTH_MM / columns * HEIGHT_OF_A_PICTURE + CAPTION_MM)
    assert columns >= LEAST_COLUMNS
    assert height_mm <= SHEET_HEIGHT_MM


def test_the_sheets_say_into_how_many_columns_they_go(person, pictures):
    page = report_html(person(), pictures)

    assert f'class="sheet" style="--columns: {print_columns(22)}"' in page
    assert "size: A4" in page


@needs_browser
@pytest.mark.parametrize("kind", ["usual", "refused", "many findings"])
def test_it_prints_on_one_page(person, refused, pictures, tmp_path, kind):
    six = pictures.registered_slices * 2
    shown = replace(pictures, registered_slices=six, template_slices=six)
    prediction = {
        "usual": person(),
        "refused": refused,
        "many findings": person(quality=Quality(FINDINGS)),
    }[kind]
    (tmp_path / "report.html").write_text(report_html(prediction, shown), encoding="utf-8")

    assert pages_on_paper(tmp_path / "report.html") == 1
