"""Change of the gap over time by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from BrainAgeLib.cohort.design import (
    TIME,
    contrasts,
    group_columns,
    visit_design,
    with_all_values,
)
from BrainAgeLib.cohort.differences import with_holm
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.mixed_model import MixedFit, fit_mixed

if TYPE_CHECKING:
    import pandas as pd

SLOPE_PREFIX = f"{TIME} x group "
METHOD = "linear mixed model, REML, t"


@dataclass(frozen=True)
class ChangeModel:
    """A mixed model of an outcome's change in groups."""

    outcome: str
    groups: tuple[str, ...]
    fit: MixedFit


def fit_change(
    visits: pd.DataFrame,
    groups: tuple[str, ...],
    outcome: str,
    column: str,
    covariates: tuple[str, ...] = (),
) -> ChangeModel | None:
    """Fit outcome ~ (group + age at first scan) x years + its square + sex + (1 + years | person).

    Returns None when the visits do not carry the model.
    """
    used = with_all_values(visits, covariates, column)
    fit = fit_visits(used, visit_design(used, group_columns(used, groups), covariates), column)
    if fit is None:
        return None
    return ChangeModel(outcome, groups, fit)


def fit_visits(visits: pd.DataFrame, design: pd.DataFrame, column: str) -> MixedFit | None:
    """Fit a column of the visits; rows with a missing value are left out."""
    usable = design.notna().all(axis=1) & visits[column].notna()
    if usable.sum() < 3:
        return None
    return fit_mixed(
        tuple(map(str, design)),
        design[usable].to_numpy(float),
        visits[column][usable].to_numpy(float),
        visits[TIME][usable].to_numpy(float),
        visits["person"][usable].to_numpy(str),
    )


def growth(model: ChangeModel) -> list[Estimate]:
    """Return each group's yearly change, and the differences of all pairs with their sizes.

    A group's change is that at the mean age. The size of a difference is in SDs between people at
    the first scan: that of people's slopes is too poorly known from few visits. p-values of the
    differences are Holm's over the pairs. Whether one group's own change is 0 is not tested: the
    raw gap of everybody drifts, since models of brain age under-estimate ageing.
    """
    fit, estimates = model.fit, []
    for name in model.groups:
        vector = fit.column(TIME)
        if name != model.groups[0]:
            vector = vector + fit.column(f"{SLOPE_PREFIX}{name}")
        value, low, high, _ = fit.contrast(vector)
        estimates.append(_estimate(model, name, "change a year", value, low, high, "years a year"))
    compared = []
    for base, other, vector in contrasts(model.groups, fit.names, SLOPE_PREFIX):
        value, low, high, p = fit.contrast(vector)
        pair = f"{other} - {base}"
        figure = "difference of change a year"
        compared.append(_estimate(model, pair, figure, value, low, high, "years a year", p))
        sizes = [number / fit.intercept_sd for number in (value, low, high)]
        figure = "the same in SDs between people"
        compared.append(_estimate(model, pair, figure, sizes[0], sizes[1], sizes[2], "a year"))
    return estimates + with_holm(compared) + _variances(model)


def _variances(model: ChangeModel) -> list[Estimate]:
    fit = model.fit
    values = [("SD between people", fit.intercept_sd, "years")]
    if fit.slope_sd is not None:
        values.append(("SD of people's slopes", fit.slope_sd, "years a year"))
    values.append(("SD of a visit around the person's line", fit.residual_sd, "years"))
    between = fit.intercept_sd**2
    values.append(
        ("share of variance between people", between / (between + fit.residual_sd**2), "")
    )
    return [_estimate(model, "everybody", name, value, unit=unit) for name, value, unit in values]


def _estimate(
    model: ChangeModel,
    subset: str,
    figure: str,
    value: float,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    p: float | None = None,
) -> Estimate:
    return Estimate(
        "change over time",
        model.outcome,
        subset,
        figure,
        value,
        unit,
        low,
        high,
        model.fit.people,
        p,
        method=METHOD if model.fit.slope_sd is not None else f"{METHOD}; random intercept alone",
    )
