"""Intervals by class of acquisition, fitted on out-of-fold rows."""

from __future__ import annotations

import numpy as np

from BrainAgeLib.model.calibration import (
    FITS,
    AcquisitionClass,
    conformal_factor,
    expected_errors,
)
from BrainAgeLib.training.out_of_fold import FEW_SLICES, MAIN_PROTOCOL, Row

INTERVAL_LEVEL = 0.9
WIDE_SPACING_MM = 7.0
ANY_SPACING_MM = 1000.0
SCALE_AGES_YEARS = (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0)
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
    scales, factor = fit_interval(predicted, predicted - ages)
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


def fit_interval(predicted: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the expected error at each of ``SCALE_AGES_YEARS``, and the factor of the interval.

    ``predicted``, ``errors``: (person,) in years, out of fold.
    """
    scales = expected_errors(predicted, errors, np.array(SCALE_AGES_YEARS))
    spreads = np.interp(predicted, SCALE_AGES_YEARS, scales)
    return scales, conformal_factor(errors, spreads, INTERVAL_LEVEL)


def columns(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return ages and predictions (row,) in years."""
    ages = np.array([row.age_years for row in rows])
    return ages, np.array([row.predicted_years for row in rows])
