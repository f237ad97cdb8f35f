"""Who was scanned, for those who ask for it: nothing else in the program reads these tags."""

from __future__ import annotations

from pathlib import Path

from BrainAgeLib.errors import printable
from BrainAgeLib.scan.file_kind import FileKind
from BrainAgeLib.scan.itk_reader import open_header
from BrainAgeLib.scan.quiet_itk import quiet_itk

IDENTIFIERS = {
    "patient_name": "0010|0010",
    "patient_id": "0010|0020",
    "patient_birth_date": "0010|0030",
    "accession_number": "0008|0050",
}


def read_identifiers(dicom_file: Path) -> dict[str, str]:
    """Return what a DICOM file says of who was scanned; what it does not say is left out.

    Raises InputError when the file cannot be read.
    """
    with quiet_itk():
        reader = open_header(dicom_file, FileKind.DICOM, printable(dicom_file.name))
    present = set(reader.GetMetaDataKeys())
    found = {
        name: printable(reader.GetMetaData(tag).strip(" \0"))
        for name, tag in IDENTIFIERS.items()
        if tag in present
    }
    return {name: text for name, text in found.items() if text}
