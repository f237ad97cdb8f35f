"""Where and when a scan was made."""

from __future__ import annotations

from datetime import date

import pytest

from BrainAgeLib.scan.dicom_header import read_dicom_header
from BrainAgeLib.scan.dicom_visit import study_date
from Testing.library.scan.made_dicom import write_slice


@pytest.mark.parametrize(
    ("tags", "scanner"),
    [
        ({}, None),
        ({"Manufacturer": "Maker"}, "Maker"),
        ({"Manufacturer": "Maker", "MagneticFieldStrength": 1.5}, "Maker 1.5 T"),
        ({"ManufacturerModelName": "Model", "MagneticFieldStrength": 2.89362}, "Model 2.9 T"),
        ({"MagneticFieldStrength": 0}, None),
    ],
)
def test_the_scanner_as_far_as_the_header_says(tmp_path, tags, scanner):
    path = write_slice(tmp_path / "slice.dcm", 0, **tags)

    assert read_dicom_header(path).sequence.scanner == scanner


@pytest.mark.filterwarnings("ignore")
def test_a_name_that_would_move_the_cursor_is_safe_to_print(tmp_path):
    path = write_slice(tmp_path / "slice.dcm", 0, ManufacturerModelName="Model\x1b[2J")

    scanner = read_dicom_header(path).sequence.scanner
    assert scanner is not None and scanner.startswith("Model") and scanner.isprintable()


@pytest.mark.parametrize(
    ("text", "day"),
    [("20240131", date(2024, 1, 31)), ("", None), ("19000101", None), ("31 Jan", None)],
)
@pytest.mark.filterwarnings("ignore")
def test_the_day_of_a_study_or_none_where_it_was_removed(tmp_path, text, day):
    assert study_date(write_slice(tmp_path / "slice.dcm", 0, StudyDate=text)) == day
