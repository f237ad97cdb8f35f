"""What the header of a DICOM file says, as far as a scan needs it.

Of who was scanned nothing is kept but an age and a sex, and what ``read_identifiers`` reads on
request. Keywords and tags:
https://dicom.nema.org/medical/dicom/current/output/chtml/part06/chapter_6.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from BrainAgeLib.errors import printable
from BrainAgeLib.records import Finding, SequenceTags, Sex
from BrainAgeLib.scan.agent_words import is_agent, names_agent
from BrainAgeLib.scan.dicom_elements import Elements, FileElements, Numbers, elements_of
from BrainAgeLib.scan.dicom_person import age_not_read, age_years_of, sex_of, two_ages
from BrainAgeLib.scan.dicom_visit import SCANNER_KEYWORDS, scanner_of

IDENTIFIERS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "patient_birth_date": "PatientBirthDate",
    "accession_number": "AccessionNumber",
}
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_KEYWORDS = (
    *("ImageType", "SOPClassUID", "StudyDate", "Modality", "SeriesDescription"),
    *("PatientBirthDate", "PatientSex", "PatientAge", "ContrastBolusAgent", "ScanningSequence"),
    *("MRAcquisitionType", "SliceThickness", "RepetitionTime", "EchoTime", "InversionTime"),
    *("StudyInstanceUID", "SeriesInstanceUID", "AcquisitionNumber", "TemporalPositionIdentifier"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SamplesPerPixel"),
    *("PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "OverlayRows"),
    *("RescaleSlope", "RescaleIntercept", "EchoPulseSequence", "EchoPlanarPulseSequence"),
    *(*_GROUPS, *SCANNER_KEYWORDS),
)
_AGE = ("PatientAge", "PatientBirthDate", "StudyDate")
_GREY = ("", "MONOCHROME1", "MONOCHROME2")
# In the words that files of one slice use.
_COMPONENTS = {"MAGNITUDE": "M", "PHASE": "P", "REAL": "R", "IMAGINARY": "I"}


@dataclass(frozen=True)
class StoredBits:
    """Where in its word a value lies: ``stored`` bits, the lowest of them numbered ``lowest``.

    ``has_overlay``: the file holds drawings, in the other bits or beside the pixels.
    """

    stored: int
    lowest: int
    are_signed: bool
    has_overlay: bool

    @property
    def are_odd(self) -> bool:
        """Whether the low bits of the word are not simply the value."""
        return self.stored > 0 and (self.lowest > 0 or self.has_overlay)


@dataclass(frozen=True)
class SliceHeader:
    """Where one slice lies, and what tells it from others at the same place.

    ``name``: what messages call it. ``position_mm``: centre of the first pixel, LPS.
    ``orientation``: 6 cosines, along a row and along a column. ``pixel_mm``: distance of rows, of
    columns. ``rescale``: slope and intercept. None is what the header does not say.
    """

    name: str
    position_mm: Numbers | None
    orientation: Numbers | None
    pixel_mm: Numbers | None
    thickness_mm: float | None = None
    image_type: str = ""
    echo_time_ms: float | None = None
    temporal_position: float | None = None
    acquisition_number: float | None = None
    rescale: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class DicomHeader:
    """The header of one DICOM file.

    ``is_whole``: it holds an image, with all the pixels that it promises. ``size``: columns, rows,
    frames. ``is_inverse``: its lowest value is white. ``object_class``: the kind of DICOM object
    (SOP class), such as that of MR images. ``series_description`` is safe to print. ``slice``: what
    is said of the file as one slice; ``read_frames`` tells of many. ``doubt``: what is to be said
    of the age.
    """

    path: Path
    is_whole: bool
    size: tuple[int, int, int]
    is_grey: bool
    is_inverse: bool
    bits: StoredBits
    object_class: str
    study_uid: str
    series_uid: str
    series_description: str
    age_years: float | None
    sex: Sex | None
    doubt: Finding | None
    sequence: SequenceTags
    is_gradient_echo: bool
    is_3d: bool
    slice: SliceHeader


def read_dicom_header(path: Path) -> DicomHeader:
    """Return the header of a DICOM file, or of a damaged one what can be had of it.

    Raises OSError when the file cannot be opened.
    """
    with elements_of(path, _KEYWORDS) as said:
        size = (_count(said, "Columns"), _count(said, "Rows"), _count(said, "NumberOfFrames", 1))
        return DicomHeader(
            path=path,
            is_whole=_is_whole(said, size),
            size=size,
            is_grey=_is_grey(said),
            is_inverse=said.text("PhotometricInterpretation") == "MONOCHROME1",
            bits=_bits(said),
            object_class=said.text("SOPClassUID") or said.meta.text("MediaStorageSOPClassUID"),
            study_uid=said.text("StudyInstanceUID"),
            series_uid=said.text("SeriesInstanceUID"),
            series_description=printable(said.text("SeriesDescription")),
            age_years=age_years_of(*map(said.text, _AGE)),
            sex=sex_of(said.text("PatientSex")),
            doubt=two_ages(*map(said.text, _AGE))
            or age_not_read(said.text(_AGE[0]), said.holds(_AGE[0])),
            sequence=_sequence(said),
            is_gradient_echo="GR" in said.words("ScanningSequence")
            or said.text("EchoPulseSequence") == "GRADIENT",
            is_3d=said.text("MRAcquisitionType") == "3D",
            slice=_only_slice(said, printable(path.name)),
        )


def read_frames(path: Path) -> list[SliceHeader]:
    """Return what the functional groups of a file of many frames say of each; [] without groups.

    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.8.13.5.html
    Raises OSError when the file cannot be opened.
    """
    with elements_of(path, _GROUPS) as said:
        shared, of_frames = (said.items(keyword) for keyword in _GROUPS)
        return [
            _frame([frame, *shared[:1]], f"frame {number}")
            for number, frame in enumerate(of_frames, 1)
        ]


def read_identifiers(path: Path) -> dict[str, str]:
    """Return what a DICOM file says of who was scanned; what it does not say is left out.

    Of these elements nothing else leaves the program; the date of birth makes an age. Raises
    OSError when the file cannot be opened.
    """
    with elements_of(path, tuple(IDENTIFIERS.values())) as said:
        texts = {name: printable(said.text(keyword)) for name, keyword in IDENTIFIERS.items()}
    return {name: text for name, text in texts.items() if text}


def _sequence(said: Elements) -> SequenceTags:
    """Return what is said of the sequence; by a file of many frames, what it says of the first."""
    shared, of_frames = (said.items(keyword)[:1] for keyword in _GROUPS)
    groups = of_frames + shared
    timing = _group(groups, "MRTimingAndRelatedParametersSequence")
    echo, modifier = _group(groups, "MREchoSequence"), _group(groups, "MRModifierSequence")
    agent = _group(groups, "ContrastBolusUsageSequence").text("ContrastBolusAgentAdministered")
    return SequenceTags(
        modality=printable(said.text("Modality"))[:16] or None,
        echo_time_ms=_first(said.number("EchoTime"), echo.number("EffectiveEchoTime")),
        repetition_time_ms=_first(said.number("RepetitionTime"), timing.number("RepetitionTime")),
        inversion_time_ms=_first(said.number("InversionTime"), modifier.number("InversionTimes")),
        says_contrast_agent=is_agent(said.text("ContrastBolusAgent"))
        or agent == "YES"
        or names_agent(said.text("SeriesDescription")),
        scanner=scanner_of(said),
        is_echo_planar="EP" in said.words("ScanningSequence")
        or said.text("EchoPlanarPulseSequence") == "YES",
    )


def _first(*numbers: float | None) -> float | None:
    return next((number for number in numbers if number is not None), None)


def _group(groups: list[Elements], keyword: str) -> Elements:
    """Return a functional group: a frame's own goes before that which all frames share."""
    return next((item for of in groups for item in of.items(keyword)[:1]), Elements())


