"""A few large regions of the brain, drawn by us as simple shapes in template space.

They are as coarse as the maps that they sum up: ellipsoids and planes, alike on both sides, placed
by eye on the template. A place belongs to the first region that holds it; the lobes share what is
left. They are no atlas: a place near a border may belong to either side of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch

from BrainAgeLib.template.grid import grid_heights_mm, grid_xy_mm
from BrainAgeLib.template.target import brain_region

# Takes how far a place lies from the midline, in front of the template's origin, and above it, in
# mm; says whether the shape holds it.
Shape = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Place = tuple[float, float, float]


def _ellipsoids(*shapes: tuple[Place, Place]) -> Shape:
    """Return the union of ellipsoids, each a center and its radii in mm: aside, front, up."""

    def holds(aside: torch.Tensor, front: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        result = torch.zeros_like(aside, dtype=torch.bool)
        for center, radii in shapes:
            distance = torch.zeros_like(aside)
            for coordinate, middle, radius in zip((aside, front, up), center, radii, strict=True):
                distance = distance + ((coordinate - middle) / radius) ** 2
            result |= distance <= 1.0
        return result

    return holds


def _frontal(_aside: torch.Tensor, front: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Say what lies before the central sulcus, which leans backwards as it rises."""
    return front > -0.35 * up


def _temporal(aside: torch.Tensor, front: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Say what lies beside and below the Sylvian fissure, which rises backwards."""
    beside = aside > torch.where(up < -10.0, 12.0, 20.0)
    return beside & (front < 24.0) & (front > -62.0) & (up < -4.0 - 0.2 * front)


def _occipital(_aside: torch.Tensor, front: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Say what lies behind the parieto-occipital sulcus."""
    return front < -62.0 - 0.35 * (up - 10.0)


def _everything(aside: torch.Tensor, _front: torch.Tensor, _up: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(aside, dtype=torch.bool)


REGIONS: tuple[tuple[str, Shape], ...] = (
    (
        "cerebellum and brain stem",
        _ellipsoids(
            ((0.0, -62.0, -38.0), (58.0, 38.0, 26.0)), ((0.0, -26.0, -34.0), (20.0, 20.0, 32.0))
        ),
    ),
    (
        "lateral ventricles",
        _ellipsoids(
            ((10.0, 20.0, 10.0), (12.0, 18.0, 12.0)),
            ((12.0, -12.0, 21.0), (13.0, 30.0, 11.0)),
            ((24.0, -40.0, 13.0), (13.0, 15.0, 14.0)),
        ),
    ),
    (
        "thalamus and basal ganglia",
        _ellipsoids(
            ((9.0, -17.0, 5.0), (16.0, 17.0, 13.0)),
            ((20.0, 5.0, 2.0), (13.0, 20.0, 14.0)),
            ((0.0, -4.0, -10.0), (16.0, 13.0, 10.0)),
        ),
    ),
    (
        "insula and Sylvian fissure",
        _ellipsoids(
            ((38.0, 3.0, 3.0), (10.0, 28.0, 19.0)), ((50.0, -10.0, 7.0), (17.0, 34.0, 10.0))
        ),
    ),
    ("hippocampus and amygdala", _ellipsoids(((26.0, -18.0, -16.0), (13.0, 24.0, 11.0)))),
    ("temporal lobe", _temporal),
    ("frontal lobe", _frontal),
    ("occipital lobe", _occipital),
    ("parietal lobe", _everything),
)
NAMES = tuple(name for name, _ in REGIONS)


@cache
def region_numbers(device: str) -> torch.Tensor:
    """Return the number in ``NAMES`` of each place (z, y, x) of the grid; -1 outside the brain."""
    brain = brain_region(device)
    x, y = grid_xy_mm(brain)
    aside, front = x.abs().expand(brain.shape), -y.expand(brain.shape)
    up = grid_heights_mm(brain)[:, None, None].expand(brain.shape)
    numbers = torch.full(brain.shape, -1, dtype=torch.long, device=brain.device)
    for number, (_, holds) in enumerate(REGIONS):
        numbers[(numbers < 0) & brain & holds(aside, front, up)] = number
    return numbers
