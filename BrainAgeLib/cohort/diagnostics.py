"""Whether a model's assumptions look fair: residuals, and single people who carry a result."""

from __future__ import annotations

import numpy as np

from BrainAgeLib.cohort.change import SLOPE_PREFIX, ChangeModel
from BrainAgeLib.cohort.design import AGE, contrasts, independent_columns
from BrainAgeLib.cohort.differences import METHOD, GroupModel
from BrainAgeLib.cohort.estimates import Estimate

ANALYSIS = "diagnostics"


def group_diagnostics(model: GroupModel) -> list[Estimate]:
    """Return residual scatter by group, whether differences depend on age, and influence.

    Influence: each difference without its most influential people; leaving one person out is exact
    (Belsley, Kuh and Welsch 1980, DFBETA).
    """
    residuals = np.asarray(model.fit.resid)
    estimates = [
        Estimate(
            ANALYSIS,
            model.outcome,
            name,
            "residual SD",
            float(residuals[model.group_of == name].std(ddof=1)),
            "years",
            people=int((model.group_of == name).sum()),
        )
        for name in model.groups
    ]
    inverse = np.linalg.inv(model.matrix.T @ model.matrix)
    leverage = np.einsum("ij,jk,ik->i", model.matrix, inverse, model.matrix)
    change = (model.matrix @ inverse) * (residuals / np.maximum(1 - leverage, 1e-9))[:, None]
    coefficients = np.asarray(model.fit.params)
    for base, other, vector in contrasts(model.groups, model.names):
        without = vector @ coefficients - change @ vector
        estimates += _range(model.outcome, f"{other} - {base}", without, model.persons)
    return estimates + _dependence_on_age(model)


def _dependence_on_age(model: GroupModel) -> list[Estimate]:
    """Return how each difference changes with age; the main model takes it to be the same.

    Empty where the ages of a group cannot tell.
    """
    from statsmodels.api import OLS

    if AGE not in model.names:
        return []
    ages = model.matrix[:, model.names.index(AGE)]
    of_groups = [model.names.index(f"group {name}") for name in model.groups[1:]]
    products = model.matrix[:, of_groups] * ages[:, None]
    names = (*model.names, *(f"{AGE} x group {name}" for name in model.groups[1:]))
    matrix = np.hstack([model.matrix, products])
    if len(independent_columns(matrix)) < matrix.shape[1]:  # patients of one age, say
        return []
    fit = OLS(model.values, matrix).fit(cov_type="HC3", use_t=True)
    estimates = []
    for base, other, vector in contrasts(model.groups, names, f"{AGE} x group "):
        test = fit.t_test(vector)
        low, high = test.conf_int()[0]
        estimates.append(
            Estimate(
                ANALYSIS,
                model.outcome,
                f"{other} - {base}",
                "change of the difference per year of age (0: the same at all ages)",
                float(test.effect[0]),
                "years a year",
                float(low),
                float(high),
                len(model.values),
                method=METHOD,
            )
        )
    return estimates


def change_diagnostics(model: ChangeModel) -> list[Estimate]:
    """Return the differences of change without the most influential people.

    The variances stay those of everybody.
    """
    estimates = []
    for base, other, vector in contrasts(model.groups, model.fit.names, SLOPE_PREFIX):
        without = model.fit.left_out(vector)
        name = f"{model.outcome}, change a year"
        estimates += _range(name, f"{other} - {base}", without, np.array(model.fit.persons))
    return estimates


def _range(outcome: str, pair: str, without: np.ndarray, persons: np.ndarray) -> list[Estimate]:
    return [
        Estimate(
            ANALYSIS,
            outcome,
            pair,
            f"{word} difference when one person is left out ({persons[place]})",
            float(without[place]),
            people=len(without) - 1,
        )
        for word, place in (("least", int(without.argmin())), ("largest", int(without.argmax())))
    ]
