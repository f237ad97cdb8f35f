"""Training of any network with any head by the recipe of the shipped one."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from _network_kinds import Head
from torch import nn

from BrainAgeLib.training.examples import WholeScans, flip_randomly, mix
from BrainAgeLib.training.fit import GRADIENT_LIMIT, follow, groups, people_of_step, schedule
from BrainAgeLib.training.map_store import MAP_STEP
from BrainAgeLib.training.settings import TrainingSettings

AT_A_TIME = 32


@dataclass(frozen=True)
class Recipe:
    """How it is trained."""

    settings: TrainingSettings
    steps: int
    seed: int


def trained(
    network: nn.Module, head: Head, maps: torch.Tensor, ages_years: np.ndarray, recipe: Recipe
) -> nn.Module:
    """Return the averaged network, trained on maps (person, scan, 4, z, y, x) of these people."""
    settings, draw = recipe.settings, WholeScans(maps)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(groups(network, settings.weight_decay), settings.learning_rate)
    wanted = head.wanted(torch.from_numpy(ages_years).float())
    for step in range(recipe.steps):
        generator = np.random.default_rng([recipe.seed, step])
        people = people_of_step(len(ages_years), settings.people_per_step, step, recipe.seed)
        seen = flip_randomly(draw(people, generator), generator)
        seen, goal = mix(seen, wanted[torch.from_numpy(people)], settings.mixing, generator)
        rate = schedule((step + 1) / recipe.steps, settings.warm_up_fraction)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate
        torch.manual_seed(recipe.seed * 1_000_000 + step)  # of the dropout
        with torch.autocast("cpu", torch.bfloat16):
            found = network(seen)
        optimizer.zero_grad()
        head.loss(found.float(), goal).backward()
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
        optimizer.step()
        follow(average, network, step + 1, settings.average_decay)
    return average.eval()


@torch.inference_mode()
def predicted(network: nn.Module, head: Head, maps: torch.Tensor) -> list[float]:
    """Return ages of uint8 maps (person, 4, z, y, x): the mean of a brain and its mirror image."""
    ages = []
    for part in maps.split(AT_A_TIME):
        seen = part.float() * MAP_STEP
        both = head.ages_years(network(seen)) + head.ages_years(network(seen.flip(-1)))
        ages += (both / 2).tolist()
    return ages
