from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.dicom_page import write_page
from BrainAgeLib.report.dicom_source import read_source
from BrainAgeLib.report.page_picture import page_picture
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
    assert (read.PatientID, read.Modality, read.ImageComments) == ("4711", "OT", NOTICE)
    assert len(read.SourceImageSequence) == 6


def test_dciodvfy_finds_no_error(page):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")

    done = subprocess.run(["dciodvfy", page], capture_output=True, text=True, check=False)

    assert "SCImage" in done.stderr
    assert "Error" not in done.stderr
