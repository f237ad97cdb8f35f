"""The people of a training run, their folds and maps, for studies that compare models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from BrainAgeLib.training.people import assign_folds, is_held_out, read_people
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS
from BrainAgeLib.training.store import maps_file

# The protocols that are compared, and their numbers in the store.
PROTOCOLS = {
    name: list(EVALUATION_PROTOCOLS).index(name)
    for name in ("axial 5+1 mm", "axial 7+2 mm", "3D 2 mm")
}


class ValidationPeople:
    """Everybody of ``data`` with the folds of ``run``, the output folder of ``brainage train``.

    ``ages``, ``folds``, ``for_validation``: (person,), False of held-out people.
    """

    def __init__(self, data: Path, run: Path) -> None:
        given = json.loads((run / "work" / "settings.json").read_text("utf-8"))
        self.settings = TrainingSettings(folds=given["folds"], seed=given["seed"])
        self.people = read_people(data)
        self.ages = np.array([person.age_years for person in self.people])
        self.folds = assign_folds(self.people, self.settings.folds, self.settings.seed)
        self.for_validation = np.array([not is_held_out(p.participant_id) for p in self.people])
        self.paths = [maps_file(run / "work", person) for person in self.people]
