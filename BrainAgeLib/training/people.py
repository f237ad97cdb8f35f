"""The people that a model is trained on, and who is in which fold."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.tables.participants import NAME, Participants
from BrainAgeLib.whole_file import write_atomically

MOST_WEIGHT = 4  # of one person, set by hand
# Fewer promise no interval that holds nine of ten: see conformal_factor.
LEAST_OUTSIDE_OF_FOLD = 9
LEAST_AGES = 3  # of which there are figures of accuracy


@dataclass(frozen=True)
class Person:
    """One healthy person with a 3D T1 scan; ``age_years`` at the scan, ``site`` where it was.

    ``labels``: the file of what tissue each of the scan's voxels is, where there is one: 1 fluid,
    2 grey matter, 3 white matter.
    """

    participant_id: str
    age_years: float
    sex: str
    path: Path
    site: str = ""
    labels: Path | None = None


@dataclass(frozen=True)
class LeftOut:
    """Somebody in the data set who cannot be learnt from, and why."""

    participant_id: str
    reason: str


def read_sites(folders: Sequence[Path]) -> tuple[list[Person], list[LeftOut]]:
    """Return the people of several datasets, each of which is a site of its folder's name.

    Raises InputError as :func:`read_dataset` does, for a person who is in two datasets and for two
    datasets of one name, which would be taken for one site.
    """
    everyone: dict[str, Person] = {}
    left_out: list[LeftOut] = []
    names = [_name_of(folder) for folder in folders]
    for folder, name in zip(folders, names, strict=True):
        if names.count(name) > 1:
            raise InputError(
                f"{names.count(name)} datasets are called {name!r}, as the site of each is",
                "give every site a folder, or a link, of its own name, once",
            )
        people, others = read_dataset(folder)
        left_out += others
        for person in people:
            if person.participant_id in everyone:
                raise InputError(
                    f"{person.participant_id} is in {folder} and in another dataset",
                    "give every person one identifier",
                )
            everyone[person.participant_id] = replace(person, site=name)
    return [everyone[identifier] for identifier in sorted(everyone)], left_out


def _name_of(folder: Path) -> str:
    """Return the name of a folder, or of a link to it: many a dataset lies in a folder "bids"."""
    return folder.resolve().name if folder.name in ("", "..") else folder.name


def read_people(folder: Path) -> list[Person]:
    """Return the people of a BIDS dataset who have an age and a scan; see ``read_dataset``."""
    return read_dataset(folder)[0]


def read_dataset(folder: Path) -> tuple[list[Person], list[LeftOut]]:
    """Return the people of a BIDS dataset: participants.tsv and sub-*/anat/*_T1w.nii*.

    The labels of a scan's voxels lie beside it, as sub-*_dseg.nii.gz.
    Those without an age, or with one that makes no sense, and those without a scan are left out.
    Raises InputError when there is no participants.tsv or nobody has both.
    """
    if not (folder / NAME).is_file():
        raise InputError(f"{folder} has no {NAME}", "give a BIDS dataset")
    scans: dict[str, Path] = {}
    # Not the hidden files ._NAME that macOS leaves on other disks.
    for scan in sorted(folder.glob("sub-*/anat/[!.]*_T1w.nii*"), reverse=True):
        scans[scan.parents[1].name] = scan
    table = Participants(folder, [(subject, "") for subject in scans])
    people, left_out = [], [LeftOut(name, "no T1w scan") for name in table.without_scan()]
    for subject, scan in sorted(scans.items()):
        facts = table.facts(subject, "", scan.name)
        if facts.age_years is None:
            left_out.append(LeftOut(subject, facts.complaint or "no age"))
        else:
            labels = min(scan.parent.glob("sub-*_dseg.nii.gz"), default=None)
            sex = facts.sex or ""
            people.append(Person(subject, facts.age_years, sex, scan, labels=labels))
    table.tell_unclear_sexes()
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


def sites_of(people: Sequence[Person]) -> list[str]:
    """Return the sites, that with most people first."""
    return [site for site, _ in Counter(person.site for person in people).most_common()]


def site_weights(people: Sequence[Person]) -> np.ndarray:
    """Return how many times each person (person,) counts in training, whole numbers as floats.

    Those of small sites count more, by the root of how much larger the largest is, so that no
    scanner decides alone; at most four times, since few people are not to be learnt by heart.
    """
    sizes = Counter(person.site for person in people)
    largest = max(sizes.values())
    return np.array(
        [min(MOST_WEIGHT, round((largest / sizes[person.site]) ** 0.5)) for person in people],
        dtype=float,
    )


def enough_outside_of_folds(folds: Sequence[int]) -> bool:
    """Say whether an interval can be fitted without any one of these people's folds (person,)."""
    return len(folds) - max(Counter(folds).values(), default=0) >= LEAST_OUTSIDE_OF_FOLD


def is_held_out(participant_id: str) -> bool:
    """Say whether a person is in the held-out fifth, which no choice may look at."""
    return int(hashlib.sha256(participant_id.encode()).hexdigest(), 16) % 5 == 0


def assign_folds(people: list[Person], folds: int, seed: int) -> np.ndarray:
    """Return the fold (person,) of each; every fold has about the same ages.

    The people of each site are sorted by age and dealt out in shuffled rounds, the held-out ones
    separately, so that the others' folds do not depend on them.
    """
    result = np.zeros(len(people), dtype=int)
    groups: dict[tuple[str, bool], list[int]] = {}
    for number, person in enumerate(people):
        groups.setdefault((person.site, is_held_out(person.participant_id)), []).append(number)
    for (_, held_out), members in groups.items():
        members.sort(key=lambda n: (people[n].age_years, people[n].participant_id))
        generator = np.random.default_rng([seed, held_out])
        for start in range(0, len(members), folds):
            group = members[start : start + folds]
            result[group] = generator.permutation(folds)[: len(group)]
    return result


def too_few_labels(people: Sequence[Person], folds: int, seed: int) -> int:
    """Return how many have labels, where they cannot say how good ages of other sequences are.

    Those of the largest site count, on which all that a card says is measured. Else 0.
    """
    home = sites_of(people)[0]
    at_home = [person.labels is not None and person.site == home for person in people]
    in_folds = assign_folds(list(people), folds, seed)[at_home].tolist()
    count = sum(person.labels is not None for person in people)
    return 0 if enough_outside_of_folds(in_folds) else count
