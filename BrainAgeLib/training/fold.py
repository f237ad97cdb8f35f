"""One fold of a training run: the models of one member, and the people whom it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.predict import Member
from BrainAgeLib.model.regional_model import RegionalModel
from BrainAgeLib.model.slice_model import SliceModel
from BrainAgeLib.training.examples import WholeScans
from BrainAgeLib.training.fit import fit_network
from BrainAgeLib.training.fit_regional import (
    fit_regional_model,
    read_regional_model,
    unwanted_differences,
    write_regional_model,
)
from BrainAgeLib.training.fit_slices import fit_slice_model, read_slice_model, write_slice_model
from BrainAgeLib.training.map_store import read_maps
from BrainAgeLib.training.out_of_fold import predict_people, write_rows
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.prepare import evaluation_file, maps_file, training_file
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulated_scans import EVALUATION_PROTOCOLS, StoredScan, read_scans

# Of the map store: the axial scans, 3D, and the first random scan are fitted. How the random scans
# differ from the others is what the age should not depend on.
JUDGED_SCANS = (0, 1, 2, 5)
FITTED_SCANS = (*JUDGED_SCANS, len(EVALUATION_PROTOCOLS))
# For single slices: these and random ones.
RANDOM_SCANS = 2


@dataclass(frozen=True)
class Fold:
    """``folds``: (person,) the fold of each. ``report`` takes stage, done, of how many, remark."""

    number: int
    people: list[Person]
    folds: np.ndarray
    folder: Path
    settings: TrainingSettings
    device: str
    report: Callable[[str, int, int, str], None]

    @property
    def others(self) -> list[Person]:
        """The people that the member is trained on."""
        return [p for p, own in zip(self.people, self.folds, strict=True) if own != self.number]

    @property
    def held_out(self) -> list[Person]:
        """The people that the member has not seen."""
        return [p for p, own in zip(self.people, self.folds, strict=True) if own == self.number]

    def train(self) -> Member:
        """Train the member's three models, or go on where that stopped."""
        return Member(self._network(), self._regional(), self._slices())

    def predict(self, member: Member) -> None:
        """Write what the member says of the people whom it has not seen, once."""
        table = self.folder / f"fold-{self.number}.csv"
        if table.exists():
            return
        held_out, done = self.held_out, iter(range(1, len(self.people) + 1))
        rows = predict_people(
            member,
            held_out,
            self.number,
            self.folder,
            "cpu",
            lambda: self._say("predict", next(done), len(held_out)),
        )
        write_rows(rows, table)

    def _say(self, what: str, done: int, count: int, remark: str = "") -> None:
        self.report(f"{what} fold {self.number + 1} of {self.settings.folds}", done, count, remark)

    def _regional(self) -> RegionalModel:
        path = self.folder / f"regional-{self.number}.safetensors"
        if not path.exists():
            paths = [maps_file(self.folder, person) for person in self.others]
            maps, covered = read_maps(paths, "regional"), read_maps(paths, "covered")
            fitted = list(FITTED_SCANS)
            random = range(len(EVALUATION_PROTOCOLS), maps.shape[1])
            model = fit_regional_model(
                maps[:, fitted],
                covered[:, fitted],
                torch.tensor([person.age_years for person in self.others]),
                unwanted_differences(maps, covered, JUDGED_SCANS, random),
                lambda done, count: self._say("regions of", done, count),
            )
            write_regional_model(model, path)
        return read_regional_model(path)

    def _slices(self) -> SliceModel:
        path = self.folder / f"slices-{self.number}.safetensors"
        if not path.exists():
            scans = [self._axial_scans(person) for person in self.others]
            ages = np.array([person.age_years for person in self.others])
            model = fit_slice_model(
                scans, ages, lambda done, count: self._say("heights of", done, count)
            )
            write_slice_model(model, path)
        return read_slice_model(path)

    def _axial_scans(self, person: Person) -> list[StoredScan]:
        judged = read_scans(evaluation_file(self.folder, person))
        random = read_scans(training_file(self.folder, person))
        return [judged[n] for n in JUDGED_SCANS] + random[:RANDOM_SCANS]

    def _network(self) -> VolumeNetwork:
        volumes = read_maps([maps_file(self.folder, person) for person in self.others], "volumes")
        steps = self.settings.steps
        return fit_network(
            WholeScans(volumes.to(self.device), self.settings.augmentation),
            np.array([person.age_years for person in self.others]),
            self.settings,
            self.settings.seed + self.number,
            self.folder / f"network-{self.number}.pt",
            self.device,
            lambda done, loss: self._say("train", done, steps, f"loss {loss:.3f}"),
        )
