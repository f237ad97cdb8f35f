"""What a predictor that knows nothing reaches: the yardstick beside every corrected figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from BrainAgeLib.statistics.accuracy import BOOTSTRAP_SEED


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
