"""A series that shows the same slices several times: echoes, acquisitions, magnitude and phase.

One of them is taken when the headers say how they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from BrainAgeLib.scan import dicom_header as tag
from BrainAgeLib.scan.dicom_header import DicomHeader

PLACE_DECIMALS = 1  # of mm; neighbouring slices are farther apart

Places = frozenset[tuple[float, ...]]


def choose_repetition(
    headers: Sequence[DicomHeader],
) -> tuple[list[DicomHeader], tuple[Finding, ...]]:
    """Return the headers of one repetition, and what was chosen.

    The magnitude goes before the phase, then the shortest echo (the most T1-weighted), then the
    first acquisition (the one before contrast agent). A series without repetitions comes back as it
    is; so does one whose repetitions the headers do not tell apart, or that are not alike.
    """
    chosen = list(headers)
    findings = []
    for name, words, rank in _DIFFERENCES:
        if len(_places(chosen)) == len(chosen):
            break
        groups: dict[str, list[DicomHeader]] = {}
        for header in chosen:
            groups.setdefault(header.tags.get(name, ""), []).append(header)
        if len(groups) > 1 and len({_places(group) for group in groups.values()}) == 1:
            best = min(groups, key=rank)
            findings.append(_finding(words, best, len(groups)))
            chosen = groups[best]
    if len(_places(chosen)) < len(chosen):
        return list(headers), ()
    return chosen, tuple(findings)


def _places(headers: Sequence[DicomHeader]) -> Places:
    found = set()
    for number, header in enumerate(headers):
        place = header.numbers(tag.IMAGE_POSITION, 3)
        # One without a place is told of by the reader.
        found.add((number,) if place is None else tuple(round(x, PLACE_DECIMALS) for x in place))
    return frozenset(found)


def _finding(words: str, value: str, count: int) -> Finding:
    shown = value.replace("\\", " ") or "none"
    message = f"The series holds {count} volumes that differ in {words}; that of {shown} was taken."
    return Finding(FindingCode.SEVERAL_VOLUMES, "warn", message, shown)


def _by_image_type(text: str) -> tuple[bool, bool, str]:
    parts = text.upper().split("\\")
    return ("M" not in parts and "M_SE" not in parts, "ORIGINAL" not in parts, text)


def _by_number(text: str) -> tuple[float, str]:
    try:
        return (float(text), text)
    except ValueError:
        return (float("inf"), text)


_DIFFERENCES: tuple[tuple[str, str, Callable[[str], tuple]], ...] = (
    (tag.IMAGE_TYPE, "image type", _by_image_type),
    (tag.ECHO_TIME, "echo time (ms)", _by_number),
    (tag.TEMPORAL_POSITION, "temporal position", _by_number),
    (tag.ACQUISITION_NUMBER, "acquisition number", _by_number),
)
