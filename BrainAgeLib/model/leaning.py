"""On which regions of the brain a saliency map leans most."""

from __future__ import annotations

import torch

from BrainAgeLib.records import RegionLeaning
from BrainAgeLib.template.regions import NAMES, region_numbers
from BrainAgeLib.template.volume import TemplateVolume

LEAST_SHARE_SEEN = 0.5  # of a region that a scan must show before anything is said of it


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
    found = []
    for number, name in enumerate(NAMES):
        here = brain & (numbers == number)
        if here.sum() < LEAST_SHARE_SEEN * (numbers == number).sum():
            continue
        values = years[here]
        found.append(
            RegionLeaning(name, float(values.abs().mean()) / average, float(values.mean()))
        )
    return tuple(sorted(found, key=lambda region: -region.times_average))
