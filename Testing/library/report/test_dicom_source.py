from __future__ import annotations

import builtins
import sys

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.report.dicom_source import dicom_packages, read_source
from Testing.library.scan.made_dicom import write_slice

pytest.importorskip("pydicom", reason="the extra dicom is not installed")


def test_empty_fields_stand_for_those_that_are_missing(tmp_path):
    path = write_slice(tmp_path / "IM", 0, PatientID=None, PatientName=None)

    (header,) = read_source([path])

    assert (header.PatientID, header.AccessionNumber) == (None, None)
    assert "PixelData" not in header


def test_an_image_without_its_study_cannot_be_referred_to(tmp_path):
    path = write_slice(tmp_path / "IM", 0, StudyInstanceUID=None)

    with pytest.raises(InputError, match="no StudyInstanceUID"):
        read_source([path])


def test_without_the_extra_the_line_that_adds_it(monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **options):
        if name == "highdicom":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.delitem(sys.modules, "highdicom", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(InputError) as caught:
        dicom_packages()
    assert caught.value.hint == 'pip install "slicerbrainage[dicom]"'
