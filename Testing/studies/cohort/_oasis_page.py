"""The figures of docs/oasis.md: tables by question, and sentences that follow from them.

No figure of a single person goes there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from BrainAgeLib.cohort.added_value import ANALYSIS as ADDED
from BrainAgeLib.cohort.added_value import AREA, GAIN, ODDS
from BrainAgeLib.cohort.discrimination import ADJUSTED, GAP
from BrainAgeLib.cohort.estimates import Estimate, p_words, shown, with_interval
from BrainAgeLib.statistics import accuracy, exact_interval

LEVEL = 0.05


def sections(estimates: Sequence[Estimate], measure: str) -> str:
    """Return the sections in Markdown."""
    differences = [item for item in estimates if item.analysis == "group difference"]
    areas = [item for item in estimates if item.analysis == "discrimination"]
    added = [item for item in estimates if item.analysis == ADDED]
    checks = [item for item in estimates if item.figure.startswith("change of the difference")]
    planned = [item for item in estimates if item.analysis == "power"]
    parts = [
        "## Group differences",
        _table(differences),
        "Does a difference depend on age? The model takes it to be the same at all ages.",
        _table(checks),
        f"## The gap beside {measure}",
        _table(areas),
        f"## What the gap adds to {measure}, and the reverse",
        f"Nested logistic models of the group: age, age squared and sex; with {measure}; with the "
        "gap; with both. Whether one adds to the other is the likelihood ratio test of its odds "
        "ratio, with a profile likelihood interval. How much is the gain of the area under the "
        "curve, corrected for optimism and not tested: tests of areas of nested models, DeLong's "
        "among them, are not valid (Pepe et al. 2013, doi 10.1002/sim.5727).",
        _table([item for item in added if item.figure == ODDS]),
        _table([item for item in added if item.figure in (AREA, GAIN)]),
        "In words, from these figures:",
        "\n".join(f"- {words}" for words in verdicts(estimates, measure)),
        "## Power of a study like this one",
        _table(planned),
    ]
    return "\n\n".join(part for part in parts if part)


def raw_errors(rows: Sequence[Mapping[str, str]]) -> str:
    """Return how far raw ages are off in each group, and whether the interval holds, in Markdown.

    ``rows``: of results.csv. Refused scans have no age and do not count.
    """
    lines = [
        "| group | people | raw MAE (95 % interval) | MAE of the mean age | mean error | r "
        "| the 90 % interval holds the age in (95 % interval) |",
        "|---|---|---|---|---|---|---|",
    ]
    aged = [row for row in rows if row["brain_age_years"]]
    for group in sorted({row["group"] for row in aged}):
        names = ("age", "brain_age_years", "interval_low", "interval_high")
        ages, said, low, high = (
            np.array([float(row[name]) for row in aged if row["group"] == group]) for name in names
        )
        found, holds = accuracy(ages, said), (low <= ages) & (ages <= high)
        least, most = exact_interval(int(holds.sum()), len(holds))
        interval = "-".join(f"{limit:.1f}" for limit in found.mae_interval_years)
        lines.append(
            f"| {group} | {found.people} | **{found.mae_years:.1f}** ({interval}) | "
            f"{found.mean_age_mae_years:.1f} | {found.mean_error_years:+.1f} | {found.r:.2f} | "
            f"{100 * holds.mean():.0f} % ({100 * least:.0f}-{100 * most:.0f}) |"
        )
    return "\n".join(lines)


def verdicts(estimates: Sequence[Estimate], measure: str) -> list[str]:
    """Return a sentence for each pair of groups: what is better alone, and what adds."""
    found = []
    for pair in dict.fromkeys(item.subset for item in estimates if item.analysis == ADDED):
        of_pair = {(item.outcome, item.figure): item for item in estimates if item.subset == pair}
        alone = of_pair[f"{GAP} less {measure}", f"difference of {ADJUSTED}"]
        gap, volume = f"{GAP} given {measure}", f"{measure} given {GAP}"
        found.append(
            f"{pair}: alone, the gap {_compared(alone, measure)}. It "
            f"{_adds(of_pair[gap, ODDS], of_pair[gap, GAIN], measure)}; {measure} "
            f"{_adds(of_pair[volume, ODDS], of_pair[volume, GAIN], 'the gap')}."
        )
    return found


def _compared(difference: Estimate, measure: str) -> str:
    low, high = difference.low or 0.0, difference.high or 0.0
    words = "does not differ for certain from"
    if low > 0 or high < 0:
        words = "tells the groups apart better than" if low > 0 else "loses to"
    return f"{words} {measure} (difference of areas {with_interval(difference)})"


def _adds(odds: Estimate, gain: Estimate, other: str) -> str:
    p = odds.p_adjusted if odds.p_adjusted is not None else 1.0
    words = "adds to" if p < LEVEL and odds.value > 1 else "was not seen to add to"
    return f"{words} {other} (p {p_words(p)}, gain of area {shown(gain.value)})"


def _table(estimates: Sequence[Estimate]) -> str:
    if not estimates:
        return ""
    tested = any(item.p_adjusted is not None for item in estimates)
    lines = [
        "| groups | outcome | figure | people | estimate (95 % interval) |"
        + (" p (Holm) |" if tested else ""),
        "|---|---|---|---|---|" + ("---|" if tested else ""),
    ]
    for item in estimates:
        unit = f" {item.unit}" if item.unit else ""
        people = "-" if item.people is None else item.people
        line = f"| {item.subset} | {item.outcome} | {item.figure} | {people} | "
        p = f" {p_words(item.p_adjusted)} |" if tested else ""
        lines.append(f"{line}{with_interval(item)}{unit} |{p}")
    return "\n".join(lines)
