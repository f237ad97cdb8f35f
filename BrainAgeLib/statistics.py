"""How good predicted ages are: the figures that a careful reader demands, and their intervals.

Arithmetic on tables of ages: no images, no networks. Every figure has one formula here, whether it
is of the people themselves, of a bootstrap sample of them or of a simulated predictor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BOOTSTRAP_ROUNDS = 2000
BOOTSTRAP_SEED = 7
MOST_DRAWN_AT_ONCE = 2_000_000  # people of all samples: 16 MB an array, whatever the table's length
LEVEL, QUANTILES = 0.95, (0.025, 0.975)  # of every interval
Interval = tuple[float, float]
# The standard deviation of normal errors over the median of their sizes: 1 over the third quartile
# of the normal distribution.
SD_OF_MEDIAN_SIZE = 1.4826


@dataclass(frozen=True)
class Accuracy:
    """Accuracy over people, one scan each; years where a unit applies.

    ``mae_interval_years``: 95 % bootstrap interval over people. ``gap_slope``: of the gap on age.
    ``mean_age_mae_years``: error of always predicting these people's mean age.
    """

    people: int
    mae_years: float
    mae_interval_years: Interval
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
    """Return the figures for (person,) ages and predictions.

    The correlation of what does not vary is NaN. Raises ValueError for fewer than three people or
    all of one age.
    """
    ages, predicted = np.asarray(ages_years, float), np.asarray(predicted_years, float)
    if len(ages) < 3 or np.ptp(ages) == 0:
        raise ValueError("accuracy needs at least three people of different age")
    figures = {name: float(value) for name, value in accuracy_figures(ages, predicted).items()}
    interval = bootstrap_mean(np.abs(predicted - ages))
    return Accuracy(people=len(ages), mae_interval_years=interval, **figures)


def accuracy_intervals(ages_years: np.ndarray, predicted_years: np.ndarray) -> dict[str, Interval]:
    """Return 95 % intervals of the figures of ``accuracy``, by their names there.

    Inputs are (person,); people are drawn anew, each with age and prediction.
    """
    parts = [
        accuracy_figures(ages_years[drawn], predicted_years[drawn])
        for drawn in _bootstrap_draws(len(ages_years))
    ]
    return {
        name: percentile_interval(np.concatenate([part[name] for part in parts]), len(ages_years))
        for name in parts[0]
    }


def accuracy_figures(ages_years: np.ndarray, predicted_years: np.ndarray) -> dict[str, np.ndarray]:
    """Return the figures of :class:`Accuracy` for (..., person) ages and predictions, each (...).

    NaN where people are of one age: such a bootstrap sample can be drawn.
    """
    gaps = predicted_years - ages_years
    ages_off, predicted_off, gaps_off = (
        values - values.mean(-1, keepdims=True) for values in (ages_years, predicted_years, gaps)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ages_square = (ages_off**2).sum(-1)
        slope = (ages_off * predicted_off).sum(-1) / ages_square
        return {
            "mae_years": np.abs(gaps).mean(-1),
            "rmse_years": np.sqrt((gaps**2).mean(-1)),
            "r2": 1 - (gaps**2).sum(-1) / ages_square,
            "r": _correlation(ages_off, predicted_off),
            "mean_error_years": gaps.mean(-1),
            "slope": slope,
            "gap_slope": slope - 1,
            "gap_age_correlation": _correlation(ages_off, gaps_off),
            "mean_age_mae_years": np.abs(ages_off).mean(-1),
        }


def bootstrap_mean(values: np.ndarray) -> Interval:
    """Return the 95 % percentile bootstrap interval of a mean over people."""
    means = [values[drawn].mean(1) for drawn in _bootstrap_draws(len(values))]
    return percentile_interval(np.concatenate(means), len(values))


def percentile_interval(replicates: np.ndarray, people: int | None = None) -> Interval:
    """Return the 95 % percentile interval of bootstrap replicates (Efron and Tibshirani 1993).

    ``people``: in a single sample; with it the percentiles lie farther out, as a t interval of a
    mean does (Hesterberg 2015, doi 10.1080/00031305.2015.1089789): of ten people the plain ones
    hold the truth in 80 to 90 of 100 samples. Both ends are NaN where more replicates than one end
    leaves out have no finite value, as of three people, a ninth of whose samples hold one person
    alone.
    """
    finite = np.isfinite(replicates)
    if 1 - finite.mean() > QUANTILES[0]:
        return float("nan"), float("nan")
    ends = QUANTILES if people is None else _expanded(people)
    low, high = np.quantile(replicates[finite], ends)
    return float(low), float(high)


def _expanded(people: int) -> Interval:
    """Return the percentiles of an interval of few people; those of many are nearly QUANTILES."""
    from scipy.stats import norm, t

    if people < 2:
        return QUANTILES
    reach = math.sqrt(people / (people - 1)) * float(t.ppf(QUANTILES[1], people - 1))
    return float(norm.sf(reach)), float(norm.cdf(reach))


def exact_interval(successes: int, trials: int) -> Interval:
    """Return the 95 % Clopper-Pearson interval of a proportion (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    limits = binomtest(successes, trials).proportion_ci(LEVEL, method="exact")
    return float(limits.low), float(limits.high)


def _bootstrap_draws(people: int) -> Iterator[np.ndarray]:
    """Yield whom bootstrap samples hold (some rounds, person); the same for the same number."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    at_once = max(1, MOST_DRAWN_AT_ONCE // max(1, people))
    for done in range(0, BOOTSTRAP_ROUNDS, at_once):
        rounds = min(at_once, BOOTSTRAP_ROUNDS - done)
        yield generator.integers(0, people, (rounds, people))


def _correlation(a_off: np.ndarray, b_off: np.ndarray) -> np.ndarray:
    """Return Pearson's r of (..., person) deviations from the mean; NaN where nothing varies."""
    spread = np.sqrt((a_off**2).sum(-1) * (b_off**2).sum(-1))
    constant = (np.ptp(a_off, -1) == 0) | (np.ptp(b_off, -1) == 0)
    return np.where(constant, np.nan, (a_off * b_off).sum(-1) / spread)
