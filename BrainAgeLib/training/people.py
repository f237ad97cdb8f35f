"""The people that a model is trained on, and who is in which fold."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import OLDEST_AGE_YEARS


@dataclass(frozen=True)
class Person:
    """One healthy person with a 3D T1 scan; ``age_years`` at the scan."""

    participant_id: str
    age_years: float
    sex: str
    path: Path


def read_people(folder: Path) -> list[Person]:
    """Return the people of a BIDS dataset: participants.tsv and sub-*/anat/*_T1w.nii.gz.

    Raises InputError when there is no participants.tsv or nobody has both an age and a scan.
    """
    table = folder / "participants.tsv"
    if not table.is_file():
        raise InputError(f"{folder} has no participants.tsv", "give a BIDS dataset")
    people = []
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            person = _person(folder, row)
            if person is not None:
                people.append(person)
    if not people:
        raise InputError(
            f"nobody in {table} has an age and a scan",
            "the columns are participant_id, age, sex; scans are sub-*/anat/*_T1w.nii.gz",
        )
    return sorted(people, key=lambda person: person.participant_id)


def _person(folder: Path, row: dict[str, str]) -> Person | None:
    identifier = row.get("participant_id") or ""
    try:
        age_years = float(row.get("age") or "")
    except ValueError:
        return None
    if not 0 < age_years <= OLDEST_AGE_YEARS:  # "nan" is a number to Python
        return None
    scans = sorted((folder / identifier / "anat").glob("*_T1w.nii*")) if identifier else []
    return Person(identifier, age_years, row.get("sex") or "", scans[0]) if scans else None


def is_held_out(participant_id: str) -> bool:
    """Say whether a person is in the held-out fifth, which no choice may look at."""
    return int(hashlib.sha256(participant_id.encode()).hexdigest(), 16) % 5 == 0


def assign_folds(people: list[Person], folds: int, seed: int) -> np.ndarray:
    """Return the fold (person,) of each; every fold has about the same ages.

    People are sorted by age and dealt out in shuffled rounds, the held-out ones separately, so
    that the others' folds do not depend on them.
    """
    result = np.zeros(len(people), dtype=int)
    for held_out in (False, True):
        members = [n for n, p in enumerate(people) if is_held_out(p.participant_id) == held_out]
        members.sort(key=lambda n: (people[n].age_years, people[n].participant_id))
        generator = np.random.default_rng([seed, held_out])
        for start in range(0, len(members), folds):
            group = members[start : start + folds]
            result[group] = generator.permutation(folds)[: len(group)]
    return result
