"""DICOM series whose slices lie in several folders, as archives that fill folders leave them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib.batch.series import SeriesFacts, facts_of_series
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.dicom_slices import numbered_places
from BrainAgeLib.scan.dicom_sorting import without_strangers

_COSINE_DECIMALS = 2


@dataclass(frozen=True)
class SeriesPart:
    """What one folder holds of a series.

    ``kind``: what its slices say alike in every folder. ``places``: where they lie, in mm.
    """

    folder: Path
    facts: SeriesFacts
    kind: tuple[object, ...] = ()
    places: tuple[tuple[float, ...], ...] = ()


def part_of(folder: Path, headers: Sequence[DicomHeader], alone: bool) -> SeriesPart:
    """Return what a folder holds of a series. ``alone``: it is the folder's only one.

    Raises OSError when a file cannot be opened.
    """
    facts = facts_of_series(folder, headers, alone)
    slices = [header.slice for header in without_strangers(headers)[0]]
    cosines = tuple(round(number, _COSINE_DECIMALS) for number in slices[0].orientation or ())
    kind = (facts.series_uid, facts.description, facts.echo_ms, facts.repetition_ms)
    places = tuple(one.position_mm for one in slices if one.position_mm is not None)
    return SeriesPart(folder, facts, (*kind, headers[0].size, cosines), places)


def series_of(parts: Sequence[SeriesPart]) -> list[SeriesFacts]:
    """Return the series of a study; one that no folder holds whole is one, with a complaint.

    A folder that holds all slices that the others hold makes copies of these, which stay apart.
    """
    of_kind: dict[tuple[object, ...], list[SeriesPart]] = {}
    for number, part in enumerate(parts):
        of_kind.setdefault(part.kind if part.facts.series_uid else (number,), []).append(part)
    found = []
    for same in of_kind.values():
        numbers = iter(numbered_places([place for part in same for place in part.places]))
        own = [{next(numbers) for _ in part.places} for part in same]
        whole = set[int]().union(*own)
        if whole in own:
            found += [part.facts for part in same]
        else:
            found.append(_in_parts(same, len(whole)))
    return found


def _in_parts(parts: Sequence[SeriesPart], slice_count: int) -> SeriesFacts:
    above = Path(os.path.commonpath([part.folder for part in parts]))
    named = ", ".join(str(part.folder.relative_to(above)) for part in parts)
    return replace(
        parts[0].facts,
        path=str(above),
        slice_count=slice_count,
        split=tuple(str(part.folder) for part in parts),
        complaint=f"the series lies in {len(parts)} folders ({named}): put its files into one",
    )
