"""Whether intervals hold what they promise, which depends on the scanners that they speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from BrainAgeLib.cohort.accuracy import columns, subsets
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.records import INTERVAL_LEVEL
from BrainAgeLib.report.wording import percent
from BrainAgeLib.statistics import exact_interval

if TYPE_CHECKING:
    import pandas as pd

    from BrainAgeLib.cohort.accuracy import Subsets

LEVEL = percent(INTERVAL_LEVEL)
# Of a site far off its interval leaves out people on the one side alone, half of those left out.
MOST_AT_A_SITE = (1 + INTERVAL_LEVEL) / 2
NOT_SAID = f"{LEVEL} interval"
ANY_SCANNER, THIS_SITE = f"{NOT_SAID}, any scanner", f"{NOT_SAID}, this site"
# What is judged, by what the column interval_covers says, and what it promises.
OUTCOMES = {"": NOT_SAID, "any scanner": ANY_SCANNER, "this site": THIS_SITE}
PROMISES = {
    NOT_SAID: (
        "Which scanners the interval speaks of is not said, so it is judged as that of one "
        f"scanner: it should hold the age of {LEVEL} of healthy people, neither fewer nor more."
    ),
    ANY_SCANNER: (
        "The interval speaks of any scanner, also of those that the model never saw, and is as "
        "wide as the worst of them needs. So it is judged by whether it holds the age of at least "
        f"{LEVEL} of healthy people; on a single scanner it may hold that of more."
    ),
    THIS_SITE: (
        "The interval speaks of this site's calibrated scanner, and is widened on both sides by "
        "how far that is off the model's line. So it is judged by whether it holds the age of "
        f"{LEVEL} of healthy people, or of up to {percent(MOST_AT_A_SITE)} where the site is far "
        "off, neither fewer nor more."
    ),
}


def coverage_figures(scans: pd.DataFrame, among: Subsets = subsets) -> list[Estimate]:
    """Return how often the interval holds the age, with exact intervals, and how wide it is.

    Intervals that speak of other scanners are kept apart: what they promise differs.
    """
    known = scans[scans["interval_low"].notna() & scans["interval_high"].notna()]
    return [
        estimate
        for outcome, alike in known.groupby(known["interval_covers"].map(OUTCOMES), sort=False)
        for name, chosen in among(alike)
        for estimate in _coverage(chosen, outcome, name)
    ]


def _coverage(scans: pd.DataFrame, outcome: str, subset: str) -> list[Estimate]:
    ages, low, high = columns(scans, "age", "interval_low", "interval_high")
    people, covered = len(ages), int(((low <= ages) & (ages <= high)).sum())
    share = Estimate(
        "interval",
        outcome,
        subset,
        "coverage",
        covered / people,
        "",
        *exact_interval(covered, people),
        people=people,
        method="exact binomial interval (Clopper-Pearson)",
    )
    width = float((high - low).mean())
    return [
        share,
        Estimate("interval", outcome, subset, "mean width", width, "years", people=people),
    ]


def holds_its_promise(coverage: Estimate) -> bool:
    """Say whether the exact interval of a coverage leaves room for what the interval promises.

    That of one scanner promises its level. That of any scanner is as wide as the worst one needs:
    it promises its level or more. That of a calibrated site promises its level where the site is
    on the model's line, and holds up to ``MOST_AT_A_SITE`` where it is far off.
    """
    low, high = coverage.low or 0.0, 1.0 if coverage.high is None else coverage.high
    most = {ANY_SCANNER: 1.0, THIS_SITE: MOST_AT_A_SITE}.get(coverage.outcome, INTERVAL_LEVEL)
    return high >= INTERVAL_LEVEL and low <= most
