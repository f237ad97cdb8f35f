"""One fold of a training run: whom its models are trained on, and whom they have not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save

from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.weights import KINDS, Member
from BrainAgeLib.training.network_data import SequenceScans
from BrainAgeLib.training.people import Person, site_weights
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import maps_file, sequences_file
from BrainAgeLib.training.stored_maps import read_maps
from BrainAgeLib.whole_file import write_atomically

# Says what is done and how far: (stage, done, of how many, remark).
Report = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Fold:
    """What the models of one member are trained on.

    ``folds``: (person,) the fold of each. ``folder``: where simulated scans, their maps and all
    that a run goes on from are kept. ``device``: where networks are trained.
    """

    number: int
    people: list[Person]
    folds: np.ndarray
    folder: Path
    settings: TrainingSettings
    device: str
    report: Report

    @property
    def others(self) -> list[Person]:
        """The people that the member is trained on."""
        return [p for p, own in zip(self.people, self.folds, strict=True) if own != self.number]

    @property
    def validation(self) -> list[Person]:
        """The people that the member has not seen."""
        return [p for p, own in zip(self.people, self.folds, strict=True) if own == self.number]

    @property
    def ages_years(self) -> np.ndarray:
        """The ages (person,) of the people that the member is trained on."""
        return np.array([person.age_years for person in self.others])

    @property
    def weights(self) -> np.ndarray:
        """How many times each of these people (person,) counts."""
        return site_weights(self.others)

    def maps(self, name: str) -> torch.Tensor:
        """Return what is kept of these people's scans (person, scan, ...), see ``stored_maps``."""
        return read_maps([maps_file(self.folder, person) for person in self.others], name)

    def other_sequences(self) -> SequenceScans | None:
        """Return these people's scans of other sequences; None where nobody has any."""
        files = [sequences_file(self.folder, person) for person in self.others]
        has_some = torch.tensor([file.exists() for file in files])
        if not has_some.any():
            return None
        places = torch.where(has_some, has_some.cumsum(0) - 1, torch.tensor(-1))
        volumes = read_maps([file for file in files if file.exists()], "volumes")
        return SequenceScans(volumes.to(self.device), places)

    def say(self, what: str, done: int, count: int, remark: str = "") -> None:
        """Report how far something in this fold is."""
        which = f"fold {self.number + 1} of {self.settings.folds}"
        if self.number >= self.settings.folds:
            which = f"without {self.validation[0].site}"
        self.report(f"{what} {which}", done, count, remark)

    def train(self) -> Member:
        """Return a trained model of each kind; what was trained before is read."""
        return {kind: self._trained(kind) for kind in KINDS}

    def _trained(self, kind: str) -> AgeModel:
        path = self.folder / f"{kind}-{self.number}.safetensors"
        if not path.exists():
            model = import_module(f"BrainAgeLib.training.{kind}").fit(self)
            tensors = {name: value.contiguous() for name, value in model.packed().items()}
            write_atomically(path, save(tensors))
        return KINDS[kind].unpacked(load(path.read_bytes()))
