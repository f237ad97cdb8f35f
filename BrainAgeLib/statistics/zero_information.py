"""What a predictor that knows nothing reaches: the yardstick beside every corrected figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from BrainAgeLib.statistics.accuracy import BOOTSTRAP_SEED

Method = Literal["de-lange-cole", "cole"]
REPEATS = 200
SAME_LINE_YEARS = 0.05  # corrected values are written with few decimals


@dataclass(frozen=True)
class CorrectedFigures:
    """How good corrected ages look; years where a unit applies."""

    mae_years: float
    rmse_years: float
    r: float


def corrected_figures(ages_years: np.ndarray, corrected_years: np.ndarray) -> CorrectedFigures:
    """Return the figures of (person,) corrected ages."""
    gaps = corrected_years - ages_years
    return CorrectedFigures(
        float(np.abs(gaps).mean()),
        float(np.sqrt((gaps**2).mean())),
        float(np.corrcoef(ages_years, corrected_years)[0, 1]),
    )


def correct(ages_years: np.ndarray, predicted_years: np.ndarray, method: Method) -> np.ndarray:
    """Return ages corrected by a line that is fitted on the very same people.

    The lines are those of ``model.calibration``; here only the yardstick is corrected by them.
    """
    slope, intercept = np.polyfit(ages_years, predicted_years, 1)
    if method == "cole":
        return (predicted_years - intercept) / slope
    return ages_years + predicted_years - (slope * ages_years + intercept)


def method_of(
    ages_years: np.ndarray, predicted_years: np.ndarray, corrected_years: np.ndarray
) -> Method | None:
    """Return the correction that was used: the one whose line all people lie on; None if neither.

    Subtracting a line of age leaves predicted - corrected linear in age; Cole's division leaves
    corrected linear in predicted.
    """
    candidates: dict[Method, tuple[np.ndarray, np.ndarray]] = {
        "de-lange-cole": (ages_years, predicted_years - corrected_years),
        "cole": (predicted_years, corrected_years),
    }
    for name, (x, y) in candidates.items():
        if np.abs(y - np.polyval(np.polyfit(x, y, 1), x)).max() < SAME_LINE_YEARS:
            return name
    return None


def zero_information_figures(
    ages_years: Sequence[float] | np.ndarray,
    noise_sd_years: float,
    method: Method = "de-lange-cole",
) -> CorrectedFigures:
    """Return the corrected figures of a predictor that knows nothing.

    It says the mean age plus noise of this standard deviation, and its bias line is fitted on the
    same people. After subtracting the line only the noise is left. Cole's division by a slope of
    about 0 blows the noise up instead. Medians over repeats: those of a division by about 0 have
    no mean.
    """
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    ages = np.asarray(ages_years, float)
    found = []
    for _ in range(REPEATS):
        predicted = ages.mean() + generator.normal(0, noise_sd_years, len(ages))
        figures = corrected_figures(ages, correct(ages, predicted, method))
        found.append((figures.mae_years, figures.rmse_years, figures.r))
    mae, rmse, r = np.median(found, axis=0)
    return CorrectedFigures(float(mae), float(rmse), float(r))
