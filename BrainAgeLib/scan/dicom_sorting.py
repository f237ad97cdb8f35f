"""What belongs to a DICOM series and what does not, whatever its files say of that.

Some programs write a SeriesInstanceUID of its own into each slice, copy files, or put a screenshot
or a localizer into the series that it belongs to.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.dicom_elements import silent_pydicom, whole_dataset
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.dicom_slices import numbered_places

Series = dict[str, list[DicomHeader]]
ANOTHER_DIRECTION = 0.99  # cosine between normals: what differs by less is a slice gone wrong
LEAST_OF_THE_FILES = 2 / 3  # that make up the stack, when the others are left out


def joined(series: Series) -> Series:
    """Return the series of a folder, those of a single slice put together that make a stack.

    They go by the number of the first. Slices at one place, as those of several echoes, stay
    apart.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for uid, headers in series.items():
        first = headers[0]
        if len(headers) == 1 and first.size[2] == 1 and first.slice.orientation is not None:
            said = first.slice
            key = (
                *(first.study_uid, first.series_description, first.size, first.object_class),
                *(_rounded(said.orientation), _rounded(said.pixel_mm)),
                *(said.echo_time_ms, said.image_type),
            )
            groups.setdefault(key, []).append(uid)
    found = dict(series)
    for uids in groups.values():
        places = numbered_places([series[uid][0].slice.position_mm for uid in uids])
        if len(uids) > 2 and len(set(places)) == len(uids):
            found[uids[0]] = [series[uid][0] for uid in uids]
            for uid in uids[1:]:
                del found[uid]
    return found


def without_copies(headers: Sequence[DicomHeader]) -> tuple[list[DicomHeader], Finding | None]:
    """Return the headers of different slices: files of one place with the same pixels are copies.

    Files of many frames, whose places the frames have, go by their pixels alone.
    Raises OSError when a file cannot be opened.
    """
    seen: set[tuple[object, ...]] = set()
    numbers = numbered_places([header.slice.position_mm for header in headers])
    numbers = [-1 if h.size[2] > 1 else number for h, number in zip(headers, numbers, strict=True)]
    orientations = [_rounded(header.slice.orientation) for header in headers]
    places = list(zip(numbers, orientations, strict=True))
    counts = Counter(places)
    kept = []
    for header, place in zip(headers, places, strict=True):
        if counts[place] == 1:
            kept.append(header)
        elif (copy := (*place, _digest_of_pixels(header))) not in seen:
            seen.add(copy)
            kept.append(header)
    count = len(headers) - len(kept)
    if count == 0:
        return kept, None
    message = (
        f"{count} file{'s' if count > 1 else ''} of the series repeat slices: one each counts."
    )
    return kept, Finding(FindingCode.COPIED_SLICES, "note", message, count)


def without_strangers(headers: Sequence[DicomHeader]) -> tuple[list[DicomHeader], Finding | None]:
    """Return the slices of the stack, without pictures in colour, without a place or across it.

    All come back when too many are no part of the stack to say which it is.
    """
    normals = np.array([_normal(header) for header in headers])
    counts = [_are_along(normals, normal).sum() for normal in normals]
    is_kept = _are_along(normals, normals[int(np.argmax(counts))])
    kept = [header for header, is_one in zip(headers, is_kept, strict=True) if is_one]
    count = len(headers) - len(kept)
    if count == 0 or len(kept) < LEAST_OF_THE_FILES * len(headers):
        return list(headers), None
    message = (
        f"{count} picture{'s' if count > 1 else ''} of the series are no part of the stack "
        "(screenshots or localizers, for one) and were left out. Look at the slices in the report."
    )
    return kept, Finding(FindingCode.OTHER_PICTURES, "warn", message, count)


def _normal(header: DicomHeader) -> np.ndarray:
    """Return the normal (3,) of a grey slice; zeros for a picture that has none, along nothing."""
    if not header.is_grey or header.slice.orientation is None:
        return np.zeros(3)
    normal = np.cross(*np.reshape(header.slice.orientation, (2, 3)))
    return np.asarray(normal / max(float(np.linalg.norm(normal)), 1e-6))


def _are_along(normals: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Say which normals (n, 3) are those of slices about parallel to one with that normal (3,)."""
    return np.abs(normals @ normal) > ANOTHER_DIRECTION


def _digest_of_pixels(header: DicomHeader) -> str:
    try:
        with silent_pydicom():
            pixels = whole_dataset(header.path).get("PixelData", b"")
    except Exception:  # pydicom has as many as there are ways to be damaged; copies are alike
        pixels = header.path.read_bytes()
    return hashlib.sha256(pixels).hexdigest()


def _rounded(numbers: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if numbers is None else tuple(round(number, 2) + 0.0 for number in numbers)
