"""Reliability of the gap in this table, and how many people a planned study needs with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.design import TIME
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.mixed_model import MixedFit
from BrainAgeLib.statistics import QUANTILES

if TYPE_CHECKING:
    import pandas as pd

WITHIN_PERSON = "within-person SD"
RETEST_YEARS = 0.5  # within which a brain does not change by what matters here
FEWEST_PAIRS = 5
DIFFERENCES_YEARS = (1.0, 2.0, 3.0, 5.0)
CHANGES = (0.25, 0.5, 1.0)  # years of gap a year
LARGEST_EFFECT = 5.0  # SDs; the search for a number of people fails beyond it, and 3 are enough
POWER, SIGNIFICANCE = 0.8, 0.05
PLANNED = f"{POWER:.0%} power, two-sided {SIGNIFICANCE:.0%} test"


def reliability(visits: pd.DataFrame) -> list[Estimate]:
    """Return how far two scans of one person within half a year differ.

    Within-person SD with its exact interval, the intraclass correlation of the gap, one-way, single
    scan, with its exact interval (Shrout and Fleiss 1979, doi 10.1037/0033-2909.86.2.420), and the
    smallest change that means anything in one person, 1.96 sqrt(2) SD. The correlation is of gaps
    less group means and their line on age, which would flatter it. Empty with fewer than five
    people who were scanned twice, or when nothing is left of all gaps.
    """
    from scipy.stats import chi2, f

    repeats = visits[visits[TIME] <= RETEST_YEARS]
    repeats = repeats[repeats.groupby("person")["person"].transform("size") > 1]
    people = repeats["person"].nunique()
    freedom_between = people - repeats["group"].nunique() - 1
    if people < FEWEST_PAIRS or freedom_between < 1:
        return []
    by_person = _without_group_and_age(repeats).groupby(repeats["person"])
    sizes, scans = by_person.size(), len(repeats)
    freedom = scans - people
    within = float((by_person.var() * (sizes - 1)).sum()) / freedom
    between = float((sizes * by_person.mean() ** 2).sum()) / freedom_between
    if within + between == 0.0:
        return []
    each = (scans - float((sizes**2).sum()) / scans) / (people - 1)
    sd = math.sqrt(within)
    ends = [sd * math.sqrt(freedom / float(chi2.ppf(q, freedom))) for q in QUANTILES[::-1]]
    variances = [
        between / float(f.ppf(QUANTILES[1], freedom_between, freedom)),
        between,
        between * float(f.ppf(QUANTILES[1], freedom, freedom_between)),
    ]
    low, icc, high = ((one - within) / (one + (each - 1) * within) for one in variances)
    factor = 1.96 * math.sqrt(2)
    common = ("reliability", "raw gap", f"scans within {RETEST_YEARS:g} years")
    smallest = "smallest meaningful change in a person"
    return [
        Estimate(*common, WITHIN_PERSON, sd, "years", ends[0], ends[1], people),
        Estimate(
            *common, smallest, factor * sd, "years", factor * ends[0], factor * ends[1], people
        ),
        Estimate(*common, "intraclass correlation", icc, "", low, high, people),
    ]


def _without_group_and_age(visits: pd.DataFrame) -> pd.Series:
    """Return gaps less what a line on age in each group, of one slope, tells of them."""
    import pandas as pd

    design = (
        pd.get_dummies(visits["group"], prefix="group").assign(age=visits["age"]).to_numpy(float)
    )
    gaps = visits["gap_years"].to_numpy(float)
    return pd.Series(gaps - design @ np.linalg.lstsq(design, gaps, rcond=None)[0], visits.index)


def people_for_difference(
    residual_sd_years: float, within_sd_years: float | None = None
) -> list[Estimate]:
    """Return people per group for differences at one visit, given the scatter within groups.

    With the SD within a person also for the mean of two scans a person, which scatters less.
    """
    estimates = _people_for_difference(residual_sd_years, "one scan a person")
    if within_sd_years is None or within_sd_years >= residual_sd_years:
        return estimates
    of_two = math.sqrt(residual_sd_years**2 - within_sd_years**2 / 2)
    return estimates + _people_for_difference(of_two, "the mean of two scans a person")


def _people_for_difference(residual_sd_years: float, scans: str) -> list[Estimate]:
    return [
        Estimate(
            "power",
            f"residual SD {residual_sd_years:.1f} years",
            f"{scans}; {PLANNED}",
            f"people per group for a difference of {years:g} year{'s' * (years != 1)}",
            _people_per_group(years / max(residual_sd_years, 1e-9)),
        )
        for years in DIFFERENCES_YEARS
    ]


def _people_per_group(effect: float) -> int:
    """Return how many people a t test of two groups needs for a difference of so many SDs."""
    from statsmodels.stats.power import TTestIndPower

    size = min(effect, LARGEST_EFFECT)
    return math.ceil(TTestIndPower().solve_power(size, power=POWER, alpha=SIGNIFICANCE))


def people_for_slopes(
    slope_sd: float, visit_sd_years: float, times_years: np.ndarray, change: float
) -> int:
    """Return people per group for a difference of yearly change, visits at these times.

    A person's slope scatters by slope SD^2 + visit SD^2 / sum (t - mean t)^2 (Fitzmaurice, Laird
    and Ware 2011, chapter 20), and the slopes of two groups are compared by a t test.
    """
    spread = float(((times_years - times_years.mean()) ** 2).sum())
    scatter = math.sqrt(slope_sd**2 + visit_sd_years**2 / spread)
    return _people_per_group(change / max(scatter, 1e-9))


def people_for_change(fit: MixedFit, visits: pd.DataFrame) -> list[Estimate]:
    """Return people per group for differences of yearly change, with visits as in this table.

    The times are those of the person with the median of sum (t - mean t)^2.
    """
    sums = visits.groupby("person")[TIME].agg(lambda t: float(((t - t.mean()) ** 2).sum()))
    sums = sums[sums > 0]
    if sums.empty:
        return []
    place = sums.index[int(np.argsort(sums.to_numpy())[len(sums) // 2])]
    times = visits[visits["person"] == place][TIME].to_numpy(float)
    slope_sd = fit.slope_sd or 0.0
    scatter = slope_sd**2 + fit.residual_sd**2 / float(sums[place])
    plan = f"{len(times)} visits over {float(times.max()):.1f} years, no drop-out; {PLANNED}"
    return [
        Estimate(
            "power",
            f"SD of measured slopes {math.sqrt(scatter):.2f} years a year",
            plan,
            f"people per group for a difference of {change:g} year{'s' * (change != 1)} a year",
            people_for_slopes(slope_sd, fit.residual_sd, times, change),
        )
        for change in CHANGES
    ]
