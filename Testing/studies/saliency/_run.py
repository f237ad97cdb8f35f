"""A training run as the studies of saliency use it: its people, members and simulated scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.card import Blend, Card, read_card
from BrainAgeLib.model.ensemble import predict_age
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.model.weights import Member, Weights, load_weights
from BrainAgeLib.scan.geometry import Volume, to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.scan_maps import ScanMaps, TemplateVolume, maps_of_scan
from BrainAgeLib.template.target import template_maps
from BrainAgeLib.training.appearance import EVALUATION
from BrainAgeLib.training.people import Person, assign_folds, read_people
from BrainAgeLib.training.simulate import Simulator, as_slices
from BrainAgeLib.training.store import evaluation_file, read_scans
from BrainAgeLib.training.thick_slices import Protocol


@dataclass(frozen=True)
class Run:
    """``folder``: the output of a finished ``brainage train``. ``data``: its BIDS dataset."""

    folder: Path
    data: Path

    @cached_property
    def model(self) -> Path:
        """Return the model folder."""
        return next(path.parent for path in sorted(self.folder.glob("*/card.json")))

    @cached_property
    def card(self) -> Card:
        return read_card(self.model)

    @cached_property
    def weights(self) -> Weights:
        return load_weights(self.model, self.card, "cpu")

    @cached_property
    def people(self) -> list[Person]:
        return read_people(self.data)

    @cached_property
    def folds(self) -> np.ndarray:
        """Return the number (person,) of the member that has not seen each."""
        settings = self.card.training.settings
        return assign_folds(self.people, settings["folds"], settings["seed"])

    def member(self, number: int) -> Member:
        """Return the member that has not seen person ``number``."""
        return self.weights.members[self.folds[number]]

    def over_ages(self, count: int, fold: int | None = None) -> list[int]:
        """Return so many people, evenly over the ages, of one fold or of all."""
        numbers = [n for n, own in enumerate(self.folds) if fold is None or own == fold]
        numbers.sort(key=lambda n: (self.people[n].age_years, n))
        chosen = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
        return [numbers[place] for place in dict.fromkeys(chosen.tolist())]

    def main_maps(self, number: int) -> ScanMaps:
        """Return what the models see of a person's simulated scan of the main protocol."""
        scans = read_scans(evaluation_file(self.folder / "work", self.people[number]))
        return maps_of_scan(as_slices(scans[0], "cpu"))

    def brain(self, number: int) -> Volume:
        """Return a person's brain-extracted 3D scan."""
        return volume_from_sitk(to_canonical(read_scan(self.people[number].path).image))

    def template_to_scan(self, number: int) -> np.ndarray:
        """Return a person's registration (4 x 4), LPS mm."""
        name = f"{self.people[number].participant_id}.npy"
        return np.load(self.folder / "work" / "registrations" / name)

    def cut(self, brain: Volume, number: int, protocol: Protocol, seed: list[int]) -> ScanMaps:
        """Return what the models see of a brain of that person, cut into thick slices."""
        scan_to_template = np.linalg.inv(self.template_to_scan(number))
        simulator = Simulator(brain, scan_to_template, template_maps("cpu"))
        return maps_of_scan(as_slices(simulator.simulate(protocol, EVALUATION, seed), "cpu"))

    def age_years(self, members: Sequence[Member], maps: ScanMaps) -> float:
        """Return the age that some members say."""
        return predict_age(members, maps, self.card.blend).age_years

    def map_of(
        self, members: Sequence[Member], maps: ScanMaps, kind: str | None = None
    ) -> torch.Tensor:
        """Return the map (z, y, x) by some members, or by one kind of their models alone."""
        blend = self.card.blend
        if kind is not None:
            blend = Blend({kind: 1.0}, blend.part_of_brain)
        return saliency_map(members, maps, blend, self.weights.mean_maps)


def brain_of(volume: TemplateVolume) -> torch.Tensor:
    """Return where (z, y, x) a scan shows brain."""
    return volume.seen & (volume.images > 0)


def spearman(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the rank correlation of two arrays; 0 where one of them is constant."""
    if float(one.std()) == 0.0 or float(other.std()) == 0.0:
        return 0.0
    ranks = [np.argsort(np.argsort(values.numpy().ravel())) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def likeness(one: torch.Tensor, other: torch.Tensor) -> dict[str, float]:
    """Return the rank correlation of two maps' values and of their sizes."""
    return {"values": spearman(one, other), "sizes": spearman(one.abs(), other.abs())}
