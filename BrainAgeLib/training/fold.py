"""One fold of a training run: whom its models are trained on, and whom they have not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.training.network_data import SequenceScans
from BrainAgeLib.training.people import Person, site_weights
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import maps_file, sequences_file
from BrainAgeLib.training.stored_maps import read_maps

EVERYBODY = -2  # in place of a fold's number: nobody is left out
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

    @property
    def label(self) -> str:
        """The fold's part of the names of files."""
        return "everybody" if self.number == EVERYBODY else str(self.number)

    @property
    def seed(self) -> int:
        """Seeds this member's training; ``EVERYBODY``, a negative number, becomes 998."""
        return self.settings.seed + self.number % 1000

    def maps(self, name: str) -> torch.Tensor:
        """Return what is kept of these people's scans (person, scan, ...), see ``stored_maps``."""
        return read_maps([maps_file(self.folder, person) for person in self.others], name)

    @property
    def with_sequences(self) -> list[Person]:
        """Those of the people that the member is trained on who have scans of other sequences."""
        return [p for p in self.others if sequences_file(self.folder, p).exists()]

    def maps_of_sequences(self, name: str) -> torch.Tensor:
        """Return what is kept of these scans (person, scan, ...), see ``SEQUENCE_SCANS``."""
        return read_maps([sequences_file(self.folder, p) for p in self.with_sequences], name)

    def other_sequences(self) -> SequenceScans | None:
        """Return these people's scans of other sequences; None where nobody has any."""
        known = {person.participant_id for person in self.with_sequences}
        if not known:
            return None
        has_some = torch.tensor([person.participant_id in known for person in self.others])
        places = torch.where(has_some, has_some.cumsum(0) - 1, torch.tensor(-1))
        return SequenceScans(self.maps_of_sequences("volumes").to(self.device), places)

    def say(self, what: str, done: int, count: int, remark: str = "") -> None:
        """Report how far something in this fold is."""
        which = f"fold {self.number + 1} of {self.settings.folds}"
        if self.number == EVERYBODY:
            which = "everybody"
        elif self.number >= self.settings.folds:
            which = f"without {self.validation[0].site}"
        self.report(f"{what} {which}", done, count, remark)
