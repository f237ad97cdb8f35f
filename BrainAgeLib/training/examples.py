"""What a training step of the volume network sees: maps of random scans of different people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from BrainAgeLib.training.map_store import MAP_STEP

# Takes people's numbers and a generator; returns maps (person, 4, z, y, x).
Draw = Callable[[np.ndarray, np.random.Generator], torch.Tensor]


@dataclass(frozen=True)
class WholeScans:
    """Whole scans from the store: uint8 maps (person, scan, 4, z, y, x)."""

    maps: torch.Tensor

    def __call__(self, people: np.ndarray, generator: np.random.Generator) -> torch.Tensor:
        """Return one random scan of each person."""
        scans = generator.integers(0, self.maps.shape[1], len(people))
        chosen = self.maps[torch.from_numpy(people), torch.from_numpy(scans)]
        return chosen.float() * MAP_STEP


def mix(
    maps: torch.Tensor, wanted: torch.Tensor, mixing: float, generator: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return brains and what is wanted, mixed in pairs (Zhang et al. 2018, arXiv 1710.09412).

    ``wanted``: (scan,) ages, or any number of values (scan, ...).
    """
    share = torch.from_numpy(generator.beta(mixing, mixing, len(maps))).float()
    other = torch.from_numpy(generator.permutation(len(maps)))

    def mixed(values: torch.Tensor) -> torch.Tensor:
        wide = share.view(-1, *[1] * (values.ndim - 1))
        return values * wide + values[other] * (1 - wide)

    return mixed(maps), mixed(wanted)


def flip_randomly(maps: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Return maps (scan, channel, z, y, x), half of them mirrored left to right."""
    mirrored = torch.from_numpy(generator.random(len(maps)) < 0.5).view(-1, 1, 1, 1, 1)
    return torch.where(mirrored, maps.flip(-1), maps)
