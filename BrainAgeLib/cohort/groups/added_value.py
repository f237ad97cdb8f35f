"""What the gap adds to a measure of volume when two groups are told apart."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.analysis.estimates import Estimate
from BrainAgeLib.cohort.groups.design import covariate_columns, with_intercept
from BrainAgeLib.cohort.groups.differences import with_holm
from BrainAgeLib.cohort.groups.discrimination import GAP, older_looking

if TYPE_CHECKING:
    import pandas as pd

METHOD = "logistic regression with age, age squared and sex"
MOST_LOG_ODDS = 10.0  # per SD; more means that the groups are told apart perfectly


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
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    frame = first[first["group"].isin((base, other))]
    design = with_intercept(covariate_columns(frame, covariates))
    usable = design.notna().all(axis=1) & frame[["gap_years", measure]].notna().all(axis=1)
    frame, matrix = frame[usable], design[usable].to_numpy(float)
    controls = (frame["group"] == base).to_numpy()
    ages = frame["age"].to_numpy(float)
    values = [
        frame["gap_years"].to_numpy(float),
        older_looking(frame[measure].to_numpy(float), ages, controls),
    ]
    if controls.all() or not controls.any() or any(np.ptp(value) == 0 for value in values):
        return []
    scaled = np.column_stack([(value - value.mean()) / value.std() for value in values])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = Logit((~controls).astype(float), np.hstack([scaled, matrix]))
            fit = model.fit(disp=False, maxiter=100)
        except (PerfectSeparationError, np.linalg.LinAlgError):
            return []
    if not fit.mle_retvals["converged"] or (np.abs(fit.params[:2]) > MOST_LOG_ODDS).any():
        return []
    log_ends = np.asarray(fit.conf_int())[:2]
    if not (np.abs(log_ends) < 2 * MOST_LOG_ODDS).all():
        return []
    ends = np.exp(log_ends)
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
            for number, (name, rival) in enumerate(((GAP, measure), (measure, GAP)))
        ]
    )