def _count(said: Elements, keyword: str, default: int = 0) -> int:
    number = said.number(keyword)
    return default if number is None else int(number)


def _is_grey(said: Elements) -> bool:
    is_one_sample = _count(said, "SamplesPerPixel", 1) == 1
    return is_one_sample and said.text("PhotometricInterpretation") in _GREY


def _bits(said: FileElements) -> StoredBits:
    stored = _count(said, "BitsStored", _count(said, "BitsAllocated"))
    is_packed = said.pixels is not None and said.pixels.is_packed
    return StoredBits(
        stored,
        max(0, _count(said, "HighBit", stored - 1) + 1 - stored),
        _count(said, "PixelRepresentation") == 1,
        said.number("OverlayRows") is not None and not is_packed,
    )


def _is_whole(said: FileElements, size: tuple[int, int, int]) -> bool:
    """Say whether all the pixels are there that the header promises; ITK reads noise for others.

    Packed pixels need no such check, for they cannot be unpacked when some are missing.
    """
    if said.pixels is None or min(size) < 1:
        return False
    least_bytes = math.prod(size) * _count(said, "BitsAllocated", 8) // 8
    promised_bytes, present_bytes = said.pixels.promised_bytes, said.pixels.present_bytes
    return said.pixels.is_packed or least_bytes <= promised_bytes <= present_bytes


