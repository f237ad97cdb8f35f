"""The people that a model is trained on, and who is in which fold."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.tables.participants import NAME, Participants
from BrainAgeLib.whole_file import write_atomically


@dataclass(frozen=True)
class Person:
    """One healthy person with a 3D T1 scan; ``age_years`` at the scan."""

    participant_id: str
    age_years: float
    sex: str
    path: Path


@dataclass(frozen=True)
class LeftOut:
    """Somebody in the data set who cannot be learnt from, and why."""

    participant_id: str
    reason: str


def read_people(folder: Path) -> list[Person]:
    """Return the people of a BIDS dataset who have an age and a scan; see ``read_dataset``."""
    return read_dataset(folder)[0]


def read_dataset(folder: Path) -> tuple[list[Person], list[LeftOut]]:
    """Return the people of a BIDS dataset: participants.tsv and sub-*/anat/*_T1w.nii*.

    Those without an age, or with one that makes no sense, and those without a scan are left out.
    Raises InputError when there is no participants.tsv or nobody has both.
    """
    if not (folder / NAME).is_file():
        raise InputError(f"{folder} has no {NAME}", "give a BIDS dataset")
    scans: dict[str, Path] = {}
    for scan in sorted(folder.glob("sub-*/anat/*_T1w.nii*"), reverse=True):
        scans[scan.parents[1].name] = scan
    table = Participants(folder, [(subject, "") for subject in scans])
    people, left_out = [], [LeftOut(name, "no T1w scan") for name in table.without_scan()]
    for subject, scan in sorted(scans.items()):
        facts = table.facts(subject, "", scan.name)
        if facts.age_years is None:
            left_out.append(LeftOut(subject, facts.complaint or "no age"))
        else:
            people.append(Person(subject, facts.age_years, facts.sex or "", scan))
    if not people:
        raise InputError(
            f"nobody in {folder / NAME} has an age and a scan",
            "the columns are participant_id, age, sex; scans are sub-*/anat/*_T1w.nii.gz",
        )
    return people, left_out


def write_left_out(left_out: list[LeftOut], path: Path) -> None:
    """Write who is left out and why, one a line. Raises BrainAgeError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("participant_id", "reason"), *map(astuple, left_out)])
    write_atomically(path, text.getvalue().encode("utf-8"))


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
