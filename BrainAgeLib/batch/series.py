"""What header and voxel grid tell of a series or file, its contrast above all; no voxel is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import Plane
from BrainAgeLib.scan.agent_words import names_agent
from BrainAgeLib.scan.dicom_header import DicomHeader, read_frames
from BrainAgeLib.scan.dicom_slices import SAME_NUMBERS, numbered_places
from BrainAgeLib.scan.dicom_sorting import without_strangers
from BrainAgeLib.scan.geometry import PLANES, slice_axis
from BrainAgeLib.scan.read import grid_of_file
from BrainAgeLib.scan.sidecar import read_sidecar, tags_of_file

# What is usual at 1.5 to 3 T, in ms: spin echo T1 has TE 8-20 and TR 400-900, gradient echo T1 has
# TE 2-7, T1 FLAIR TR near 2000 and TI near 800, MPRAGE TI near 900; T2 has TE 80-120. These
# lie well between: they choose among series that lie beside each other. The gate, which warns of
# the one that was given, is more generous.
TELLING_ECHO_MS = 35.0
TELLING_GRADIENT_ECHO_MS = 12.0
TELLING_REPETITION_MS = 1300.0
TELLING_INVERSION_MS = (400.0, 1400.0)
T1, T2, T2_FLAIR, PROTON_DENSITY = "T1", "T2", "T2 FLAIR", "proton density"
AFTER_AGENT = "T1 after contrast agent"
_T2_WITHOUT_FAT = "T2 with an inversion against fat"
_OTHER_MODALITIES = ("CT", "PT", "NM")  # what lies beside MR in an archive
# Looked for in the description in lower case with one space between words; "*" is read as "star".
_NOT_T1 = (
    ("localizer", r"local[iy]zer|scout|survey|3 ?plane|\bloc\b"),
    ("diffusion", r"\bdwi|\bdti|\bdiff|\badc\b|\btrace\b|\bep2d"),
    ("angiography", r"\btof|angio|\bmra\b|\bmrv\b|\bswi|\bswan\b|venobold"),
    ("T2*", r"\bt2 ?star|\bt2s\b|\bhemo|\bgre t2|\bt2 gre"),
    (_T2_WITHOUT_FAT, r"\bstir\b"),
    (T2_FLAIR, r"(?<!t1 )(?<!t1)flair|dark fluid"),
    ("T2 of a single shot or steady state", r"\bhaste\b|\bciss\b|\bfiesta\b"),
    ("a map or mask", r"\bt2 ?map"),
    (T2, r"\bt2"),
    ("perfusion or function", r"\bperf|\basl\b|\bbold\b|\bfmri|\brest\b"),
    ("a map or mask", r"mask|\bseg|\blabel|\baseg|\baparc|\bmip\b|\bphase|\bph\b|fieldmap"),
)
_T1 = r"\bt1|\bmpr|\bbravo\b|spgr\b|\btfl|\bflash|\bvibe\b|\blava\b"
_PROTON_DENSITY = r"\bpdw?\b(?! ?\d)|proton"  # "PD 001" is a person with Parkinson's disease
_DERIVED = ("DERIVED", "PROJECTION IMAGE", "MIP")


@dataclass(frozen=True)
class SeriesFacts:
    """What header and voxel grid tell of one series or file.

    ``plane`` is None when it makes no volume. Times in ms; None where the header says nothing.
    ``is_alone``: its file or folder holds no other series. ``split``: the folders below
    ``path`` that hold a part of its slices each. ``complaint``: why it cannot be read.
    """

    path: str
    series_uid: str | None
    description: str
    plane: Plane | None
    slice_count: int
    echo_ms: float | None = None
    repetition_ms: float | None = None
    inversion_ms: float | None = None
    is_gradient_echo: bool = False
    is_echo_planar: bool = False
    modality: str = ""
    has_contrast_agent: bool = False
    is_derived: bool = False
    is_alone: bool = False
    split: tuple[str, ...] = ()
    complaint: str | None = None


def contrast_of(facts: SeriesFacts) -> tuple[str, str]:
    """Return the contrast, "" when nothing tells, and what tells it.

    The description goes before the times, since it tells a contrast agent or angiography apart; of
    what it calls T2 the times tell more.
    """
    if facts.modality in _OTHER_MODALITIES:
        return facts.modality, "the header names the modality"
    words = re.sub(r"[\W_]+", " ", facts.description.lower().replace("*", " star"))
    described = f"described as {facts.description!r}"
    named = next((name for name, pattern in _NOT_T1 if re.search(pattern, words)), None)
    by_times = _contrast_by_times(facts)
    if facts.is_echo_planar and named in (None, T2, T2_FLAIR):
        return "echo-planar imaging", "the header says so"
    if named == T2 and by_times is not None and by_times[0] in (T2_FLAIR, _T2_WITHOUT_FAT):
        return by_times
    if named is not None:
        return named, described
    if by_times is None or by_times[0] == T1:  # an agent makes little of a T2
        if names_agent(facts.description):
            return AFTER_AGENT, described
        if facts.has_contrast_agent:
            return AFTER_AGENT, "the header names an agent"
    if by_times is not None:
        return by_times
    for contrast, pattern in ((T1, _T1), (PROTON_DENSITY, _PROTON_DENSITY)):
        if re.search(pattern, words):
            return contrast, described
    return "", ""


def _contrast_by_times(facts: SeriesFacts) -> tuple[str, str] | None:
    echo, repetition, inversion = facts.echo_ms, facts.repetition_ms, facts.inversion_ms
    if echo is None or repetition is None:
        return None
    times = f"TE {echo:g} ms, TR {repetition:g} ms" + (
        f", TI {inversion:g} ms" if inversion else ""
    )
    low, high = TELLING_INVERSION_MS
    if facts.is_gradient_echo and echo > TELLING_GRADIENT_ECHO_MS:
        return "T2*", times
    if echo > TELLING_ECHO_MS:
        if not inversion:
            return T2, times
        return (T2_FLAIR if inversion > high else _T2_WITHOUT_FAT), times
    if repetition <= TELLING_REPETITION_MS or (inversion and low <= inversion <= high):
        return T1, times
    return PROTON_DENSITY, times


def facts_of_file(path: Path) -> SeriesFacts:
    """Return what the header of an image file, and a JSON sidecar beside it, tell.

    A file that cannot be read may be the T1: it is no volume, and its complaint says why.
    """
    sidecar, tags = read_sidecar(path), tags_of_file(path)
    description = " ".join(filter(None, (path.name, str(sidecar.get("SeriesDescription", "")))))
    unread = SeriesFacts(str(path), None, description, None, 0)
    try:
        size, affine = grid_of_file(path)
    except BrainAgeError as error:
        return replace(unread, complaint=str(error))
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    plane, count = _plane(affine[:3, :3] / spacing_mm, spacing_mm.tolist(), size)
    return replace(
        unread,
        plane=plane,
        slice_count=count,
        echo_ms=tags.echo_time_ms,
        repetition_ms=tags.repetition_time_ms,
        inversion_ms=tags.inversion_time_ms,
        is_gradient_echo="GR" in str(sidecar.get("ScanningSequence", "")),
        is_echo_planar=tags.is_echo_planar,
        modality=tags.modality or "",
        has_contrast_agent=tags.says_contrast_agent,
    )


def facts_of_series(folder: Path, headers: Sequence[DicomHeader], alone: bool) -> SeriesFacts:
    """Return what the headers of one DICOM series tell.

    ``alone``: it is the folder's only one. A file of many frames stands for its own series.
    """
    is_one_file = len(headers) == 1 and headers[0].size[2] > 1
    slices, _ = without_strangers(headers)  # a screenshot may be the first
    first = slices[0]
    plane, count = _plane_of_series(slices)
    times = first.sequence
    inversion_ms = times.inversion_time_ms
    image_type = first.slice.image_type.upper()
    localizer = " localizer" if "LOCALIZER" in image_type else ""
    return SeriesFacts(
        str(first.path if is_one_file else folder),
        first.series_uid,
        f"{first.series_description}{localizer}",
        plane,
        count,
        times.echo_time_ms,
        times.repetition_time_ms,
        inversion_ms if inversion_ms is not None and inversion_ms > 0 else None,
        is_gradient_echo=first.is_gradient_echo,
        is_echo_planar=first.sequence.is_echo_planar,
        modality=times.modality or "",
        has_contrast_agent=times.says_contrast_agent,
        is_derived=any(word in image_type for word in _DERIVED),
        is_alone=alone or is_one_file,
    )


def _plane_of_series(headers: Sequence[DicomHeader]) -> tuple[Plane | None, int]:
    first = headers[0]
    slices = read_frames(first.path) if first.size[2] > 1 else [header.slice for header in headers]
    orientations = [one.orientation for one in slices if one.orientation]
    pixel_mm = slices[0].pixel_mm if slices else None
    if pixel_mm is None or len(orientations) < len(slices):
        return None, max(len(headers), first.size[2])
    row, column = np.reshape(orientations[0], (2, 3))
    normal = np.cross(row, column)
    # Echoes and repetitions lie at one place: they make no more slices.
    numbers = numbered_places([one.position_mm for one in slices])
    places = {n: one.position_mm for n, one in zip(numbers, slices, strict=True)}
    heights = sorted(float(normal @ np.array(place)) for place in places.values() if place)
    are_alike = np.allclose(orientations, orientations[0], rtol=0, atol=SAME_NUMBERS)
    if len(heights) < 2 or not are_alike:
        return None, len(heights)
    spacing_mm = (heights[-1] - heights[0]) / (len(heights) - 1)
    direction = np.stack([row, column, normal], axis=1)
    size = (first.size[0], first.size[1], len(heights))
    plane, count = _plane(direction, (pixel_mm[1], pixel_mm[0], spacing_mm), size)
    return ("3d" if first.is_3d else plane), count


def _plane(
    direction: np.ndarray, spacing_mm: Sequence[float], size: Sequence[int]
) -> tuple[Plane, int]:
    """Return the plane of the slices of a grid (i, j, k) and how many there are."""
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(spacing_mm)
    axis = slice_axis(affine, tuple(size[::-1]))
    if axis < 0:
        return "3d", max(size)
    return PLANES[int(np.argmax(np.abs(direction[:, axis])))], size[axis]
