"""Whether what lies in a run's folder may be gone on with: what is prepared, and what is trained.

What is prepared of a person knows of nobody else, so that before models are trained people may come
and go, and whose scan was mended is prepared anew. Models know whom they were trained on, and must
never be tried on these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import to_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import OWN_KINDS
from BrainAgeLib.scan.read import sha256_of
from BrainAgeLib.template import harmonisation, sequences
from BrainAgeLib.template.slices import SLAB_RANGE_MM
from BrainAgeLib.training.people import Person, too_few_labels
from BrainAgeLib.training.sequence_scans import EXPERT_SCANS
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import (
    MOST_TOLD,
    evaluation_file,
    maps_file,
    registration_file,
    sequences_file,
    training_file,
)
from BrainAgeLib.whole_file import write_atomically

# What a model is called and where it is trained does not change what is learnt.
NOT_LEARNT = ("name", "version", "device", "threads")
PREPARED_BY = ("seed", "scans_per_person")  # the settings that people's scans depend on
HINT = "choose another output folder"

Source = list[str | None]  # the checksums of a person's scan and of its labels
SOURCES_NAME = "sources.json"
UNREADABLE = ""
PEOPLE_A_REPORT = 50


def check_same_run(folder: Path, settings: TrainingSettings, people: Sequence[Person]) -> bool:
    """Return whether models were begun in the folder; note what its scans are prepared by.

    Raises InputError when it holds scans of other settings, or models of other settings or people.
    """
    known = _known(folder)
    if known is None:
        _write(folder, _prepared_by(settings))
        return False
    # None where scans are prepared alone; runs of earlier versions may lack the entry.
    is_begun = known.get("people", "") is not None
    if known != (_trained_on(settings, people) if is_begun else _prepared_by(settings)):
        raise _another_run(folder, known, settings, people)
    return is_begun


def begin_to_train(folder: Path, settings: TrainingSettings, people: Sequence[Person]) -> None:
    """Note whom the models of this folder are trained on from now on.

    Raises InputError where a job beside this one has begun with other people or settings.
    """
    wanted = _trained_on(settings, people)
    if _known(folder) == _prepared_by(settings):
        _write(folder, wanted)
    known = _known(folder) or {}
    if known != wanted:
        raise _another_run(folder, known, settings, people)


def _path(folder: Path) -> Path:
    return folder / "settings.json"


def _known(folder: Path) -> dict[str, Any] | None:
    path = _path(folder)
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def _write(folder: Path, content: dict[str, Any]) -> None:
    write_atomically(_path(folder), json.dumps(content, indent=1).encode())


def _prepared_by(settings: TrainingSettings) -> dict[str, Any]:
    plain = to_plain(settings)
    return {
        **{name: plain[name] for name in PREPARED_BY},
        **_shown_by(),  # what is learnt from
        "sequences": f"{_networks()} {EXPERT_SCANS}",
        "people": None,
    }


def _trained_on(settings: TrainingSettings, people: Sequence[Person]) -> dict[str, Any]:
    has_labels = any(person.labels is not None for person in people)
    # With how many of these scans experts are fitted on, and what kinds of models learn from them,
    # or old predictions would lack them.
    own_kinds = () if too_few_labels(people, settings.folds, settings.seed) else OWN_KINDS
    told = f"{' '.join([_networks(), *own_kinds])} {EXPERT_SCANS}"
    who = [(p.participant_id, p.age_years, p.sex, p.site, p.labels is not None) for p in people]
    return {
        **{name: value for name, value in to_plain(settings).items() if name not in NOT_LEARNT},
        **_shown_by(),
        "sequences": told if has_labels else None,
        "people": hashlib.sha256(json.dumps(sorted(who)).encode()).hexdigest(),
    }


def _shown_by() -> dict[str, Any]:
    # Few slices were learnt from as they lay before version 9.2.
    few = {"few_slices": "aligned"}
    return {"harmonisation": harmonisation.SHA256, "slabs_mm": list(SLAB_RANGE_MM), **few}


def _networks() -> str:
    return " ".join(sha256 for _, sha256 in sequences.WEIGHTS.values())


def _another_run(
    folder: Path, known: dict[str, Any], settings: TrainingSettings, people: Sequence[Person]
) -> InputError:
    wanted = _trained_on(settings, people)
    what = "with other settings, labels, harmonisation or slabs, of other people, or of another"
    if known == {name: value for name, value in wanted.items() if name != "people"}:
        what = "of unknown people, begun by an earlier"
    return InputError(f"{folder} holds a run {what} version", HINT)


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
    path = folder / SOURCES_NAME
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
