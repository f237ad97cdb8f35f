"""Of which files each person's scans were prepared: what was mended since is prepared anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
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
PEOPLE_A_REPORT = 50


def check_sources(
    people: Sequence[Person],
    folder: Path,
    is_begun: bool,
    workers: int,
    on_progress: Callable[[int, int], None],
) -> None:
    """Remove what was prepared of a scan, or of labels, that are others now; note what they are.

    ``is_begun``: whether models were trained on what is prepared; InputError is raised then
    instead. What cannot be read, and what nothing is noted of, is taken for the same.
    """
    path = folder / NAME
    known: dict[str, Source] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    noted, changed = dict(known), []
    for person, found in zip(people, _sources(people, workers, on_progress), strict=True):
        before = known.get(person.participant_id, found)
        pairs = list(zip(before, found, strict=True))
        are_others = [old != new and UNREADABLE not in (old, new) for old, new in pairs]
        if any(are_others):
            changed.append((person, are_others[0]))
        noted[person.participant_id] = [old if new == UNREADABLE else new for old, new in pairs]
    if changed and is_begun:
        raise InputError(
            f"{folder} holds models of other scans or labels of {len(changed)} of these people",
            HINT,
            tuple(person.participant_id for person, _ in changed[:MOST_TOLD]),
        )
    for person, is_another_scan in changed:
        for file in _made_of(person, folder, is_another_scan):
            file.unlink(missing_ok=True)
    if noted != known:
        write_atomically(path, json.dumps(noted, indent=1).encode())


def _sources(
    people: Sequence[Person], workers: int, on_progress: Callable[[int, int], None]
) -> Iterator[Source]:
    """Yield the checksums of everybody's files; it takes minutes on a network disk."""
    on_progress(0, len(people))
    with ThreadPoolExecutor(workers) as pool:
        for done, source in enumerate(pool.map(_source_of, people), 1):
            if done % PEOPLE_A_REPORT == 0 or done == len(people):
                on_progress(done, len(people))
            yield source


def _source_of(person: Person) -> Source:
    return [_checksum(person.path), _checksum(person.labels)]


def _made_of(person: Person, folder: Path, is_another_scan: bool) -> list[Path]:
    of_scan = (registration_file, training_file, evaluation_file, maps_file)
    makers = (*of_scan, sequences_file) if is_another_scan else (sequences_file,)
    return [make(folder, person) for make in makers]


def _checksum(path: Path | None) -> str | None:
    try:
        return None if path is None else sha256_of([path])
    except OSError:  # whoever goes on to read it says why not
        return UNREADABLE
