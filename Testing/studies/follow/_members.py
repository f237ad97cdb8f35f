"""Each member of a model as a model of its own, for the people whom it has not seen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from BrainAgeLib.model.ensemble import Ensemble
from BrainAgeLib.model.weights import FILE_NAME, Weights, load_weights, pack_weights
from BrainAgeLib.training.people import Person, assign_folds
from Testing.studies.follow._growing import Unseen

SEED = 11  # as in the study of re-slicing, which takes the people from the other end


def people_of_members(
    everyone: list[Person], model: Ensemble, count: int, work: Path
) -> list[Unseen]:
    """Return so many people of the model's training, each with the member that saw nobody of its
    fold; the members' folders are written into ``work``."""
    settings = model.card.training.settings
    folds = assign_folds(everyone, settings["folds"], settings["seed"])
    order = np.random.default_rng(SEED).permutation(len(everyone))[::-1][:count]
    members = [_folder_of(model, number, work) for number in range(model.card.members)]
    return [
        Unseen(everyone[number].participant_id, everyone[number].path, members[folds[number]])
        for number in order
    ]


def _folder_of(model: Ensemble, number: int, work: Path) -> Path:
    folder = work / f"member-{number}"
    weights = load_weights(model.folder, model.card, "cpu")
    content = pack_weights(Weights([weights.members[number]], weights.mean_maps, weights.typical))
    card = json.loads((model.folder / "card.json").read_text("utf-8"))
    card |= {"members": 1, "sha256": hashlib.sha256(content).hexdigest()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).write_bytes(content)
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    return folder
