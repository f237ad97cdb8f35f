"""Where the age comes from: what each place adds to the age, and which regions stand out.

Each kind of model takes its age apart into places, whose sum is the age of the scan minus that of
the mean brain of the people it was trained on, as far as the age has a place at all.

Single places say little and are noisy; the map shows neighbourhoods. Its value at a place is by
how many years the age would change if the neighbourhood of about 2 cm there looked like that of
the mean brain: positive where the tissue makes the brain look older. Neighbourhoods overlap, so
the values of a map do not add up to the gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch

from BrainAgeLib.model.card import Blend
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.weights import Member
from BrainAgeLib.records import RegionLeaning
from BrainAgeLib.stages import Advance
from BrainAgeLib.template.grid import SPACING_MM, smooth
from BrainAgeLib.template.regions import NAMES, region_numbers
from BrainAgeLib.template.scan_maps import ScanMaps, TemplateVolume

# Set by hand.
NEIGHBOURHOOD_SIGMA_MM = 8.5  # a full width at half maximum of 20 mm
LEAST_FRACTION_SEEN = 0.5  # of a region that a scan must show before anything is said of it


def saliency_map(
    members: Sequence[Member],
    maps: ScanMaps,
    blend: Blend,
    mean_maps: torch.Tensor,
    advance: Advance | None = None,
) -> torch.Tensor:
    """Return the map of a scan (z, y, x) in years on the grid of ``template.grid``.

    ``mean_maps``: (3, z, y, x), the tissue maps of the mean brain. ``advance`` takes how much is
    done, 0-1. 0 where the scan shows nothing.
    """
    years = torch.zeros_like(maps.volume.images)
    shares: dict[AgeModel, float] = defaultdict(float)  # members may share a model
    for member in members:
        for kind, fraction in blend.fractions(maps.covers_brain).items():
            shares[member[kind]] += fraction / len(members)
    for number, (model, share) in enumerate(shares.items()):
        years += share * model.contributions(maps, mean_maps)
        if advance is not None:
            advance((number + 1) / len(shares))
    return _neighbourhoods(years) * maps.volume.seen


def _neighbourhoods(values: torch.Tensor) -> torch.Tensor:
    """Return the sum over the neighbourhood of each place, with a Gaussian's soft edge."""
    sigmas = [NEIGHBOURHOOD_SIGMA_MM / spacing for spacing in SPACING_MM]
    places = float((2 * torch.pi) ** 1.5 * torch.tensor(sigmas).prod())
    return smooth(values, sigmas) * places


def leaning_on_regions(years: torch.Tensor, volume: TemplateVolume) -> tuple[RegionLeaning, ...]:
    """Return how a scan's map (z, y, x), in years, lies over the regions, the strongest first.

    Regions are compared by the mean size of the map in them: its sum would be that of the largest
    region. Nothing is returned for a map that is 0 everywhere.
    """
    numbers = region_numbers(str(years.device))
    brain = (numbers >= 0) & (volume.images > 0) & volume.seen
    average = float(years[brain].abs().mean()) if brain.any() else 0.0
    if average == 0.0:
        return ()
    regions = []
    for number, name in enumerate(NAMES):
        here = brain & (numbers == number)
        if here.sum() < LEAST_FRACTION_SEEN * (numbers == number).sum():
            continue
        values = years[here]
        regions.append(
            RegionLeaning(name, float(values.abs().mean()) / average, float(values.mean()))
        )
    return tuple(sorted(regions, key=lambda region: -region.times_average))
