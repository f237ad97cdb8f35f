"""The figures of an evaluation: raw first, corrected only beside a predictor that knows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.analysis.estimates import Estimate
from BrainAgeLib.statistics.accuracy import accuracy
from BrainAgeLib.statistics.bootstrap import accuracy_intervals
from BrainAgeLib.statistics.proportions import exact_interval
from BrainAgeLib.statistics.zero_information import (
    Method,
    corrected_figures,
    method_of,
    zero_information_figures,
)

if TYPE_CHECKING:
    import pandas as pd

EVERYBODY = "everybody"
NOMINAL_LEVEL = 0.9  # of the intervals in the table
LEAST_PEOPLE = 3
SPACING_CLASSES_MM = ((0.0, 4.0), (4.0, 7.0), (7.0, float("inf")))
FIGURES = {
    "mae_years": ("MAE", "years"),
    "rmse_years": ("RMSE", "years"),
    "r2": ("R2", ""),
    "r": ("r of predicted with age", ""),
    "mean_error_years": ("mean error", "years"),
    "slope": ("slope of predicted on age", ""),
    "gap_age_correlation": ("r of gap with age", ""),
    "mean_age_mae_years": ("MAE of the mean age", "years"),
}
ZERO_INFORMATION = "predictor that knows nothing"


def subsets(scans: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield everybody, then decades, sexes and classes of slice spacing and thickness."""
    yield EVERYBODY, scans
    decades = (scans["age"] // 10 * 10).astype(int)
    for decade in sorted(decades.unique()):
        yield f"{decade}s", scans[decades == decade]
    for sex in ("F", "M"):
        if (scans["sex"] == sex).any():
            yield f"sex {sex}", scans[scans["sex"] == sex]
    for column, words in (
        ("slice_spacing_mm", "slice spacing"),
        ("slice_thickness_mm", "slice thickness"),
    ):
        if column not in scans:
            continue
        for low, high in SPACING_CLASSES_MM:
            chosen = scans[(scans[column] > low) & (scans[column] <= high)]
            limits = f"over {low:g} mm" if high == float("inf") else f"{low:g} to {high:g} mm"
            if len(chosen):
                yield f"{words} {limits}", chosen


def raw_figures(scans: pd.DataFrame) -> list[Estimate]:
    """Return raw accuracy with bootstrap intervals for every subset of three people or more."""
    found = []
    for name, chosen in subsets(scans):
        ages, predicted = _columns(chosen, "age", "brain_age_years")
        if len(ages) < LEAST_PEOPLE or np.ptp(ages) == 0:
            continue
        values = asdict(accuracy(ages, predicted))
        intervals = accuracy_intervals(ages, predicted)
        found += [
            Estimate(
                "raw accuracy",
                "raw brain age",
                name,
                words,
                values[key],
                unit,
                *intervals[key],
                people=len(ages),
                method="percentile bootstrap over people",
            )
            for key, (words, unit) in FIGURES.items()
        ]
    return found


def corrected_beside_nothing(scans: pd.DataFrame) -> tuple[list[Estimate], Method | None]:
    """Return corrected figures, each followed by that of a predictor that knows nothing.

    Also returns which correction the table holds; None when it is neither of the two that are
    known, and then the yardstick is corrected by subtracting a line. Empty when fewer than three
    people have a corrected gap.
    """
    chosen = scans[scans["corrected_gap_years"].notna()]
    ages, predicted, gaps = _columns(chosen, "age", "brain_age_years", "corrected_gap_years")
    if len(ages) < LEAST_PEOPLE or np.ptp(ages) == 0:
        return [], None
    method = method_of(ages, predicted, ages + gaps)
    residuals = predicted - np.polyval(np.polyfit(ages, predicted, 1), ages)
    rivals = zero_information_figures(ages, float(residuals.std()), method or "de-lange-cole")
    ours = corrected_figures(ages, ages + gaps)
    found = []
    for key, words, unit in (
        ("mae_years", "MAE", "years"),
        ("rmse_years", "RMSE", "years"),
        ("r", "r of corrected age with age", ""),
    ):
        for who, figures in (("corrected brain age", ours), (ZERO_INFORMATION, rivals)):
            value = getattr(figures, key)
            found.append(
                Estimate(
                    "corrected, beside no information",
                    who,
                    EVERYBODY,
                    words,
                    value,
                    unit,
                    people=len(ages),
                    method=method or "correction not recognised",
                )
            )
    return found, method


def coverage_figures(scans: pd.DataFrame) -> list[Estimate]:
    """Return how often the interval holds the age, with exact intervals, and how wide it is."""
    known = scans[scans["interval_low"].notna() & scans["interval_high"].notna()]
    found = []
    for name, chosen in subsets(known) if len(known) else ():
        ages, low, high = _columns(chosen, "age", "interval_low", "interval_high")
        covered = int(((low <= ages) & (ages <= high)).sum())
        found += [
            Estimate(
                "interval",
                "90 % interval",
                name,
                "coverage",
                covered / len(ages),
                "",
                *exact_interval(covered, len(ages)),
                people=len(ages),
                method="exact binomial interval (Clopper-Pearson)",
            ),
            Estimate(
                "interval",
                "90 % interval",
                name,
                "mean width",
                float((high - low).mean()),
                "years",
                people=len(ages),
            ),
        ]
    return found


def holds_its_promise(coverage: Estimate) -> bool:
    """Say whether the exact interval of a coverage includes the nominal level."""
    low, high = coverage.low or 0.0, 1.0 if coverage.high is None else coverage.high
    return low <= NOMINAL_LEVEL <= high


def _columns(scans: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [scans[name].to_numpy(float) for name in names]
