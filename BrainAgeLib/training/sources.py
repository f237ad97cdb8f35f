"""Of which files each person's scans were prepared: what was mended since is prepared anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import sha256_of
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.same_run import HINT
from BrainAgeLib.training.store import (
    MOST_TOLD,
    evaluation_file,
    maps_file,
    registration_file,
    sequences_file,
    training_file,
)
from BrainAgeLib.whole_file import write_atomically

Source = list[str | None]  # the checksums of a person's scan and of its labels
NAME = "sources.json"
UNREADABLE = ""


def check_sources(people: Sequence[Person], folder: Path, is_begun: bool) -> None:
    """Remove what was prepared of a scan, or of labels, that are others now; note what they are.

    ``is_begun``: whether models were trained on what is prepared; InputError is raised then
    instead. What cannot be read, and what nothing is noted of, is taken for the same.
    """
    path = folder / NAME
    known: dict[str, Source] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    found = _sources_of(people, known)
    changed = [p for p in people if _noted(known, found, p) != found[p.participant_id]]
    if changed and is_begun:
        raise InputError(
            f"{folder} holds models of other scans or labels of {len(changed)} of these people",
            HINT,
            tuple(person.participant_id for person in changed[:MOST_TOLD]),
        )
    for person in changed:
        is_same_scan = _noted(known, found, person)[0] == found[person.participant_id][0]
        for file in _made_of(person, folder, is_same_scan):
            file.unlink(missing_ok=True)
    if known != known | found:
        write_atomically(path, json.dumps(known | found, indent=1).encode())


def _noted(known: dict[str, Source], found: dict[str, Source], person: Person) -> Source:
    return known.get(person.participant_id, found[person.participant_id])


def _sources_of(people: Sequence[Person], known: dict[str, Source]) -> dict[str, Source]:
    """Return the checksums of everybody's files; those that are known where none can be read."""
    with ThreadPoolExecutor() as pool:
        scans = list(pool.map(_checksum, [person.path for person in people]))
        labels = list(pool.map(_checksum, [person.labels for person in people]))
    found = {p.participant_id: [*of] for p, *of in zip(people, scans, labels, strict=True)}
    return {
        name: [
            old if new == UNREADABLE else new
            for old, new in zip(known.get(name, of), of, strict=True)
        ]
        for name, of in found.items()
    }


def _made_of(person: Person, folder: Path, is_same_scan: bool) -> Iterable[Path]:
    of_scan = (registration_file, training_file, evaluation_file, maps_file)
    makers = (sequences_file,) if is_same_scan else (*of_scan, sequences_file)
    return [make(folder, person) for make in makers]


def _checksum(path: Path | None) -> str | None:
    try:
        return None if path is None else sha256_of([path])
    except OSError:  # whoever goes on to read it says why not
        return UNREADABLE
