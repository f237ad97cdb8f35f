"""The figures of an evaluation: raw first, corrected only beside a predictor that knows nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np

from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.statistics import (
    BOOTSTRAP_SEED,
    accuracy_figures,
    accuracy_intervals,
)

if TYPE_CHECKING:
    import pandas as pd

    Subsets = Callable[[pd.DataFrame], Iterator[tuple[str, pd.DataFrame]]]

CorrectionMethod = Literal["de-lange-cole", "cole"]
EVERYBODY = "everybody"
LEAST_PEOPLE = 3
SPACING_CLASSES_MM = ((0.0, 4.0), (4.0, 7.0), (7.0, float("inf")))
FIGURES = {
    "mae_years": ("MAE", "years"),
    "rmse_years": ("RMSE", "years"),
    "r2": ("R2", ""),
    "r": ("r of predicted with age", ""),
    "mean_error_years": ("mean error", "years"),
    "slope": ("slope of predicted on age", ""),
    "gap_age_correlation": ("r of gap with age", ""),
    "mean_age_mae_years": ("MAE of the mean age", "years"),
}
CORRECTED_FIGURES = {
    "mae_years": ("MAE", "years"),
    "rmse_years": ("RMSE", "years"),
    "r": ("r of corrected age with age", ""),
}
ZERO_INFORMATION = "predictor that knows nothing"
REPEATS = 200  # of a simulated predictor
SAME_LINE_YEARS = 0.05  # corrected values are written with few decimals


def everybody(scans: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield everybody."""
    yield EVERYBODY, scans


def subsets(scans: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield everybody, then decades, sexes and classes of slice spacing and thickness."""
    yield from everybody(scans)
    decades = (scans["age"] // 10 * 10).astype(int)
    for decade in sorted(decades.unique()):
        yield f"{decade}s", scans[decades == decade]
    for sex in ("F", "M"):
        if (scans["sex"] == sex).any():
            yield f"sex {sex}", scans[scans["sex"] == sex]
    for column, words in (
        ("slice_spacing_mm", "slice spacing"),
        ("slice_thickness_mm", "slice thickness"),
    ):
        if column not in scans:
            continue
        for low, high in SPACING_CLASSES_MM:
            chosen = scans[(scans[column] > low) & (scans[column] <= high)]
            limits = f"over {low:g} mm" if high == float("inf") else f"{low:g} to {high:g} mm"
            if len(chosen):
                yield f"{words} {limits}", chosen


def raw_figures(scans: pd.DataFrame, among: Subsets = subsets) -> list[Estimate]:
    """Return raw accuracy with bootstrap intervals for every subset of three people or more."""
    estimates = []
    for name, chosen in among(scans):
        ages, predicted = columns(chosen, "age", "brain_age_years")
        if len(ages) < LEAST_PEOPLE or np.ptp(ages) == 0:
            continue
        values = accuracy_figures(ages, predicted)
        intervals = accuracy_intervals(ages, predicted)
        estimates += [
            Estimate(
                "raw accuracy",
                "raw brain age",
                name,
                words,
                float(values[key]),
                unit,
                *intervals[key],
                people=len(ages),
                method="percentile bootstrap over people",
            )
            for key, (words, unit) in FIGURES.items()
        ]
    return estimates


def corrected_beside_nothing(
    scans: pd.DataFrame,
) -> tuple[list[Estimate], CorrectionMethod | None]:
    """Return corrected figures, each followed by that of a predictor that knows nothing.

    Also returns which correction the table holds; None when it is neither of the two that are
    known, and then the yardstick is corrected by subtracting a line. Empty when fewer than three
    people have a corrected gap.
    """
    chosen = scans[scans["corrected_gap_years"].notna()]
    ages, predicted, gaps = columns(chosen, "age", "brain_age_years", "corrected_gap_years")
    if len(ages) < LEAST_PEOPLE or np.ptp(ages) == 0:
        return [], None
    correction = correction_of(ages, predicted, ages + gaps)
    residuals = predicted - np.polyval(np.polyfit(ages, predicted, 1), ages)
    rivals = zero_information_figures(ages, float(residuals.std()), correction or "de-lange-cole")
    ours = accuracy_figures(ages, ages + gaps)
    estimates = [
        Estimate(
            "corrected, beside no information",
            who,
            EVERYBODY,
            words,
            float(figures[key]),
            unit,
            people=len(ages),
            method=correction or "correction not recognised",
        )
        for key, (words, unit) in CORRECTED_FIGURES.items()
        for who, figures in (("corrected brain age", ours), (ZERO_INFORMATION, rivals))
    ]
    return estimates, correction


def zero_information_figures(
    ages_years: np.ndarray, noise_sd_years: float, correction: CorrectionMethod = "de-lange-cole"
) -> dict[str, np.ndarray]:
    """Return the corrected figures of a predictor that knows nothing: the yardstick beside ours.

    It says the mean age plus noise of this standard deviation, and its bias line is fitted on the
    same people. After subtracting the line only the noise is left. Cole's division by a slope of
    about 0 blows the noise up instead. Medians over repeats: those of a division by about 0 have
    no mean.
    """
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    noise = generator.normal(0, noise_sd_years, (REPEATS, len(ages_years)))
    corrected = [corrected_by(ages_years, ages_years.mean() + each, correction) for each in noise]
    figures = accuracy_figures(ages_years, np.array(corrected))
    return {name: np.median(values) for name, values in figures.items()}


def corrected_by(
    ages_years: np.ndarray, predicted_years: np.ndarray, correction: CorrectionMethod
) -> np.ndarray:
    """Return ages (person,) corrected by a line that is fitted on the very same people.

    The lines are those of ``model.calibration``; here only the yardstick is corrected by them.
    """
    slope, intercept = np.polyfit(ages_years, predicted_years, 1)
    if correction == "cole":
        return (predicted_years - intercept) / slope
    return ages_years + predicted_years - (slope * ages_years + intercept)


def correction_of(
    ages_years: np.ndarray, predicted_years: np.ndarray, corrected_years: np.ndarray
) -> CorrectionMethod | None:
    """Return the correction that was used: the one whose line all people lie on; None if neither.

    Subtracting a line of age leaves predicted - corrected linear in age; Cole's division leaves
    corrected linear in predicted.
    """
    candidates: dict[CorrectionMethod, tuple[np.ndarray, np.ndarray]] = {
        "de-lange-cole": (ages_years, predicted_years - corrected_years),
        "cole": (predicted_years, corrected_years),
    }
    for name, (x, y) in candidates.items():
        if np.ptp(x) == 0:  # one value for everybody has no line
            continue
        if np.abs(y - np.polyval(np.polyfit(x, y, 1), x)).max() < SAME_LINE_YEARS:
            return name
    return None


def columns(scans: pd.DataFrame, *names: str) -> list[np.ndarray]:
    """Return columns of numbers (person,)."""
    return [scans[name].to_numpy(float) for name in names]
