from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from BrainAgeLib.records import NOTICE, Pictures
from BrainAgeLib.report.dicom_page import (
    HEIGHT_PX,
    LOUD,
    MARGIN_PX,
    PAPER,
    WIDTH_PX,
    page_picture,
    write_page,
)
from BrainAgeLib.report.dicom_source import read_source
from Testing.library.scan.made_dicom import write_series

pydicom = pytest.importorskip("pydicom", reason="the extra dicom is not installed")
pytest.importorskip("highdicom", reason="the extra dicom is not installed")


@pytest.fixture
def page(person, pictures, tmp_path):
    source = read_source(sorted(write_series(tmp_path / "series").iterdir()))
    write_page(person(), pictures, source, tmp_path / "page.dcm")
    return tmp_path / "page.dcm"


def test_the_page_is_an_image_of_the_patients_study(page, person, pictures):
    read = pydicom.dcmread(page)

    assert np.array_equal(read.pixel_array, page_picture(person(), pictures))
    assert (read.PatientID, read.Modality, read.ImageComments) == ("P-4711", "OT", NOTICE)
    assert len(read.SourceImageSequence) == 6


def test_dciodvfy_finds_no_error(page):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")

    done = subprocess.run(["dciodvfy", page], capture_output=True, text=True, check=False)

    assert "SCImage" in done.stderr
    assert "Error" not in done.stderr


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
