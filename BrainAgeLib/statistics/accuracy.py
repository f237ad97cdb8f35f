"""How good predictions are: the figures that a careful reader demands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BOOTSTRAP_ROUNDS = 2000
BOOTSTRAP_SEED = 7


@dataclass(frozen=True)
class Accuracy:
    """Raw accuracy over people, one scan each; years where a unit applies.

    ``mae_interval_years``: 95 % bootstrap interval over people. ``gap_slope``: of the gap on age.
    ``mean_age_mae_years``: error of always predicting these people's mean age.
    """

    people: int
    mae_years: float
    mae_interval_years: tuple[float, float]
    rmse_years: float
    r2: float
    r: float
    mean_error_years: float
    slope: float
    gap_slope: float
    gap_age_correlation: float
    mean_age_mae_years: float


def accuracy(
    ages_years: Sequence[float] | np.ndarray, predicted_years: Sequence[float] | np.ndarray
) -> Accuracy:
    """Return the figures for (person,) ages and raw predictions.

    Raises ValueError for fewer than three people or all of one age.
    """
    ages, predicted = np.asarray(ages_years, float), np.asarray(predicted_years, float)
    if len(ages) < 3 or np.ptp(ages) == 0:
        raise ValueError("accuracy needs at least three people of different age")
    gaps = predicted - ages
    errors = np.abs(gaps)
    slope = float(np.polyfit(ages, predicted, 1)[0])
    return Accuracy(
        len(ages),
        float(errors.mean()),
        bootstrap_mean(errors),
        float(math.sqrt((gaps**2).mean())),
        float(1 - (gaps**2).sum() / ((ages - ages.mean()) ** 2).sum()),
        _correlation(ages, predicted),
        float(gaps.mean()),
        slope,
        slope - 1,
        _correlation(ages, gaps),
        float(np.abs(ages - ages.mean()).mean()),
    )


def bootstrap_mean(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean over people."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = generator.integers(0, len(values), (BOOTSTRAP_ROUNDS, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    return float(low), float(high)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
