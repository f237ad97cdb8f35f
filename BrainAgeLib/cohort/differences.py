"""Group differences of the gap at one visit: adjusted, with effect sizes and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from BrainAgeLib.cohort.design import (
    contrasts,
    covariate_columns,
    fitted_alone,
    group_columns,
    refuse_confounded,
    scatters,
    with_all_values,
    with_intercept,
)
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.statistics import QUANTILES, Interval

if TYPE_CHECKING:
    import pandas as pd

GROUPS_SEED = 11  # of drawing people within groups
LARGEST_T = 1e5  # scipy's noncentral t ends near it; no study has one
METHOD = "least squares, HC3 standard errors, t"


@dataclass(frozen=True)
class GroupModel:
    """A fitted linear model of one outcome.

    ``names``: of the columns of ``matrix`` (person, column); ``values``, ``group_of`` and
    ``persons`` (person,). ``left_alone``: how many people were left out since nobody shares a
    value of theirs.
    """

    outcome: str
    groups: tuple[str, ...]
    names: tuple[str, ...]
    matrix: np.ndarray
    values: np.ndarray
    group_of: np.ndarray
    persons: np.ndarray
    fit: Any
    left_alone: int = 0

    @property
    def size_factor(self) -> float:
        """What makes a difference over the residual SD unbiased in few people.

        Hedges 1981, doi 10.3102/10769986006002107: 1 - 3 / (4 df - 1).
        """
        return 1.0 - 3.0 / (4.0 * float(self.fit.df_resid) - 1.0)

    @property
    def residual_sd(self) -> float:
        """The scatter of people of one group, age and sex."""
        return float(np.sqrt(self.fit.ssr / self.fit.df_resid))


def fit_groups(
    first: pd.DataFrame,
    groups: tuple[str, ...],
    outcome: str,
    column: str,
    covariates: tuple[str, ...] | None = (),
) -> GroupModel | None:
    """Fit outcome ~ group + age + age^2 + sex + covariates by least squares with HC3 errors.

    HC3 (MacKinnon and White 1985, doi 10.1016/0304-4076(85)90158-7) holds when groups scatter
    differently. People with a missing value are left out, and those whom a column of their own fits
    exactly, such as the only one of a site. ``covariates`` None: groups alone.
    Returns None when fewer people are left than the model needs, or nothing scatters. Raises
    InputError when a covariate cannot be told apart from the groups.
    """
    people = first[first[column].notna()]
    if covariates is not None:
        people = with_all_values(first, covariates, column)
    present = people["group"].value_counts()
    if any(present.get(name, 0) < 2 for name in groups):
        return None
    of_groups, others = group_columns(people, groups), people[[]]
    if covariates is not None:
        others = covariate_columns(people, covariates)
        refuse_confounded(of_groups, others)
    design, values = with_intercept(of_groups, others), people[column].to_numpy(float)
    alone = fitted_alone(design.to_numpy(float))
    if alone.any():
        model = fit_groups(people[~alone], groups, outcome, column, covariates)
        return model and replace(model, left_alone=model.left_alone + int(alone.sum()))
    if len(design) <= design.shape[1] + 2:
        return None
    return _fitted(outcome, groups, people, design, values)


def _fitted(
    outcome: str,
    groups: tuple[str, ...],
    people: pd.DataFrame,
    design: pd.DataFrame,
    values: np.ndarray,
) -> GroupModel | None:
    """Return the model of people (person,) and their design; None when nothing scatters."""
    from statsmodels.api import OLS

    matrix = design.to_numpy(float)
    fit = OLS(values, matrix).fit(cov_type="HC3", use_t=True)
    if not scatters(np.asarray(fit.resid), values):
        return None
    return GroupModel(
        outcome,
        groups,
        tuple(map(str, design)),
        matrix,
        values,
        people["group"].to_numpy(str),
        people["person"].to_numpy(str),
        fit,
    )


def left_alone(model: GroupModel) -> str | None:
    """Return a sentence on how many people the model leaves out as the only ones of a value."""
    count = model.left_alone
    if not count:
        return None
    people = "1 person who is" if count == 1 else f"{count} people who are"
    return f"Left out of this model: {people} alone in a value of a covariate, of a site say."


def differences(model: GroupModel) -> list[Estimate]:
    """Return adjusted differences of all pairs of groups, each with its standardised size.

    Cohen's d is the difference over the model's residual SD, times Hedges' factor for few people;
    its interval is one of a noncentral t. p-values are Holm's over the pairs.
    """
    estimates = []
    for base, other, vector in contrasts(model.groups, model.names):
        test = model.fit.t_test(vector)
        value, (low, high) = float(test.effect[0]), test.conf_int()[0]
        people = int(np.isin(model.group_of, (base, other)).sum())
        common = ("group difference", model.outcome, f"{other} - {base}")
        estimates.append(
            Estimate(
                *common,
                "adjusted difference",
                value,
                "years",
                float(low),
                float(high),
                people,
                float(test.pvalue),
                method=METHOD,
            )
        )
        error, freedom = test.sd.item(), float(model.fit.df_resid)
        ends = size_interval(value, error, model.residual_sd, freedom)
        estimates.append(
            Estimate(
                *common,
                "Cohen's d",
                model.size_factor * value / model.residual_sd,
                "",
                ends[0],
                ends[1],
                people,
                method="difference over residual SD, Hedges' factor; noncentral t, HC3 standard "
                "error",
            )
        )
    return with_holm(estimates)


def adjusted_means(model: GroupModel) -> list[Estimate]:
    """Return each group's mean at the people's mean age and mix of sexes."""
    estimates = []
    others = model.matrix.mean(0)
    for name in model.groups:
        vector = others.copy()
        for column, title in enumerate(model.names):
            if title.startswith("group "):
                vector[column] = float(title == f"group {name}")
        test = model.fit.t_test(vector)
        low, high = test.conf_int()[0]
        people = int((model.group_of == name).sum())
        estimates.append(
            Estimate(
                "adjusted mean",
                model.outcome,
                name,
                "adjusted mean",
                float(test.effect[0]),
                "years",
                float(low),
                float(high),
                people,
                method=METHOD,
            )
        )
    return estimates


def with_holm(estimates: Sequence[Estimate]) -> list[Estimate]:
    """Return the estimates with p-values corrected within this family.

    Holm 1979: the k-th smallest of m times m - k + 1, none smaller than the one before.
    """
    tested = np.array([item.p for item in estimates if item.p is not None])
    order = np.argsort(tested)
    corrected = np.empty(len(tested))
    corrected[order] = np.maximum.accumulate(
        np.minimum(1.0, tested[order] * np.arange(len(tested), 0, -1))
    )
    each = iter(corrected)
    return [
        item if item.p is None else replace(item, p_adjusted=float(next(each)))
        for item in estimates
    ]


def size_interval(
    difference: float, error: float, sd: float, freedom: float
) -> Interval | tuple[None, None]:
    """Return the 95 % interval of the standardised size of a difference with an HC3 error.

    The sizes under which a noncentral t as large as this one, or as small, comes in 2.5 of 100
    studies (Steiger and Fouladi 1997; Cumming and Finch 2001, doi 10.1177/0013164401614002). With
    the HC3 error in the place of the pooled one it leaves out 0 where the difference's does.
    None where the error is rounding alone, since all people of both groups are alike.
    """
    from scipy.special import nctdtrinc

    if error * LARGEST_T <= abs(difference):
        return None, None
    ends = (float(nctdtrinc(freedom, q, difference / error)) for q in QUANTILES[::-1])
    low, high = (end * error / sd for end in ends)
    return low, high


def resampled_within(group_of: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return positions of people drawn anew within each group."""
    places = [np.flatnonzero(group_of == name) for name in np.unique(group_of)]
    return np.concatenate([generator.choice(place, len(place)) for place in places])
