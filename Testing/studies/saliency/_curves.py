"""Deletion and insertion: does the age change fastest where the map says so?

Places of a scan are replaced by what the mean brain has there, in the order of a map; or the mean
brain's places by the scan's. Areas under the change of age are compared with those of random maps
as smooth as ours.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import POOLED, network_features, region_cells, sided_maps
from BrainAgeLib.model.saliency import NEIGHBOURHOOD_SIGMA_MM
from BrainAgeLib.model.weights import Member
from BrainAgeLib.template.alignment import resize_displacement, warp
from BrainAgeLib.template.grid import SPACING_MM, smooth
from BrainAgeLib.template.scan_maps import ScanMaps
from Testing.studies.saliency._randomised import randomised_member
from Testing.studies.saliency._run import Run, brain_of

FRACTIONS = (0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
RANDOM_MAPS = 20


class Replaced:
    """One scan as one member sees it, with some of its places those of the mean brain."""

    def __init__(self, run: Run, member: Member, maps: ScanMaps) -> None:
        self.member, self.fractions = member, run.card.blend.whole_brain
        if maps.aligned is None:
            raise ValueError("the scan leaves part of the brain out")
        self.network = maps.features(network_features)
        seen = self.network[:, 3:]
        self.mean_brain = torch.cat([run.weights.mean_maps[None] * seen, seen], 1)
        self.sides = sided_maps(maps.aligned)
        shape = tuple(maps.volume.images.shape)
        self.fields = resize_displacement(maps.aligned.displacement, shape)

    @torch.inference_mode()
    def ages_years(self, replaced: torch.Tensor) -> np.ndarray:
        """Return the ages (level,); ``replaced``: (level, z, y, x), 1 where the mean brain is."""
        pooled = functional.avg_pool2d(replaced, POOLED)
        network = torch.lerp(self.network, self.mean_brain, pooled[:, None])
        ages = self.fractions["network"] * self.member["network"].ages_years(network)
        moved = warp(replaced[:, None], self.fields.expand(len(replaced), -1, -1, -1, -1))
        cells = functional.avg_pool3d(moved, (1, POOLED, POOLED))[:, 0]
        half = cells.shape[-1] // 2
        weights = torch.stack([cells[..., :half], cells.flip(-1)[..., :half]])
        weights = weights[..., region_cells("cpu")][:, :, None]
        center = self.member["regional"].center
        regional = (self.sides * (1 - weights) + center * weights).mean(0)
        return (ages + self.fractions["regional"] * self.member["regional"](regional)).numpy()


def curves(run: Run, number: int) -> dict:
    """Return the areas of one person's map, of random ones and of the random models', in years."""
    maps, own = run.main_maps(number), run.member(number)
    scan, brain = Replaced(run, own, maps), brain_of(maps.acquired)
    ends = torch.stack([torch.zeros(brain.shape), brain.float()])
    own_age, mean_age = scan.ages_years(ends)
    sign = 1.0 if own_age > mean_age else -1.0
    with torch.random.fork_rng():
        torch.manual_seed(number)
        untrained = run.map_of([randomised_member(own)], maps)
        orders = {"map": run.map_of([own], maps), "map of random models": untrained}
        orders |= {f"random {n}": random_map(brain.shape) for n in range(RANDOM_MAPS)}
    found = {name: _areas(scan, sign * years, brain, sign) for name, years in orders.items()}
    random = np.array([found.pop(f"random {n}") for n in range(RANDOM_MAPS)])
    result = {"difference": float(own_age - mean_age)}
    for place, what in enumerate(("deletion", "insertion")):
        mine = found["map"][place]
        result[what] = {
            "map": mine,
            "random": float(random[:, place].mean()),
            "random models": found["map of random models"][place],
            "better than": float((mine > random[:, place]).mean()),
        }
    return result


def random_map(shape: torch.Size) -> torch.Tensor:
    """Return noise (z, y, x) that is as smooth as a saliency map."""
    return smooth(torch.randn(shape), [NEIGHBOURHOOD_SIGMA_MM / spacing for spacing in SPACING_MM])


def _areas(
    scan: Replaced, order: torch.Tensor, brain: torch.Tensor, sign: float
) -> tuple[float, float]:
    """Return the mean change of age, in years, over deletion and over insertion.

    Signed so that a change towards the mean brain, or away from it on insertion, is positive.
    """
    ranks = torch.zeros(brain.shape)
    count = int(brain.sum())
    falling = torch.argsort(order[brain], descending=True)
    ranks[brain] = torch.empty(count).index_copy_(0, falling, torch.arange(count) / count)
    fractions = torch.tensor(FRACTIONS).view(-1, 1, 1, 1)
    first = ((ranks < fractions) & brain).float()
    rest = ((ranks >= fractions) & brain).float()
    deleted, inserted = scan.ages_years(first), scan.ages_years(rest)
    return (
        float(np.trapezoid(sign * (deleted[0] - deleted), FRACTIONS)),
        float(np.trapezoid(sign * (inserted - inserted[0]), FRACTIONS)),
    )
