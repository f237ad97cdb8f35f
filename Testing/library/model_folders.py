"""Small models with random weights: everything that a model folder has, but no knowledge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from BrainAgeLib.model.tissue_maps import TissueNetwork

from BrainAgeLib.model.network import NetworkSettings, SliceSetNetwork
from BrainAgeLib.training.model_folder import CLASSES, write_model
from BrainAgeLib.training.out_of_fold import Row
from BrainAgeLib.training.people import is_locked
from BrainAgeLib.training.settings import TrainingSettings

SMALL_NETWORK = NetworkSettings(widths=(4, 8, 8, 8), heads=2)
FOLDS = 2
MAP_VALUES = 3 * 18 * 26 * 10  # tissue, height, y, x
TISSUE_SHARE = 0.4
PEOPLE = 150  # a percentile needs 100 people


def small_network(seed: int) -> SliceSetNetwork:
    """Return an untrained network whose weights depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return SliceSetNetwork(SMALL_NETWORK).eval()


def small_tissue_network(seed: int) -> TissueNetwork:
    """Return an untrained tissue network that keeps every 50th value."""
    kept = torch.arange(MAP_VALUES) % 50 == 0
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = TissueNetwork(kept)
    network.center.fill_(0.3)
    network.age_center_years.fill_(50.0)
    network.age_scale_years.fill_(18.0)
    return network.eval()


def out_of_fold_rows(people: int = PEOPLE) -> list[Row]:
    """Return made-up predictions of people from 20 to 88 years, of every protocol of a card."""
    generator = np.random.default_rng(3)
    rows = []
    for number, age in enumerate(np.linspace(20.0, 88.0, people)):
        name = f"sub-{number:03}"
        for _, _, _, protocol in CLASSES:
            predicted = 0.85 * age + 8.0 + generator.normal(0, 5.0)
            spread = 28.0 + generator.normal(0, 1.0)
            rows.append(
                Row(
                    name,
                    float(age),
                    "FM"[number % 2],
                    number % FOLDS,
                    is_locked(name),
                    protocol,
                    "axial",
                    6.0,
                    3.0,
                    24,
                    float(predicted),
                    float(predicted),
                    float(spread),
                    float(predicted),
                )
            )
    return rows


def write_small_model(output: Path, name: str = "small") -> Path:
    """Write a model folder of two small networks; return it."""
    networks = [small_network(seed) for seed in (1, 2)]
    tissues = [small_tissue_network(seed) for seed in (1, 2)]
    settings = TrainingSettings(name=name, folds=FOLDS, network=SMALL_NETWORK)
    return write_model(output, networks, tissues, TISSUE_SHARE, out_of_fold_rows(), settings)
