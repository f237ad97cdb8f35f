"""Elements of DICOM files that the standard would not have."""

from __future__ import annotations

import pytest

from BrainAgeLib.scan.dicom_header import read_dicom_header
from Testing.library.scan.made_dicom import write_slice


@pytest.mark.parametrize(
    "stored",
    [b"\0\0", b"ISO_IR\0100", b"\0ISO_IR 100\0", b"ISO_IR 100\0rest\xff", b"\\ISO 2022 IR 87\0"],
)
def test_a_character_set_with_zeros_in_it(tmp_path, stored):
    path = write_slice(tmp_path / "IM", 0, SpecificCharacterSet="ISO_IR 100", PatientAge="062Y")
    content = path.read_bytes()
    element = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"
    assert element in content
    length = len(stored).to_bytes(2, "little")
    path.write_bytes(content.replace(element, element[:6] + length + stored))

    header = read_dicom_header(path)

    assert (header.is_whole, header.series_description) == (True, "T1 tse tra")
    assert header.age_years == 62.0
