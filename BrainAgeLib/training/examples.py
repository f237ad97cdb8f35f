"""What a training step of the volume network sees: maps of random scans of different people.

All random numbers are torch's own, so that the caller's seed settles them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.training.augment import augmented, mirrored_at_random
from BrainAgeLib.training.map_store import unpacked

# Takes people's numbers (person,); returns maps (person, 4, z, y, x).
Draw = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class WholeScans:
    """Whole scans from the store, packed (person, scan, z, y, x), on the device that trains.

    ``strength``: of what changes in each step, see ``augment``.
    """

    volumes: torch.Tensor
    strength: float = 0.0

    def __call__(self, people: torch.Tensor) -> torch.Tensor:
        """Return one random scan of each person, a little changed and perhaps mirrored."""
        device = self.volumes.device
        scans = torch.randint(0, self.volumes.shape[1], (len(people),), device=device)
        drawn = unpacked(self.volumes[people.to(device), scans])
        return network_maps(mirrored_at_random(augmented(drawn, self.strength)))


def mix(
    maps: torch.Tensor, wanted: torch.Tensor, mixing: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return brains and what is wanted, mixed in pairs (Zhang et al. 2018, arXiv 1710.09412).

    ``wanted``: (scan,) ages, or any number of values (scan, ...), on the maps' device.
    """
    share = torch.distributions.Beta(mixing, mixing).sample((len(maps),)).to(maps.device)
    other = torch.randperm(len(maps)).to(maps.device)

    def mixed(values: torch.Tensor) -> torch.Tensor:
        wide = share.view(-1, *[1] * (values.ndim - 1))
        return values * wide + values[other] * (1 - wide)

    return mixed(maps), mixed(wanted)
