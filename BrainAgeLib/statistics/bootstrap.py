"""Percentile bootstrap intervals of the figures of accuracy, over people."""

from __future__ import annotations

import numpy as np

from BrainAgeLib.statistics.accuracy import BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED

Interval = tuple[float, float]
QUANTILES = (0.025, 0.975)


def percentile_interval(values: np.ndarray) -> Interval:
    """Return the 95 % percentile interval of bootstrap replicates (Efron and Tibshirani 1993)."""
    low, high = np.nanquantile(values, QUANTILES)
    return float(low), float(high)


def accuracy_intervals(ages_years: np.ndarray, predicted_years: np.ndarray) -> dict[str, Interval]:
    """Return 95 % intervals of the figures of ``accuracy``, by their names there.

    Inputs are (person,); people are drawn anew, each with age and prediction.
    """
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = generator.integers(0, len(ages_years), (BOOTSTRAP_ROUNDS, len(ages_years)))
    ages, predicted = ages_years[drawn], predicted_years[drawn]
    gaps = predicted - ages
    ages_off = ages - ages.mean(1, keepdims=True)
    predicted_off = predicted - predicted.mean(1, keepdims=True)
    gaps_off = predicted_off - ages_off
    with np.errstate(divide="ignore", invalid="ignore"):  # people of one age can be drawn
        ages_square = (ages_off**2).sum(1)
        slope = (ages_off * predicted_off).sum(1) / ages_square
        replicates = {
            "mae_years": np.abs(gaps).mean(1),
            "rmse_years": np.sqrt((gaps**2).mean(1)),
            "r2": 1 - (gaps**2).sum(1) / ages_square,
            "r": slope * np.sqrt(ages_square / (predicted_off**2).sum(1)),
            "mean_error_years": gaps.mean(1),
            "slope": slope,
            "gap_slope": slope - 1,
            "gap_age_correlation": (slope - 1) * np.sqrt(ages_square / (gaps_off**2).sum(1)),
            "mean_age_mae_years": np.abs(ages_off).mean(1),
        }
    return {name: percentile_interval(values) for name, values in replicates.items()}
