"""Change of brain age of one person, and how much of it may be nothing but scanning again.

The error of a scan is taken as known: it was measured by scanning the same people again. The line
through the visits is that of least squares, whose error follows from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from BrainAgeLib.follow.visits import Person
from BrainAgeLib.model.calibration import ScanError

LEVEL = 0.95  # set by hand: one in twenty, the usual choice
# Set by hand: over less, the error of a scan makes many years a year, so that no rate is told.
LEAST_YEARS_OF_A_RATE = 0.25


@dataclass(frozen=True)
class Change:
    """What changed from the first visit to the last; years, and years a year.

    ``a_year``, its interval and ``smallest_a_year`` are None for visits that are less than
    ``LEAST_YEARS_OF_A_RATE`` apart.
    ``total_years``: along the line through the visits, for two visits their difference.
    ``smallest_total_years``: in one of twenty people in whom nothing changed, scanning again alone
    shows more; ``smallest_a_year`` is that of a year. ``scan_error_years``: standard deviation of
    one scan of one person. Intervals hold the change of the brain age in ``level`` of people.
    """

    years: float
    a_year: float | None
    a_year_interval: tuple[float, float] | None
    total_years: float
    total_interval: tuple[float, float]
    smallest_total_years: float
    smallest_a_year: float | None
    scan_error_years: float
    level: float = LEVEL

    @property
    def is_more_than_error(self) -> bool:
        """Whether the change is larger than scanning again alone would make it."""
        return abs(self.total_years) > self.smallest_total_years


def change_of(person: Person, error: ScanError) -> Change:
    """Return how a person's brain age changed over the visits."""
    times = np.array([visit.time_years for visit in person.visits])
    brain_ages = np.array([visit.brain_age_years for visit in person.visits])
    years = float(times[-1] - times[0])
    centred = times - times.mean()
    a_year = float(centred @ brain_ages / (centred @ centred))
    half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * error.sd_years / math.sqrt(centred @ centred)
    has_rate = years >= LEAST_YEARS_OF_A_RATE
    return Change(
        years,
        a_year if has_rate else None,
        (a_year - half, a_year + half) if has_rate else None,
        a_year * years,
        ((a_year - half) * years, (a_year + half) * years),
        half * years,
        half if has_rate else None,
        error.sd_years,
    )