def _only_slice(said: Elements, name: str) -> SliceHeader:
    shared, of_frames = (said.items(keyword) for keyword in _GROUPS)
    if len(of_frames) == 1 and not said.holds("ImagePositionPatient"):  # a plain one's own counts
        return _frame([*of_frames, *shared[:1]], name)
    return SliceHeader(
        name,
        position_mm=said.numbers("ImagePositionPatient", 3),
        orientation=said.numbers("ImageOrientationPatient", 6),
        pixel_mm=said.numbers("PixelSpacing", 2),
        thickness_mm=_thickness_mm(said),
        image_type=said.text("ImageType"),
        echo_time_ms=said.number("EchoTime"),
        temporal_position=said.number("TemporalPositionIdentifier"),
        acquisition_number=said.number("AcquisitionNumber"),
        rescale=_rescale(said),
    )


def _frame(groups: list[Elements], name: str) -> SliceHeader:
    """Return what the groups say of a frame: its own, and then those that all frames share."""
    place = _group(groups, "PlanePositionSequence")
    axes = _group(groups, "PlaneOrientationSequence")
    measures = _group(groups, "PixelMeasuresSequence")
    content = _group(groups, "FrameContentSequence")
    kind = _group(groups, "MRImageFrameTypeSequence")
    scaling = _group(groups, "PixelValueTransformationSequence")
    component = _COMPONENTS.get(kind.text("ComplexImageComponent"))
    return SliceHeader(
        name,
        position_mm=place.numbers("ImagePositionPatient", 3),
        orientation=axes.numbers("ImageOrientationPatient", 6),
        pixel_mm=measures.numbers("PixelSpacing", 2),
        thickness_mm=_thickness_mm(measures),
        image_type="\\".join(filter(None, (kind.text("FrameType"), component))),
        echo_time_ms=_group(groups, "MREchoSequence").number("EffectiveEchoTime"),
        temporal_position=content.number("TemporalPositionIndex"),
        acquisition_number=content.number("FrameAcquisitionNumber"),
        rescale=_rescale(scaling),
    )


def _rescale(said: Elements) -> tuple[float | None, float | None]:
    return said.number("RescaleSlope"), said.number("RescaleIntercept")


def _thickness_mm(said: Elements) -> float | None:
    """Return the thickness of a slice, without the gap to the next one."""
    thickness_mm = said.number("SliceThickness")
    return thickness_mm if thickness_mm and thickness_mm > 0 else None
