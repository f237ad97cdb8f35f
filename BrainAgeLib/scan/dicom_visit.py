"""Where and when a DICOM scan was made, by which the visits of one person are compared."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from BrainAgeLib.errors import printable
from BrainAgeLib.scan.dicom_elements import Elements, elements_of
from BrainAgeLib.scan.dicom_person import day_of_study

SCANNER_KEYWORDS = ("Manufacturer", "ManufacturerModelName", "MagneticFieldStrength")
LONGEST_SCANNER = 120  # characters


def scanner_of(said: Elements) -> str | None:
    """Return maker, model and field strength, such as "Siemens Avanto 1.5 T", safe to print."""
    maker, model, strength = SCANNER_KEYWORDS
    field_t = said.number(strength)
    words = [printable(said.text(name)) for name in (maker, model)]
    words += [f"{field_t:.2g} T"] if field_t and field_t > 0 else []
    return " ".join(filter(None, words))[:LONGEST_SCANNER] or None


def patient_id(path: Path) -> str | None:
    """Return the patient ID of a DICOM file, to see whether scans are one person's; never written.

    Raises OSError when the file cannot be opened.
    """
    with elements_of(path, ("PatientID",)) as said:
        return said.text("PatientID").strip() or None


def study_date(path: Path) -> date | None:
    """Return the day of a DICOM file's study, to tell how far apart scans are; never written.

    Raises OSError when the file cannot be opened.
    """
    with elements_of(path, ("StudyDate",)) as said:
        return day_of_study(said.text("StudyDate"))
