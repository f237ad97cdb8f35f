"""Maps of one person by other members and of other cuts, and the regions that they lean on."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from BrainAgeLib.model.saliency import leaning_on_regions
from BrainAgeLib.training.thick_slices import Protocol
from Testing.studies.saliency._run import Run, brain_of, spearman

# Each is simulated with noise, a mask and an error of registration of its own.
CUTS = {
    "axial 5+1 mm": Protocol(tilt_degrees=(-8.0, 2.0, -3.0)),
    "axial 5+1 mm, half a slice off": Protocol(tilt_degrees=(-8.0, 2.0, -3.0), phase=0.0),
    "axial 5+1 mm, pitched by 10 degrees": Protocol(tilt_degrees=(2.0, 2.0, -3.0)),
    "axial 7+2 mm": Protocol(thickness_mm=7.0, gap_mm=2.0, tilt_degrees=(-8.0, 2.0, -3.0)),
    "axial 3+0 mm": Protocol(thickness_mm=3.0, gap_mm=0.0, tilt_degrees=(-8.0, 2.0, -3.0)),
    "coronal 5+1 mm": Protocol(plane="coronal", tilt_degrees=(4.0, 2.0, -3.0)),
}


def members(run: Run, number: int) -> dict:
    """Compare the members' maps of one person, two by two."""
    maps = run.main_maps(number)
    brain = brain_of(maps.acquired)
    alone = [run.map_of([member], maps) for member in run.weights.members]
    pairs = [spearman(one[brain], other[brain]) for one, other in combinations(alone, 2)]
    leant = [[r.region for r in leaning_on_regions(years, maps.acquired)] for years in alone]
    return {
        "mean": float(np.mean(pairs)),
        "least": float(np.min(pairs)),
        **_agreement(list(combinations(leant, 2))),
    }


def cuts(run: Run, number: int) -> dict:
    """Compare the maps of other cuts with that of the first, in the template's place.

    By all members together, since it is their map that is shown.
    """
    brain = run.brain(number)
    found: dict[str, float] = {}
    everyone: list[list[str]] = []
    for place, (name, protocol) in enumerate(CUTS.items()):
        maps = run.cut(brain, number, protocol, [number, place])
        if not maps.covers_brain:
            continue
        years = run.map_of(run.weights.members, maps)
        everyone.append([region.region for region in leaning_on_regions(years, maps.acquired)])
        if place == 0:
            first, seen = years, brain_of(maps.acquired)
        else:
            both = seen & brain_of(maps.acquired)
            found[name] = spearman(first[both], years[both])
    pairs = [(everyone[0], other) for other in everyone[1:]]
    return {"correlation": found, **_agreement(pairs)}


def _agreement(pairs: list[tuple[list[str], list[str]]]) -> dict[str, float]:
    """Return how often the first region is the other's first, and among its first two."""
    return {
        "same region first": float(np.mean([one[0] == other[0] for one, other in pairs])),
        "first among two": float(np.mean([one[0] in other[:2] for one, other in pairs])),
    }
