"""How well the gap tells two groups apart, beside plain measures of volume.

Area under the ROC curve (AUC) of the gap and of each measure, as they are and adjusted: residuals
from age, age squared and sex whose line is fitted on the reference group (Janes and Pepe 2009, doi
10.1093/biomet/asp002). A measure is turned so that more means older-looking, judged by its
correlation with age in the reference group, never by the groups themselves.

What the reference group cannot tell (the effect of sex, where all of it are men) is left out of the
line: least squares of least norm would share its intercept out among such columns, and whoever has
another value there would be judged by a part of the intercept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.design import (
    TOLD_ALREADY,
    covariate_columns,
    independent_columns,
    with_all_values,
    with_intercept,
)
from BrainAgeLib.cohort.differences import GROUPS_SEED, resampled_within
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.statistics import BOOTSTRAP_ROUNDS, percentile_interval

if TYPE_CHECKING:
    import pandas as pd

ADJUSTED, AS_IT_IS = "AUC, adjusted for age and sex", "AUC, as it is"
METHOD = "percentile bootstrap within groups, the adjustment refitted"
GAP = "raw gap"


@dataclass(frozen=True)
class Marker:
    """Something that may tell groups apart. ``values``: (person,), more is older-looking."""

    name: str
    values: np.ndarray


def auc(patients: np.ndarray, controls: np.ndarray) -> float:
    """Return the probability that a patient's value is larger, equal values counting half."""
    ordered = np.sort(controls)
    below = np.searchsorted(ordered, patients, "left")
    not_above = np.searchsorted(ordered, patients, "right")
    return float((below + not_above).mean() / 2 / len(controls))


def discrimination(
    first: pd.DataFrame,
    base: str,
    other: str,
    measures: tuple[str, ...] = (),
    covariates: tuple[str, ...] = (),
    rounds: int = BOOTSTRAP_ROUNDS,
) -> list[Estimate]:
    """Return AUCs of gap and measures for one pair of groups, and the gap's less the measure's.

    Only people with all values count, so that the figures are of the same people.
    """
    frame, design = _people_of_pair(first, base, other, measures, covariates)
    matrix = design.to_numpy(float)
    group_of = frame["group"].to_numpy(str)
    if min((group_of == base).sum(), (group_of == other).sum()) < 2:
        return []
    ages, controls = frame["age"].to_numpy(float), group_of == base
    markers = [Marker(GAP, frame["gap_years"].to_numpy(float))]
    markers += [
        Marker(name, older_looking(frame[name].to_numpy(float), ages, controls))
        for name in measures
    ]
    everybody = np.arange(len(frame))
    observed = _areas(markers, matrix, controls, everybody)
    generator = np.random.default_rng(GROUPS_SEED)
    replicates = np.array(
        [
            _areas(markers, matrix, controls, resampled_within(group_of, generator))
            for _ in range(rounds)
        ]
    )
    return _estimates(markers, observed, replicates, f"{other} against {base}", len(frame))


def not_adjusted_for(
    first: pd.DataFrame,
    base: str,
    other: str,
    measures: tuple[str, ...] = (),
    covariates: tuple[str, ...] = (),
) -> list[str]:
    """Return the columns that the reference group cannot tell, which its line does not have."""
    frame, design = _people_of_pair(first, base, other, measures, covariates)
    told = independent_columns(design[frame["group"] == base].to_numpy(float))
    return [str(name) for place, name in enumerate(design) if place not in told]


def kept_by_adjustment(
    first: pd.DataFrame,
    base: str,
    other: str,
    measures: tuple[str, ...] = (),
    covariates: tuple[str, ...] = (),
) -> float:
    """Return which part of a difference adjusted areas show, 0-1: the line has an error, too.

    Of normal values the area is that of d / sqrt(2), d SDs apart. With x' S x the variance of the
    line at a person's columns in units of the scatter, residuals of a patient and a control differ
    with the variance 2 + (x' S x of the patient) - (x' S x of the control): a control's residual
    goes with the line. Leaving each control out of their own line would make it 2 + both.
    """
    frame, design = _people_of_pair(first, base, other, measures, covariates)
    matrix, controls = design.to_numpy(float), (frame["group"] == base).to_numpy()
    matrix = matrix[:, independent_columns(matrix[controls])]
    if not 0 < controls.sum() < len(controls):
        return 1.0
    line = np.linalg.pinv(matrix[controls])
    errors = ((matrix @ line) ** 2).sum(axis=1)
    variances = 2 + errors[~controls] - errors[controls].mean()
    return min(1.0, float(np.sqrt(2 / variances).mean()))


def _people_of_pair(
    first: pd.DataFrame,
    base: str,
    other: str,
    measures: tuple[str, ...],
    covariates: tuple[str, ...],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the people of a pair of groups who have all values, and their design."""
    pair = first[first["group"].isin((base, other))]
    frame = with_all_values(pair, covariates, "gap_years", *measures)
    return frame, with_intercept(covariate_columns(frame, covariates))


def older_looking(values: np.ndarray, ages: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Return values turned so that they rise with age in the reference group."""
    if np.ptp(values[controls]) == 0 or np.ptp(ages[controls]) == 0:
        return values
    return values if np.corrcoef(values[controls], ages[controls])[0, 1] >= 0 else -values


def _areas(
    markers: list[Marker], matrix: np.ndarray, controls: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """Return AUCs (marker, 2): as it is, adjusted."""
    healthy = controls[drawn]
    values = np.array([marker.values[drawn] for marker in markers]).T
    covariates = matrix[drawn][:, independent_columns(matrix[drawn][healthy])]
    line = np.linalg.lstsq(covariates[healthy], values[healthy], rcond=None)[0]
    residuals = values - covariates @ line
    residuals[np.abs(residuals) < TOLD_ALREADY * np.abs(values).max(axis=0)] = 0.0  # rounding
    return np.array(
        [
            [auc(column[~healthy], column[healthy]) for column in (values[:, n], residuals[:, n])]
            for n in range(len(markers))
        ]
    )


def _estimates(
    markers: list[Marker], observed: np.ndarray, replicates: np.ndarray, pair: str, people: int
) -> list[Estimate]:
    estimates = []
    for kind, figure in ((1, ADJUSTED), (0, AS_IT_IS)):
        for number, marker in enumerate(markers):
            estimates.append(
                Estimate(
                    "discrimination",
                    marker.name,
                    pair,
                    figure,
                    float(observed[number, kind]),
                    "",
                    *percentile_interval(replicates[:, number, kind]),
                    people,
                    method=METHOD,
                )
            )
        for number, marker in enumerate(markers[1:], 1):
            change = replicates[:, 0, kind] - replicates[:, number, kind]
            estimates.append(
                Estimate(
                    "discrimination",
                    f"{GAP} less {marker.name}",
                    pair,
                    f"difference of {figure}",
                    float(observed[0, kind] - observed[number, kind]),
                    "",
                    *percentile_interval(change),
                    people,
                    method=METHOD,
                )
            )
    return estimates
