"""Intervals by class of acquisition, fitted on out-of-fold rows."""

from __future__ import annotations

import itertools

import numpy as np

from BrainAgeLib.model.calibration import (
    FITS,
    AcquisitionClass,
    conformal_factor,
    expected_errors,
)
from BrainAgeLib.model.slice_model import FEW_SLICES
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, Row

INTERVAL_LEVEL = 0.9
WIDE_SPACING_MM = 7.0
ANY_SPACING_MM = 1000.0
SCALE_AGES_YEARS = (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0)
# Shapes of the interval that are tried, and what they cost beside chi-squared.
SLOPES = np.linspace(-0.6, 0.6, 13)
BENDS = np.linspace(-0.4, 0.8, 13)
MIDDLE_AGE_YEARS, HALF_RANGE_YEARS, MEAN_SQUARE_PLACE = 54.0, 30.0, 0.4
WIDTH_COST = 10.0  # for each mean absolute error of width
BENDING_COST = 3.0
# Name, least slices in view, most spacing, and the simulated scans that stand for the class.
CLASSES: tuple[tuple[str, int, float, str], ...] = (
    ("slices up to 7 mm apart", 10, WIDE_SPACING_MM, MAIN_PROTOCOL),
    ("slices more than 7 mm apart", 10, ANY_SPACING_MM, "axial 7+2 mm"),
    ("few slices", FEW_SLICES - 1, ANY_SPACING_MM, f"{FEW_SLICES} axial slices"),
    ("single slices", 0, ANY_SPACING_MM, "one axial slice"),
)


def fit_class(
    rows: list[Row], name: str, least_slices: int, most_spacing_mm: float, protocol: str
) -> AcquisitionClass:
    """Return a class of acquisition with its interval and its lines of bias correction."""
    ages, predicted = columns([row for row in rows if row.protocol == protocol])
    scales, factor = fit_interval(ages, predicted)
    fitted_on = f"simulated {protocol} scans, out of fold"
    return AcquisitionClass(
        name,
        least_slices,
        most_spacing_mm,
        round(factor, 4),
        SCALE_AGES_YEARS,
        tuple(round(float(scale), 3) for scale in scales),
        len(ages),
        tuple(fit(ages, predicted, fitted_on) for fit in FITS.values()),
    )


def fit_interval(ages: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the expected error at each of ``SCALE_AGES_YEARS``, and the factor of the interval.

    ``ages``, ``predicted``: (person,) in years, out of fold. Predictions of the youngest and oldest
    lean towards the middle, so that an interval about them misses more often than one about the
    others. The expected error is bent over the predicted age until people of each decade are
    missed about equally often, as far as that does not cost much width.
    """
    errors = predicted - ages
    plain = expected_errors(predicted, errors, np.array(SCALE_AGES_YEARS))
    place = (np.array(SCALE_AGES_YEARS) - MIDDLE_AGE_YEARS) / HALF_RANGE_YEARS
    best: tuple[float, np.ndarray, float] | None = None
    for slope, bend in itertools.product(SLOPES, BENDS):
        scales = plain * np.exp(slope * place + bend * (place**2 - MEAN_SQUARE_PLACE))
        spreads = np.interp(predicted, SCALE_AGES_YEARS, scales)
        factor = conformal_factor(errors, spreads, INTERVAL_LEVEL)
        if not np.isfinite(factor):
            return plain, factor
        cost = _unevenness(ages, np.abs(errors) <= factor * spreads)
        cost += WIDTH_COST * 2 * factor * spreads.mean() / np.abs(errors).mean()
        cost += BENDING_COST * (slope**2 + bend**2)
        if best is None or cost < best[0]:
            best = cost, scales, factor
    if best is None:
        raise ValueError("there is no shape of the interval to choose from")
    return best[1], best[2]


def _unevenness(ages: np.ndarray, covered: np.ndarray) -> float:
    """Return Pearson's chi-squared of the decades' coverage, of the 20s or less to the 80s."""
    decades = np.clip(ages // 10, 2, 8)
    parts = [covered[decades == decade] for decade in np.unique(decades)]
    variance = INTERVAL_LEVEL * (1 - INTERVAL_LEVEL)
    return float(sum(len(p) * (p.mean() - INTERVAL_LEVEL) ** 2 / variance for p in parts))


def columns(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return ages and predictions (row,) in years."""
    ages = np.array([row.age_years for row in rows])
    return ages, np.array([row.predicted_years for row in rows])
