"""The source series of a scan, as far as DICOM outputs refer to it, and their package.

What is read here holds the patient's name and number: it goes into DICOM objects that a hospital's
archive must be able to file, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError

MANUFACTURER = "SlicerBrainAge contributors"
# Objects of ours say "type 2" for these: there, but empty when nobody knows.
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_MUST_BE_THERE = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


def dicom_packages() -> Any:
    """Return highdicom. Raises InputError with the line that installs it when it is missing."""
    try:
        import highdicom
    except ImportError as error:
        raise InputError(
            "--dicom needs the package highdicom", 'pip install "slicerbrainage[dicom]"'
        ) from error
    return highdicom


def read_source(files: Sequence[Path]) -> list[Any]:
    """Return the pydicom headers of a series' files, without pixels, in the order given.

    Raises InputError when one says not which object of which study it is.
    """
    import pydicom

    source = []
    for path in files:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        missing = [name for name in _MUST_BE_THERE if not dataset.get(name)]
        if missing:
            raise InputError(
                f"{path.name} has no {missing[0]}, so no DICOM output can refer to it",
                "export the series again, or leave out --dicom",
            )
        for name in _MAY_BE_EMPTY:
            if name not in dataset:
                setattr(dataset, name, None)
        source.append(dataset)
    return source
