"""The headers of the series that DICOM outputs refer to, as these can take them over.

They hold the patient's name and number: these go into DICOM objects that a hospital's archive must
be able to file, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError, printable

# Objects of ours say "type 2" for these: there, but empty when nobody knows.
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_MUST_BE_THERE = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_NAMES = ("PatientName", "ReferringPhysicianName")
UTF_8 = "ISO_IR 192"
_CHINESE = "\x1b$)A"  # begins the letters of ISO 2022 IR 58: pydicom leaves it in the text


def read_source(files: Sequence[Path]) -> list[Any]:
    """Return the pydicom headers of a series' files, without pixels, in the order given.

    Texts are in UTF-8, whatever the file says: objects of ours could not hold each way to say it.
    Dates and a sex that are none are left out, of several values the first is taken. A file of many
    frames has the place of the first. Raises InputError when one says not which object of which
    study it is, and OSError when it cannot be opened.
    """
    from BrainAgeLib.scan.dicom_elements import whole_dataset

    source = []
    for path in files:
        dataset = whole_dataset(path, with_pixels=False)
        missing = [name for name in _MUST_BE_THERE if not dataset.get(name)]
        if missing:
            raise InputError(
                f"{printable(path.name)} has no {missing[0]}, so no DICOM output can refer to it",
                "export the series again, or leave out --dicom",
            )
        _decode(dataset)
        for name in _MAY_BE_EMPTY:
            setattr(dataset, name, _sound(name, dataset.get(name)))
        dataset.Modality = dataset.get("Modality") or "MR"
        if "PerFrameFunctionalGroupsSequence" in dataset:
            _place_as_its_first_frame(dataset, path)
        source.append(dataset)
    return source


def _decode(dataset: Any) -> None:
    """Decode all texts by the character set that a header declares; what cannot be read goes."""
    from pydicom.charset import decode_element

    declared = dataset.get("SpecificCharacterSet")
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value:
                    item.decode()
            else:
                decode_element(element, declared)
        except Exception:  # pydicom has as many as there are ways to be damaged
            del dataset[tag]
    dataset.SpecificCharacterSet = UTF_8


def _sound(name: str, value: Any) -> Any:
    """Return what our objects can hold of an element that may be empty, or None."""
    from pydicom.multival import MultiValue
    from pydicom.valuerep import DA, TM

    if isinstance(value, MultiValue):
        value = value[0] if value else None
    if name == "PatientSex":
        return value if value in ("F", "M", "O") else None
    if name in _NAMES:  # as a text: a name of pydicom's keeps the bytes of its file
        return None if value is None else str(value).replace(_CHINESE, "")
    try:
        kind = {"PatientBirthDate": DA, "StudyDate": DA, "StudyTime": TM}.get(name)
        return value if (kind(value) if kind else value) is not None else None
    except ValueError:
        return None


def _place_as_its_first_frame(dataset: Any, path: Path) -> None:
    from BrainAgeLib.scan.dicom_header import read_frames

    first = read_frames(path)[0]
    for keyword, said in (
        ("PixelSpacing", first.pixel_mm),
        ("SliceThickness", first.thickness_mm),
        ("ImagePositionPatient", first.position_mm),
        ("ImageOrientationPatient", first.orientation),
    ):
        if said is not None:
            setattr(dataset, keyword, said if isinstance(said, float) else list(said))
