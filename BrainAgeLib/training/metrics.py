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


def accuracy(ages_years: Sequence[float], predicted_years: Sequence[float]) -> Accuracy:
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


def exact_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a proportion (Clopper and Pearson 1934).

    Found by bisection on the binomial distribution; 0 and 1 at the ends.
    """
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else _solve(lambda p: _at_least(successes, trials, p) - tail)
    high = (
        1.0
        if successes == trials
        else _solve(lambda p: tail - (1 - _at_least(successes + 1, trials, p)))
    )
    return low, high


def _solve(rising: object) -> float:
    """Return the root of a rising function on 0-1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < 0:  # type: ignore[operator]
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_least(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at least so many successes."""
    if probability <= 0:
        return float(successes <= 0)
    if probability >= 1:
        return 1.0
    log_p, log_q = math.log(probability), math.log1p(-probability)
    total = 0.0
    for k in range(successes, trials + 1):
        choices = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        total += math.exp(choices + k * log_p + (trials - k) * log_q)
    return min(1.0, total)


def zero_information_corrected_mae(ages_years: Sequence[float], noise_sd_years: float) -> float:
    """Return the corrected MAE of a predictor that knows nothing.

    It says the mean age plus noise of this standard deviation; after the age-bias correction only
    the noise is left, whose mean absolute value this is.
    """
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    ages = np.asarray(ages_years, float)
    predicted = ages.mean() + generator.normal(0, noise_sd_years, len(ages))
    slope, intercept = np.polyfit(ages, predicted - ages, 1)
    return float(np.abs(predicted - ages - (slope * ages + intercept)).mean())
