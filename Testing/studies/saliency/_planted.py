"""A planted effect: do enlarged ventricles make a brain older, and does the map show them?"""

from __future__ import annotations

import numpy as np
import torch

from BrainAgeLib.training.thick_slices import Protocol
from Testing.studies.saliency._enlarged_ventricles import enlarge, enlarged_region
from Testing.studies.saliency._run import Run, brain_of

WALLS_MM = (0.0, 1.0, 2.0, 3.0, 4.0)
PROTOCOL = Protocol(tilt_degrees=(-8.0, 2.0, -3.0))


def planted(run: Run, number: int) -> dict:
    """Return one person's ages for each shift of the wall, and where the map and its change peak.

    By the member that has not seen the person. Noise, mask and error of registration are the same
    for all shifts.
    """
    brain, own = run.brain(number), [run.member(number)]
    region = enlarged_region()
    ages, years = [], []
    for wall_mm in WALLS_MM:
        warped = enlarge(brain, run.template_to_scan(number), wall_mm) if wall_mm else brain
        maps = run.cut(warped, number, PROTOCOL, [number])
        ages.append(run.age_years(own, maps))
        if wall_mm in (0.0, WALLS_MM[-1]):
            years.append(torch.where(brain_of(maps.acquired), run.map_of(own, maps), 0.0))
    change = years[1] - years[0]
    return {
        "age": run.people[number].age_years,
        "ages": ages,
        "rises": bool(np.all(np.diff(ages) > 0)),
        "change peaks there": _peaks_in(change, region),
        "map peaks there": _peaks_in(years[1], region),
        "map peaked there before": _peaks_in(years[0], region),
        "change there": float(change[region].mean()),
        "change elsewhere": float(change[~region & (years[1] != 0)].mean()),
    }


def _peaks_in(years: torch.Tensor, region: torch.Tensor) -> bool:
    """Say whether the place that makes a brain look oldest lies in a region."""
    return bool(region.flatten()[years.argmax()])
