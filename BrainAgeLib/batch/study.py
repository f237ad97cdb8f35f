"""A study of a folder tree: series of one examination, and files that are of one by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from BrainAgeLib.batch.choice import choose, place_of
from BrainAgeLib.batch.files import before_sequence, of_visit
from BrainAgeLib.batch.series import SeriesFacts


@dataclass
class Study:
    """Series that belong to one examination. ``name``: its place in the tree, or a made-up one.

    ``beside``: of the person's files of all studies, which contrast would be taken first.
    """

    name: str
    parts: tuple[str, ...]
    series: list[SeriesFacts] = field(default_factory=list)
    is_dicom: bool = False
    beside: int | None = None


def with_beside(studies: list[Study]) -> list[Study]:
    """Tell studies of files what other files of the person are.

    Which files are a study is a guess: ``T1_5mm`` and ``T2_4mm`` lie side by side, or in folders.
    """
    first: dict[tuple[str, ...], int] = {}
    for study in studies:
        for facts in () if study.is_dicom else choose(study.series).taken:
            place = place_of(facts)
            if place is not None:
                owner = _owner(Path(facts.path))
                first[owner] = min(place, first.get(owner, place))

    def of_person(study: Study) -> int | None:
        owners = () if study.is_dicom else [_owner(Path(facts.path)) for facts in study.series]
        return min((first[owner] for owner in owners if owner in first), default=None)

    return [replace(study, beside=of_person(study)) for study in studies]


def of_one_visit(studies: Sequence[Study], root: Path) -> list[Study]:
    """Return studies with those of files put together that are sequences of one visit by names.

    ``T1_5mm`` and ``T2_4mm`` of one folder, or ``t1/T1`` and ``t2/T2``: so they are taken if the
    whole paths differ by nothing but words of sequences and slice sizes, and no two are of one
    sequence. All else may be two visits, or two people; so may be ``pre`` and ``post``.
    """
    studies = [part for study in studies for part in _by_visit(study)]
    of_visits: dict[tuple[str, ...], list[Study]] = {}
    for study in studies:
        if not study.is_dicom and _places(study):
            of_visits.setdefault(_visit(study.series[0], root), []).append(study)
    joined: dict[int, Study | None] = {}
    for visit, parts in of_visits.items():
        places = [place for study in parts for place in _places(study)]
        if len(parts) > 1 and len(places) == len(set(places)):
            series = [facts for study in parts for facts in study.series]
            joined |= {id(study): None for study in parts}
            joined[id(parts[0])] = Study("/".join(visit), visit, series)
    return [one for study in studies if (one := joined.get(id(study), study)) is not None]


def _by_visit(study: Study) -> list[Study]:
    """Return a study of files as one for each visit that their names tell of."""
    visits: dict[tuple[str, ...], list[SeriesFacts]] = {}
    for facts in study.series:
        visit = () if study.is_dicom else of_visit(Path(facts.path))
        visits.setdefault(visit, []).append(facts)
    if len(visits) == 1:
        return [study]
    return [replace(study, series=series) for series in visits.values()]


def _places(study: Study) -> set[int]:
    places = map(place_of, study.series)
    return {place for place in places if place is not None}


def _visit(facts: SeriesFacts, root: Path) -> tuple[str, ...]:
    return of_visit(Path(facts.path).relative_to(root)) or (root.name,)


def _owner(path: Path) -> tuple[str, ...]:
    """Return what names of folders and file say before they speak of a sequence."""
    return tuple(name for name in map(before_sequence, map(Path, path.parts)) if name)
