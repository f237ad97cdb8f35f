"""What the gap adds to a measure of volume when two groups are told apart."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from BrainAgeLib.cohort.analysis.estimates import Estimate
from BrainAgeLib.cohort.groups.design import covariate_columns, with_intercept
from BrainAgeLib.cohort.groups.differences import with_holm
from BrainAgeLib.cohort.groups.discrimination import GAP, older_looking

if TYPE_CHECKING:
    import pandas as pd

METHOD = "logistic regression with age, age squared and sex"
MOST_LOG_ODDS = 20.0  # per SD, at either end of the interval


def added_value(
    first: pd.DataFrame,
    base: str,
    other: str,
    measure: str,
    covariates: tuple[str, ...] = (),
) -> list[Estimate]:
    """Return odds ratios per SD of the gap and of the measure, each given the other.

    Logistic regression of group on both and the covariates; both turned so that more is
    older-looking. Wald intervals, Holm over the two. Empty when the model cannot be estimated.
    """
    frame = first[first["group"].isin((base, other))]
    design = with_intercept(covariate_columns(frame, covariates))
    usable = design.notna().all(axis=1) & frame[["gap_years", measure]].notna().all(axis=1)
    frame, matrix = frame[usable], design[usable].to_numpy(float)
    controls = (frame["group"] == base).to_numpy()
    gap, ages, volume = (frame[name].to_numpy(float) for name in ("gap_years", "age", measure))
    values = np.column_stack([gap, older_looking(volume, ages, controls)])
    if controls.all() or not controls.any() or (np.ptp(values, axis=0) == 0).any():
        return []
    scaled = (values - values.mean(0)) / values.std(0)
    fit = _fitted(~controls, np.hstack([scaled, matrix]))
    if fit is None:
        return []
    ends = np.exp(np.asarray(fit.conf_int())[:2])
    pairs = enumerate(((GAP, measure), (measure, GAP)))
    return with_holm(
        [
            Estimate(
                "added to volume",
                f"{name} given {rival}",
                f"{other} against {base}",
                "odds ratio per SD",
                float(np.exp(fit.params[number])),
                "",
                float(ends[number, 0]),
                float(ends[number, 1]),
                len(frame),
                float(fit.pvalues[number]),
                method=METHOD,
            )
            for number, (name, rival) in pairs
        ]
    )


def _fitted(patients: np.ndarray, matrix: np.ndarray) -> Any:
    """Return statsmodels' fit; None when the groups are told apart perfectly, or nearly."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is looked at below
        try:
            fit = Logit(patients.astype(float), matrix).fit(disp=False, maxiter=100)
        except (PerfectSeparationError, np.linalg.LinAlgError):
            return None
    log_ends = np.asarray(fit.conf_int())[:2]
    if not fit.mle_retvals["converged"] or not (np.abs(log_ends) < MOST_LOG_ODDS).all():
        return None
    return fit
