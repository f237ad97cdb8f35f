"""Elements of DICOM files that the standard would not have."""

from __future__ import annotations

import shutil

import pytest

from BrainAgeLib.report.dicom_source import read_source
from BrainAgeLib.scan.dicom_header import read_dicom_header
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import state_otherwise, write_slice

CHARACTER_SET = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\0\0",
        b"ISO_IR\0100",
        b"\0ISO_IR 100\0",
        b"ISO_IR 100\0rest\xff",
        b"\\ISO 2022 IR 87\0",
    ],
)
def test_a_character_set_with_zeros_in_it(tmp_path, stored):
    path = write_slice(tmp_path / "IM", 0, SpecificCharacterSet="ISO_IR 100", PatientAge="062Y")
    state_otherwise(path, CHARACTER_SET, stored)

    header = read_dicom_header(path)

    assert (header.is_whole, header.series_description) == (True, "T1 tse tra")
    assert header.age_years == 62.0


@pytest.mark.parametrize("stored", [b"", b"\0\0", b"ISO_IR 100\0\0"])
def test_a_series_with_a_copied_slice_and_such_a_character_set(tmp_path, stored):
    for number in range(14):
        write_slice(tmp_path / f"IM{number}", number, SpecificCharacterSet="ISO_IR 100")
    for path in list(tmp_path.iterdir()):
        state_otherwise(path, CHARACTER_SET, stored)
    shutil.copy(tmp_path / "IM3", tmp_path / "copy of IM3")

    scan = read_scan(tmp_path)

    assert scan.image.GetSize()[2] == 14
    assert [len(read_source([path])) for path in sorted(tmp_path.iterdir())[:2]] == [1, 1]
