"""Reliability of the gap in this table, and how many people a planned study needs with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.analysis.estimates import Estimate
from BrainAgeLib.cohort.groups.mixed_model import TIME, MixedFit

if TYPE_CHECKING:
    import pandas as pd

RETEST_YEARS = 0.5  # within which a brain does not change by what matters here
FEWEST_PAIRS = 5
DIFFERENCES_YEARS = (1.0, 2.0, 3.0, 5.0)
CHANGES = (0.25, 0.5, 1.0)  # years of gap a year
POWER, SIGNIFICANCE = 0.8, 0.05
PLANNED = f"{POWER:.0%} power, two-sided {SIGNIFICANCE:.0%} test"


def reliability(visits: pd.DataFrame) -> list[Estimate]:
    """Return how far two scans of one person within half a year differ.

    Within-person SD with its exact interval, the intraclass correlation of the gap, one-way, single
    scan (Shrout and Fleiss 1979, doi 10.1037/0033-2909.86.2.420), and the smallest change that
    means anything in one person, 1.96 sqrt(2) SD. The correlation is of gaps less their line on
    age. Empty with fewer than five people who were scanned twice.
    """
    from scipy.stats import chi2

    line = np.polyfit(visits["age"], visits["gap_years"], 1)
    gaps = visits["gap_years"] - np.polyval(line, visits["age"])
    repeats = visits.assign(residual=gaps)[visits[TIME] <= RETEST_YEARS]
    sizes = repeats.groupby("person")["residual"].transform("size")
    repeats = repeats[sizes > 1]
    people = repeats["person"].nunique()
    if people < FEWEST_PAIRS:
        return []
    by_person = repeats.groupby("person")["residual"]
    freedom = len(repeats) - people
    within = float(((repeats["residual"] - by_person.transform("mean")) ** 2).sum()) / freedom
    each = len(repeats) / people
    between = float((by_person.size() * (by_person.mean() - gaps.mean()) ** 2).sum()) / (people - 1)
    icc = (between - within) / (between + (each - 1) * within)
    sd = math.sqrt(within)
    ends = [sd * math.sqrt(freedom / float(chi2.ppf(q, freedom))) for q in (0.975, 0.025)]
    factor = 1.96 * math.sqrt(2)
    common = ("reliability", "raw gap", f"scans within {RETEST_YEARS:g} years")
    smallest = "smallest meaningful change in a person"
    return [
        Estimate(*common, "within-person SD", sd, "years", ends[0], ends[1], people),
        Estimate(
            *common, smallest, factor * sd, "years", factor * ends[0], factor * ends[1], people
        ),
        Estimate(*common, "intraclass correlation", icc, people=people),
    ]


def people_for_difference(residual_sd_years: float) -> list[Estimate]:
    """Return people per group for differences at one visit, given the scatter within groups."""
    from statsmodels.stats.power import TTestIndPower

    return [
        Estimate(
            "power",
            f"residual SD {residual_sd_years:.1f} years",
            PLANNED,
            f"people per group for a difference of {years:g} years",
            math.ceil(
                TTestIndPower().solve_power(
                    years / residual_sd_years, power=POWER, alpha=SIGNIFICANCE
                )
            ),
        )
        for years in DIFFERENCES_YEARS
    ]


def people_for_change(fit: MixedFit, visits: pd.DataFrame) -> list[Estimate]:
    """Return people per group for differences of yearly change, with visits as in this table.

    A person's slope scatters by slope SD^2 + visit SD^2 / sum (t - mean t)^2 (Fitzmaurice, Laird
    and Ware 2011, chapter 20); the times are those of the person with the median of that sum.
    """
    from scipy.stats import norm

    sums = visits.groupby("person")[TIME].agg(lambda t: float(((t - t.mean()) ** 2).sum()))
    sums = sums[sums > 0]
    if sums.empty:
        return []
    place = sums.index[int(np.argsort(sums.to_numpy())[len(sums) // 2])]
    times = visits[visits["person"] == place][TIME]
    scatter = (fit.slope_sd or 0.0) ** 2 + fit.residual_sd**2 / float(sums[place])
    quantiles = float(norm.ppf(1 - SIGNIFICANCE / 2) + norm.ppf(POWER))
    plan = f"{len(times)} visits over {float(times.max()):.1f} years, no drop-out; {PLANNED}"
    return [
        Estimate(
            "power",
            f"SD of measured slopes {math.sqrt(scatter):.2f} years a year",
            plan,
            f"people per group for a difference of {change:g} years a year",
            math.ceil(2 * quantiles**2 * scatter / change**2),
        )
        for change in CHANGES
    ]
