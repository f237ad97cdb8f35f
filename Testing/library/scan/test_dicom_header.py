from pathlib import Path

import pytest

from BrainAgeLib.scan.dicom_header import (
    BIRTH_DATE,
    PATIENT_AGE,
    PATIENT_SEX,
    PIXEL_SPACING,
    SERIES_DESCRIPTION,
    SLICE_THICKNESS,
    STUDY_DATE,
    DicomHeader,
    read_dicom_header,
)
from Testing.library.scan.made_dicom import COLUMNS, ROWS, write_report, write_slice


def header_of(**tags):
    return DicomHeader(Path("IM0001"), (14, 12, 1), 3, tags)


@pytest.mark.parametrize(
    ("text", "age_years"),
    [
        ("063Y", 63.0),
        ("63Y", 63.0),
        ("063y", 63.0),
        ("018M", 1.5),
        ("010W", 70 / 365.25),
        ("400D", 400 / 365.25),
        ("120Y", 120.0),
        ("000Y", None),  # what removed data look like
        ("121Y", None),
        ("999Y", None),
        ("", None),
        ("063", None),
        ("Y", None),
        ("-63Y", None),
        ("ANON", None),
    ],
)
def test_patient_age(text, age_years):
    assert header_of(**{PATIENT_AGE: text}).age_years == (age_years and pytest.approx(age_years))


@pytest.mark.parametrize(
    ("born", "seen", "age_years"),
    [
        ("19570301", "20200301", 63.0),
        ("1957.03.01", "2020.03.01", 63.0),
        ("19570301", "20200830", 63.5),
        ("19570301", "", None),
        ("", "20200301", None),
        ("19570231", "20200301", None),
        ("20210301", "20200301", None),
        ("18000101", "20200301", None),
        ("1957", "20200301", None),
    ],
)
def test_age_from_dates(born, seen, age_years):
    header = header_of(**{BIRTH_DATE: born, STUDY_DATE: seen})

    assert header.age_years == (age_years and pytest.approx(age_years, abs=0.005))


def test_age_as_given_goes_before_the_dates():
    dates = {BIRTH_DATE: "19570301", STUDY_DATE: "20200301"}

    assert header_of(**dates, **{PATIENT_AGE: "062Y"}).age_years == 62.0
    assert header_of(**dates, **{PATIENT_AGE: "junk"}).age_years == pytest.approx(63.0, abs=0.005)


@pytest.mark.parametrize(
    ("text", "sex"), [("F", "F"), ("M", "M"), ("f", "F"), ("O", None), ("", None), ("FM", None)]
)
def test_sex(text, sex):
    assert header_of(**{PATIENT_SEX: text}).sex == sex


@pytest.mark.parametrize(
    ("text", "thickness_mm"),
    [("5.0", 5.0), ("", None), ("0", None), ("-5", None), ("nan", None), ("5\\5", None)],
)
def test_slice_thickness(text, thickness_mm):
    assert header_of(**{SLICE_THICKNESS: text}).slice_thickness_mm == thickness_mm


@pytest.mark.parametrize("text", ["", "0.9", "0.9\\1.1\\1", "0.9\\x", "0.9\\inf"])
def test_numbers_that_are_not_those(text):
    assert header_of(**{PIXEL_SPACING: text}).numbers(PIXEL_SPACING, 2) is None


def test_unknown_facts_are_none():
    header = header_of()

    assert (header.age_years, header.sex, header.slice_thickness_mm) == (None, None, None)
    assert (header.series_uid, header.series_description) == ("", "")


def test_description_is_safe_to_print():
    assert header_of(**{SERIES_DESCRIPTION: "T1\x1b[2J\n\udce9"}).series_description == "T1?[2J??"


def test_header_of_a_file_holds_no_name_and_no_number(tmp_path):
    header = read_dicom_header(write_slice(tmp_path / "IM", 0))

    assert header.size == (COLUMNS, ROWS, 1)
    assert header.numbers(PIXEL_SPACING, 2) == (1.1, 0.9)
    assert not {"Doe^Jane", "4711"} & set(header.tags.values())


def test_report_has_no_header_of_an_image(tmp_path):
    assert read_dicom_header(write_report(tmp_path / "report.dcm")) is None
