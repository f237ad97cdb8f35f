"""DICOM series whose slices lie in several folders, as archives that fill folders leave them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from BrainAgeLib.batch.series import SeriesFacts, facts_of_series
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.dicom_slices import numbered_places
from BrainAgeLib.scan.dicom_sorting import without_strangers

SAME_COSINES = 0.01  # scanners round them; a series that was planned anew is turned by more


@dataclass(frozen=True)
class SeriesPart:
    """What one folder holds of a series.

    ``kind``: what its slices say alike in every folder. ``cosines``: of the directions of rows and
    columns. ``places``: where they lie, in mm.
    """

    folder: Path
    facts: SeriesFacts
    kind: tuple[object, ...] = ()
    cosines: tuple[float, ...] = ()
    places: tuple[tuple[float, ...], ...] = ()


def part_of(folder: Path, headers: Sequence[DicomHeader], alone: bool) -> SeriesPart:
    """Return what a folder holds of a series. ``alone``: it is the folder's only one.

    Raises OSError when a file cannot be opened.
    """
    facts = facts_of_series(folder, headers, alone)
    real = without_strangers(headers)[0]
    slices = [header.slice for header in real]
    kind = (facts.series_uid, facts.description, facts.echo_ms, facts.repetition_ms)
    places = tuple(one.position_mm for one in slices if one.position_mm is not None)
    cosines = tuple(slices[0].orientation or ())
    return SeriesPart(folder, facts, (*kind, real[0].size), cosines, places)


def series_of(parts: Sequence[SeriesPart]) -> list[SeriesFacts]:
    """Return the series of a study; one that no folder holds whole is one, with a complaint.

    A folder that holds all slices that the others hold makes copies of these, which stay apart.
    """
    alike: list[list[SeriesPart]] = []
    for part in parts:
        known = next((same for same in alike if _is_one_series(same[0], part)), None)
        if known is None:
            alike.append([part])
        else:
            known.append(part)
    found = []
    for same in alike:
        numbers = iter(numbered_places([place for part in same for place in part.places]))
        own = [{next(numbers) for _ in part.places} for part in same]
        whole = set[int]().union(*own)
        if whole in own:
            found += [part.facts for part in same]
        else:
            found.append(_in_parts(same, len(whole)))
    return found


def _is_one_series(one: SeriesPart, other: SeriesPart) -> bool:
    if not one.facts.series_uid or one.kind != other.kind:
        return False
    are_turned = len(one.cosines) != len(other.cosines)
    return not are_turned and np.allclose(one.cosines, other.cosines, rtol=0, atol=SAME_COSINES)


def _in_parts(parts: Sequence[SeriesPart], slice_count: int) -> SeriesFacts:
    above = Path(os.path.commonpath([part.folder for part in parts]))
    named = ", ".join(str(part.folder.relative_to(above)) for part in parts)
    return replace(
        parts[0].facts,
        path=str(above),
        slice_count=slice_count,
        split=tuple(str(part.folder) for part in parts),
        complaint=f"the series lies in {len(parts)} folders ({named}): if these are of one person, "
        "put its files into one",
    )
