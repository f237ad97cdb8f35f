"""Training of one fold's tissue network: seconds on a CPU, so it is done in one go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch.nn import functional

from BrainAgeLib.model.tissue_maps import TissueNetwork, tissue_maps
from BrainAgeLib.training.out_of_fold import as_slices
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.prepare import evaluation_file, training_file
from BrainAgeLib.training.simulated_scans import read_scans

STEPS = 2000
SCANS_PER_STEP = 128
LEARNING_RATE = 3e-3  # at its peak, a tenth of it at the start
WEIGHT_DECAY = 0.1
DROPPED = 0.2  # of the maps' values, in each step
LEAST_SPREAD = 0.02  # values that differ less between people are left out
HUBER_BETA = 0.2  # in standard deviations of age


def maps_of_people(
    people: list[Person], folder: Path, on_person: Callable[[], None]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the maps (person, scan, value) of all stored scans, and the ages (person,)."""
    maps = []
    for person in people:
        scans = read_scans(training_file(folder, person)) + read_scans(
            evaluation_file(folder, person)
        )
        maps.append(torch.stack([tissue_maps(as_slices(scan, "cpu")) for scan in scans]).half())
        on_person()
    return torch.stack(maps), torch.tensor([person.age_years for person in people])


def fit_tissue_network(maps: torch.Tensor, ages_years: torch.Tensor, seed: int) -> TissueNetwork:
    """Return a network fitted on maps (person, scan, value) and ages (person,).

    Scans are mixed in pairs, with their ages (Zhang et al. 2018, arXiv 1710.09412): the maps of a
    mixture are about those of a brain in between.
    """
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    flat, ages = maps.flatten(0, 1).float(), ages_years.float().repeat_interleave(maps.shape[1])
    network = TissueNetwork(flat.std(0) > LEAST_SPREAD)
    flat = flat[:, network.kept]
    network.center.copy_(flat.mean(0))
    network.age_center_years.copy_(ages.mean())
    network.age_scale_years.copy_(ages.std())
    flat -= network.center
    ages = (ages - ages.mean()) / ages.std()
    _begin(network, flat)
    decayed = [network.hidden.weight, network.direct.weight]
    free = [network.hidden.bias, *network.output.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": free, "weight_decay": 0.0}],
        LEARNING_RATE,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, STEPS, pct_start=0.1, div_factor=10.0
    )
    for _ in range(STEPS):
        one, other = generator.integers(0, len(flat), (2, SCANS_PER_STEP))
        share = torch.from_numpy(generator.random(SCANS_PER_STEP, dtype=np.float32))
        values = torch.lerp(flat[other], flat[one], share[:, None])
        wanted = torch.lerp(ages[other], ages[one], share)
        predicted = network(functional.dropout(values, DROPPED))
        loss = functional.smooth_l1_loss(predicted, wanted, beta=HUBER_BETA)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def _begin(network: TissueNetwork, centered: torch.Tensor) -> None:
    """Start with hidden units that differ by about 1 between people, and without a direct way."""
    spread = float(centered.square().sum(1).mean().sqrt())
    network.hidden.weight.normal_(0.0, 1.0 / spread)
    network.direct.weight.zero_()


def write_tissue_network(network: TissueNetwork, path: Path) -> None:
    """Write a network through a temporary file, so that a run that is killed can go on."""
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(save({k: v.contiguous() for k, v in network.state_dict().items()}))
    unfinished.replace(path)


def read_tissue_network(path: Path) -> TissueNetwork:
    """Return the network that :func:`write_tissue_network` wrote."""
    tensors = load(path.read_bytes())
    network = TissueNetwork(tensors["kept"])
    network.load_state_dict(tensors)
    return network.eval()
