"""What a training step of the volume network sees: maps of random scans of different people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from BrainAgeLib.imaging.template_volume import volume_of_slices
from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.predict import MOST_SLICES_OF_A_PART
from BrainAgeLib.training.map_store import MAP_STEP
from BrainAgeLib.training.simulated_scans import StoredScan, as_slices, subset

LONE_SHARE = 0.5  # of the parts are single slices
VENTRICLE_SHARE = 0.5  # of the parts lie near the lateral ventricles
VENTRICLE_HEIGHT_MM = 18.0  # a slice through the bodies of the lateral ventricles
VENTRICLE_SPREAD_MM = 12.0

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


@dataclass(frozen=True)
class PartialScans:
    """A few neighbouring slices of stored scans; ``scans``: a list for each person."""

    scans: list[list[StoredScan]]

    def __call__(self, people: np.ndarray, generator: np.random.Generator) -> torch.Tensor:
        """Return a part of one random scan of each person."""
        parts = []
        for person in people:
            scans = self.scans[person]
            part = few_slices(scans[generator.integers(len(scans))], generator)
            parts.append(network_maps(volume_of_slices(as_slices(part, "cpu"))))
        return torch.stack(parts)


def few_slices(scan: StoredScan, generator: np.random.Generator) -> StoredScan:
    """Return one to ten neighbouring slices of a scan, often near the lateral ventricles."""
    count = 1
    if generator.random() >= LONE_SHARE:
        count = int(generator.integers(2, MOST_SLICES_OF_A_PART + 1))
    count = min(count, len(scan))
    last = len(scan) - count
    start = int(generator.integers(0, last + 1))
    if generator.random() < VENTRICLE_SHARE:
        wanted = generator.normal(VENTRICLE_HEIGHT_MM, VENTRICLE_SPREAD_MM)
        nearest = int(np.argmin(np.abs(scan.heights_in_the_middle_mm - wanted)))
        start = int(np.clip(nearest - count // 2, 0, last))
    return subset(scan, np.arange(start, start + count))


def mix(
    maps: torch.Tensor, ages: torch.Tensor, mixing: float, generator: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return brains and ages mixed in pairs (Zhang et al. 2018, arXiv 1710.09412)."""
    share = torch.from_numpy(generator.beta(mixing, mixing, len(maps))).float()
    other = torch.from_numpy(generator.permutation(len(maps)))
    wide = share.view(-1, 1, 1, 1, 1)
    return maps * wide + maps[other] * (1 - wide), ages * share + ages[other] * (1 - share)


def flip_randomly(maps: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Return maps (scan, channel, z, y, x), half of them mirrored left to right."""
    mirrored = torch.from_numpy(generator.random(len(maps)) < 0.5).view(-1, 1, 1, 1, 1)
    return torch.where(mirrored, maps.flip(-1), maps)
