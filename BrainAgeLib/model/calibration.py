"""From a raw age to an interval, a corrected gap and a percentile.

Everything here is fitted on out-of-fold predictions of healthy people only: each person's age was
predicted by models that had not seen that person. The raw age itself is never changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from BrainAgeLib.records import Correction

SCALE_SIGMA_YEARS = 10.0
NEIGHBOURS = 100  # people nearest in age that a gap is ranked among


@dataclass(frozen=True)
class AcquisitionClass:
    """Scans that share one calibration.

    A scan belongs to the first class in a card whose limits it meets: at least ``least_slices``
    slices that show brain, at most ``most_spacing_mm`` between slice centres.
    ``half_width_factor``: half the interval's width in units of the expected error, which is
    ``scales_years`` at the predicted ages ``scale_ages_years`` and linear between them.
    """

    name: str
    least_slices: int
    most_spacing_mm: float
    half_width_factor: float
    scale_ages_years: tuple[float, ...]
    scales_years: tuple[float, ...]
    people: int
    corrections: tuple[Correction, ...] = ()

    def half_width_years(self, predicted_years: float) -> float:
        """Return half the interval's width around a predicted age."""
        scale = np.interp(predicted_years, self.scale_ages_years, self.scales_years)
        return self.half_width_factor * float(scale)


def expected_errors(
    predicted_years: np.ndarray, errors_years: np.ndarray, at_years: np.ndarray
) -> np.ndarray:
    """Return the mean absolute error of people predicted to be of about these ages, smoothed.

    A Gaussian kernel over the predicted age (Nadaraya 1964, doi 10.1137/1109020). Inputs are
    (person,); ``at_years`` and the result (age,).
    """
    distance = (np.asarray(at_years)[:, None] - predicted_years) / SCALE_SIGMA_YEARS
    nearness = np.exp(-0.5 * distance**2) + 1e-9
    weighted: np.ndarray = (nearness * np.abs(errors_years)).sum(1) / nearness.sum(1)
    return weighted


def conformal_factor(errors_years: np.ndarray, spreads_years: np.ndarray, level: float) -> float:
    """Return the factor f such that |error| <= f * spread for a new person with this probability.

    Split conformal prediction with a normalised score (Lei et al. 2018, doi
    10.1080/01621459.2017.1307116): the ceil((n + 1) level)-th smallest of n scores. Inputs are
    (person,), one scan each. Infinite when there are too few people to promise the level.
    """
    scores = np.sort(np.abs(errors_years) / spreads_years)
    rank = math.ceil((len(scores) + 1) * level)
    return float(scores[rank - 1]) if rank <= len(scores) else math.inf


def fit_cole(ages_years: np.ndarray, predicted_years: np.ndarray, fitted_on: str) -> Correction:
    """Fit predicted = slope * age + intercept (Cole et al. 2018, doi 10.1038/mp.2017.62).

    Corrected brain age = (predicted - intercept) / slope.
    """
    slope, intercept = np.polyfit(ages_years, predicted_years, 1)
    return _correction("cole", fitted_on, ages_years, slope, intercept)


def fit_de_lange_cole(
    ages_years: np.ndarray, predicted_years: np.ndarray, fitted_on: str
) -> Correction:
    """Fit gap = slope * age + intercept (de Lange and Cole 2020, doi 10.1016/j.nicl.2020.102229).

    It is the same line as that of Beheshti et al. 2019, doi 10.1016/j.nicl.2019.102063.
    Corrected brain age = predicted - (slope * age + intercept).
    """
    slope, intercept = np.polyfit(ages_years, predicted_years - ages_years, 1)
    return _correction("de-lange-cole", fitted_on, ages_years, slope, intercept)


def _correction(
    method: str, fitted_on: str, ages_years: np.ndarray, slope: float, intercept: float
) -> Correction:
    limits = (float(np.min(ages_years)), float(np.max(ages_years)))
    return Correction(method, fitted_on, len(ages_years), limits, float(slope), float(intercept))


FITS = {"cole": fit_cole, "de-lange-cole": fit_de_lange_cole}


def corrected_brain_age(
    predicted_years: float, age_years: float | None, correction: Correction
) -> float | None:
    """Return the corrected brain age, or None where the correction says nothing.

    That is: without a chronological age (a correction is about the gap), and outside the ages that
    the line was fitted on, where it would be an extrapolation.
    """
    if age_years is None:
        return None
    low, high = correction.age_range_years
    if not low <= age_years <= high:
        return None
    if correction.method == "cole":
        return (predicted_years - correction.intercept) / correction.slope
    return predicted_years - (correction.slope * age_years + correction.intercept)


def gap_percentile(
    gap_years: float,
    age_years: float,
    ages_years: Sequence[float],
    predicted_years: Sequence[float],
) -> float | None:
    """Return the share (0-100) of healthy people of about that age whose gap is smaller.

    Ranked among the people nearest in age; None outside the ages of the reference.
    """
    ages, predicted = np.asarray(ages_years), np.asarray(predicted_years)
    if len(ages) < NEIGHBOURS or not ages.min() <= age_years <= ages.max():
        return None
    nearest = np.argsort(np.abs(ages - age_years), kind="stable")[:NEIGHBOURS]
    gaps = (predicted - ages)[nearest]
    smaller = (gaps < gap_years).sum() + 0.5 * (gaps == gap_years).sum()
    return float(100.0 * smaller / NEIGHBOURS)
