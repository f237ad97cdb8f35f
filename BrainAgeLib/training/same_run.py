"""Whether what lies in a run's folder may be gone on with: what is prepared, and what is trained.

What is prepared of a person knows of nobody else, so that before models are trained people may come
and go. Models know whom they were trained on, and must never be tried on these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import to_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import OWN_KINDS
from BrainAgeLib.template import harmonisation, sequences
from BrainAgeLib.training.people import Person, too_few_labels
from BrainAgeLib.training.sequence_scans import EXPERT_SCANS
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.whole_file import write_atomically

# What a model is called and where it is trained does not change what is learnt.
NOT_LEARNT = ("name", "version", "device", "threads")
PREPARED_BY = ("seed", "scans_per_person")  # the settings that people's scans depend on
HINT = "choose another output folder"


def check_same_run(folder: Path, settings: TrainingSettings, people: Sequence[Person]) -> bool:
    """Return whether models were begun in the folder; note what its scans are prepared by.

    Raises InputError when it holds scans of other settings, or models of other settings or people.
    """
    known = _known(folder)
    if known is None:
        _write(folder, _prepared_by(settings))
        return False
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
        "harmonisation": harmonisation.SHA256,  # what is learnt from
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
        "harmonisation": harmonisation.SHA256,
        "sequences": told if has_labels else None,
        "people": hashlib.sha256(json.dumps(sorted(who)).encode()).hexdigest(),
    }


def _networks() -> str:
    return " ".join(sha256 for _, sha256 in sequences.WEIGHTS.values())


def _another_run(
    folder: Path, known: dict[str, Any], settings: TrainingSettings, people: Sequence[Person]
) -> InputError:
    wanted = _trained_on(settings, people)
    what = "with other settings, labels or harmonisation, of other people, or of another"
    if known == {name: value for name, value in wanted.items() if name != "people"}:
        what = "of unknown people, begun by an earlier"
    return InputError(f"{folder} holds a run {what} version", HINT)
