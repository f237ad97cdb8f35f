"""Figures of out-of-fold rows for a card: raw errors, and how often intervals hold the age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from BrainAgeLib.model.calibration import DecadeCoverage, IntervalCoverage
from BrainAgeLib.statistics import Accuracy, accuracy, exact_interval
from BrainAgeLib.training.calibration import SCALE_AGES_YEARS, columns, fit_interval
from BrainAgeLib.training.out_of_fold import Row

DECIMALS = 3


def accuracy_of(rows: Iterable[Row]) -> Accuracy | None:
    """Return the rounded figures of rows; None where they are too few to say anything."""
    rows = list(rows)
    ages = [row.age_years for row in rows]
    if len(set(ages)) < 3:
        return None
    figures: dict[str, Any] = {
        name: tuple(_rounded(v) for v in value) if isinstance(value, tuple) else _rounded(value)
        for name, value in asdict(accuracy(ages, [row.predicted_years for row in rows])).items()
    }
    values = np.hstack([*figures.values()])
    return Accuracy(**figures) if np.isfinite(values).all() else None


def _rounded(value: float) -> float:
    return round(value, DECIMALS)


def coverage_of(rows: list[Row], protocol: str) -> IntervalCoverage:
    """Return how often the interval holds the age when the other folds' people fit it."""
    chosen = [row for row in rows if row.protocol == protocol]
    folds = np.array([row.fold for row in chosen])
    ages, predicted = columns(chosen)
    half_widths = np.zeros(len(chosen))
    for fold in np.unique(folds):
        others = folds != fold
        scales, factor = fit_interval(ages[others], predicted[others])
        half_widths[~others] = factor * np.interp(predicted[~others], SCALE_AGES_YEARS, scales)
    covered = np.abs(predicted - ages) <= half_widths
    decades = np.array([int(row.age_years // 10 * 10) for row in chosen])
    by_decade = {
        f"{decade}s": DecadeCoverage(*_proportion(covered[decades == decade]))
        for decade in np.unique(decades)
    }
    width = round(float(2 * half_widths.mean()), 2)
    return IntervalCoverage(*_proportion(covered), width, by_decade)


def _proportion(covered: np.ndarray) -> tuple[int, float, tuple[float, float]]:
    """Return how many there are, how many of them are covered, 0-1, and its exact interval."""
    low, high = exact_interval(int(covered.sum()), len(covered))
    return len(covered), _rounded(float(covered.mean())), (_rounded(low), _rounded(high))
