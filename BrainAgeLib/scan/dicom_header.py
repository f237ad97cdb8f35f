"""What the header of a DICOM file says, as far as a scan needs it: no name, no number of a patient.

Tags: https://dicom.nema.org/medical/dicom/current/output/chtml/part06/chapter_6.html
"""

from __future__ import annotations

import math
import mmap
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from BrainAgeLib.errors import BrainAgeError, printable
from BrainAgeLib.records import OLDEST_AGE_YEARS, SequenceTags, Sex
from BrainAgeLib.scan.file_kind import FileKind, read_head
from BrainAgeLib.scan.itk_reader import open_header

IMAGE_TYPE = "0008|0008"
OBJECT_CLASS = "0008|0016"
STUDY_DATE = "0008|0020"
MODALITY = "0008|0060"
SERIES_DESCRIPTION = "0008|103e"
BIRTH_DATE = "0010|0030"
PATIENT_SEX = "0010|0040"
PATIENT_AGE = "0010|1010"
CONTRAST_AGENT = "0018|0010"
SCANNING_SEQUENCE = "0018|0020"
ACQUISITION_TYPE = "0018|0023"
SLICE_THICKNESS = "0018|0050"
REPETITION_TIME = "0018|0080"
ECHO_TIME = "0018|0081"
INVERSION_TIME = "0018|0082"
ACQUISITION_NUMBER = "0020|0012"
TEMPORAL_POSITION = "0020|0100"
STUDY_UID = "0020|000d"
SERIES_UID = "0020|000e"
IMAGE_POSITION = "0020|0032"
IMAGE_ORIENTATION = "0020|0037"
PIXEL_SPACING = "0028|0030"
BITS_ALLOCATED = "0028|0100"
_TAGS = (
    *(STUDY_DATE, SERIES_DESCRIPTION, BIRTH_DATE, PATIENT_SEX, PATIENT_AGE, SLICE_THICKNESS),
    *(SERIES_UID, IMAGE_POSITION, IMAGE_ORIENTATION, PIXEL_SPACING, BITS_ALLOCATED, OBJECT_CLASS),
    # How it was acquired: a batch picks the T1 of a study by these, and the gate looks at them.
    *(IMAGE_TYPE, CONTRAST_AGENT, SCANNING_SEQUENCE, ACQUISITION_TYPE, STUDY_UID, MODALITY),
    *(REPETITION_TIME, ECHO_TIME, INVERSION_TIME, ACQUISITION_NUMBER, TEMPORAL_POSITION),
)
_NO_AGENT = ("", "NO", "NONE", "N", "NO CONTRAST")
_AGE_UNITS_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_STORED_CLASS = re.compile(rb"\x02\x00\x02\x00UI..([0-9.]+)", re.DOTALL)
_TRANSFER_SYNTAX = re.compile(rb"\x02\x00\x10\x00UI..([0-9.]+)", re.DOTALL)
_UNCOMPRESSED = (b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1")
_PIXEL_DATA = re.compile(rb"\xe0\x7f\x10\x00(?:O[BW]\0\0)?(.{4})", re.DOTALL)  # and their length


@dataclass(frozen=True)
class DicomHeader:
    """The header of one DICOM image.

    ``size``: columns, rows, frames. ``pixel_id``: SimpleITK's. ``tags``: text by "group|element".
    """

    path: Path
    size: tuple[int, int, int]
    pixel_id: int
    tags: dict[str, str]

    @property
    def series_uid(self) -> str:
        """The series that the image belongs to."""
        return self.tags.get(SERIES_UID, "")

    @property
    def study_uid(self) -> str:
        """The study that the image belongs to."""
        return self.tags.get(STUDY_UID, "")

    @property
    def object_class(self) -> str:
        """The kind of DICOM object (SOP class), such as that of MR images."""
        return self.tags.get(OBJECT_CLASS, "")

    @property
    def series_description(self) -> str:
        """What the scanner calls the series, safe to print."""
        return printable(self.tags.get(SERIES_DESCRIPTION, ""))

    @property
    def slice_thickness_mm(self) -> float | None:
        """Thickness of a slice, without the gap to the next one."""
        thickness = self.numbers(SLICE_THICKNESS, 1)
        return thickness[0] if thickness and thickness[0] > 0 else None

    @property
    def sex(self) -> Sex | None:
        """F or M, or None for anything else."""
        sex = self.tags.get(PATIENT_SEX, "").upper()
        return "F" if sex == "F" else "M" if sex == "M" else None

    @property
    def age_years(self) -> float | None:
        """Age as given, else from the dates of birth and study.

        0 and more than ``OLDEST_AGE_YEARS`` are what removed data look like, and count as unknown.
        """
        age_years = _age(self.tags.get(PATIENT_AGE, ""))
        born, seen = _date(self.tags.get(BIRTH_DATE, "")), _date(self.tags.get(STUDY_DATE, ""))
        if age_years is None and born and seen:
            age_years = (seen - born).days / 365.25
        return age_years if age_years is not None and 0 < age_years <= OLDEST_AGE_YEARS else None

    @property
    def sequence(self) -> SequenceTags:
        """What is said of the sequence; the gate weighs it against the picture."""
        echo, repetition, inversion = (
            (self.numbers(tag, 1) or (None,))[0]
            for tag in (ECHO_TIME, REPETITION_TIME, INVERSION_TIME)
        )
        agent = self.tags.get(CONTRAST_AGENT, "").upper()
        modality = printable(self.tags.get(MODALITY, ""))[:16]
        return SequenceTags(modality or None, echo, repetition, inversion, agent not in _NO_AGENT)

    def numbers(self, tag: str, count: int) -> tuple[float, ...] | None:
        """Return the ``count`` finite numbers of a tag, or None when it does not hold them."""
        try:
            numbers = tuple(float(word) for word in self.tags.get(tag, "").split("\\"))
        except ValueError:
            return None
        return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def read_dicom_header(path: Path) -> DicomHeader | None:
    """Return the header of a DICOM image, or None when the file holds none that is whole.

    A report or a list of files is DICOM, too, without an image.
    """
    try:
        reader = open_header(path, FileKind.DICOM, str(path))
    except BrainAgeError:
        return None
    present = set(reader.GetMetaDataKeys())
    tags = {tag: reader.GetMetaData(tag).strip(" \0") for tag in _TAGS if tag in present}
    columns, rows, frames = reader.GetSize()[:3]
    header = DicomHeader(path, (columns, rows, frames), reader.GetPixelIDValue(), tags)
    return header if _is_complete(header) else None


def stored_class(path: Path) -> str:
    """Return the kind of object in a DICOM file that may be cut off, or nothing."""
    found = _STORED_CLASS.search(_file_meta(path))
    return found[1].decode() if found else ""


def _file_meta(path: Path) -> bytes:
    """Return the beginning of a file, with what stands before the data set."""
    return read_head(path)[:2048]


def _is_complete(header: DicomHeader) -> bool:
    """Say whether all the pixels are there that the header promises; ITK reads noise for others.

    Compressed pixels need no such check, for they cannot be unpacked when some are missing.
    """
    syntax = _TRANSFER_SYNTAX.search(_file_meta(header.path))
    if syntax and syntax[1] not in _UNCOMPRESSED:
        return True
    bits = header.numbers(BITS_ALLOCATED, 1) or (8,)
    promised_bytes = math.prod(header.size) * bits[0] / 8
    with (
        header.path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        for element in _PIXEL_DATA.finditer(content):
            there = len(content) - element.end()
            if promised_bytes <= int.from_bytes(element[1], "little") <= there:
                return True
    return False


def _age(text: str) -> float | None:
    """Return years from a DICOM age such as 063Y, 018M, 010W or 400D."""
    age = re.fullmatch(r"(\d+)([DWMY])", text.upper())
    return int(age[1]) * _AGE_UNITS_YEARS[age[2]] if age else None


def _date(text: str) -> date | None:
    """Return a DICOM date such as 20240131, or 2024.01.31 of old files."""
    try:
        return datetime.strptime(text.replace(".", ""), "%Y%m%d").date()
    except ValueError:
        return None
