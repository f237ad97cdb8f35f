"""Calibration by class of acquisition, fitted on out-of-fold rows: intervals and bias lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from BrainAgeLib.model.brain_maps import FEW_SLICES
from BrainAgeLib.model.calibration import LEAST_OF_WHOLE_BRAINS, AcquisitionClass, AgeCurve
from BrainAgeLib.records import INTERVAL_LEVEL, T1_LIKE, Correction
from BrainAgeLib.training.blend import STRAIGHTENED, STRAIGHTENED_OF_OTHERS, centred_curve
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    ONE_SLICE,
    SEQUENCE_OF,
    SOME_SLICES,
    Row,
)

# With fewer, the factor of an interval that holds nine of ten of them is not known.
PEOPLE_OF_A_GROUP = 10
# Set by hand, like the shapes below; what coverage they lead to is in each card.
SCALE_SIGMA_YEARS = 10.0
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
    ("slices up to 7 mm apart", LEAST_OF_WHOLE_BRAINS, WIDE_SPACING_MM, MAIN_PROTOCOL),
    ("slices more than 7 mm apart", LEAST_OF_WHOLE_BRAINS, ANY_SPACING_MM, "axial 7+2 mm"),
    ("few slices", FEW_SLICES - 1, ANY_SPACING_MM, SOME_SLICES),
    ("single slices", 0, ANY_SPACING_MM, ONE_SLICE),
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


def fit_sequence(rows: list[Row], protocol: str) -> tuple[AgeCurve, AcquisitionClass]:
    """Return the curve by age of another sequence, and the class of its scans.

    ``protocol``: of ``SEQUENCE_PROTOCOLS``; its rows are blended, without a curve. The curve is of
    the people who are not held out, as that of a T1 is, once what is said too much or too little
    of all of them is taken off; where it is no T1, it takes back half of the leaning. The class, on
    what comes of it, has the protocol's name and the limits of the first one of ``CLASSES``: slices
    farther apart are not simulated of these.
    Raises ValueError without rows of people who are not held out.
    """
    validation = [row for row in rows if row.protocol == protocol and not row.held_out]
    if not validation:
        raise ValueError(f"there are no scans {protocol!r} to fit a curve by")
    ages, said = columns(validation)
    is_like_t1 = SEQUENCE_OF[protocol] in T1_LIKE
    share = STRAIGHTENED if is_like_t1 else STRAIGHTENED_OF_OTHERS
    curve = centred_curve(ages, said, share)
    _, least_slices, most_spacing_mm, _ = CLASSES[0]
    straightened = with_curve(rows, protocol, curve)
    return curve, fit_class(straightened, protocol, least_slices, most_spacing_mm, protocol)


def with_curve(rows: list[Row], protocol: str, curve: AgeCurve) -> list[Row]:
    """Return the rows of a protocol, with what is said of these people made right by the curve."""
    return [
        replace(row, predicted_years=round(curve(row.predicted_years), 3))
        for row in rows
        if row.protocol == protocol
    ]


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


def unseen_scanner_factor(scores: np.ndarray, groups: Sequence[str]) -> float:
    """Return how many times wider the interval has to be on a scanner that nobody was on.

    ``scores``: (person,), the absolute error over half the interval's usual width, by models that
    saw nobody of that person's scanner. ``groups``: (person,), the study or scanner. The worst of
    those seen: of each group with enough people, and of everybody together, the conformal factor of
    ``scores``; with so few scanners how they scatter is not known, so that a mean promises nothing.
    """
    names = np.array(groups)
    parts = [scores, *(scores[names == name] for name in np.unique(names))]
    enough = [part for part in parts if len(part) >= PEOPLE_OF_A_GROUP]
    level = INTERVAL_LEVEL
    return max([1.0, *(conformal_factor(part, np.ones(len(part)), level) for part in enough)])


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
