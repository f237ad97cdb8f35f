"""What is missing, and whether those who did not come back were different."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from BrainAgeLib.cohort.cohort_data import NO_GROUP, Cohort
from BrainAgeLib.cohort.design import covariate_columns, fitted_alone, with_intercept
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.table import counted

if TYPE_CHECKING:
    import pandas as pd

RETURNED = "came back"


def missing_values(cohort: Cohort) -> list[list[str]]:
    """Return a row for each column that a model uses: how many first visits lack it, by group."""
    plan, first = cohort.plan, cohort.first
    names = ["sex", "corrected_gap_years", *plan.covariates, *plan.numbers]
    rows = []
    for name in dict.fromkeys(names):
        column = first[name].astype(str).str.strip() if first[name].dtype == object else first[name]
        lacking = column.isna() | (column.astype(str) == "")
        of_groups = [lacking[first["group"] == group] for group in cohort.groups]
        rows.append([name, *(f"{int(part.sum())} of {len(part)}" for part in of_groups)])
    return rows


def excluded_by_group(cohort: Cohort) -> list[list[str]]:
    """Return a row for each reason: how many scans of each group were left out for it."""
    left_out = [item for item in cohort.exclusions if item.group in cohort.groups]
    if cohort.groups == (NO_GROUP,):
        left_out = [replace(item, group=NO_GROUP) for item in cohort.exclusions]
    rows = []
    for reason in counted(left_out):
        of_groups = [item.group for item in left_out if item.reason.split(":")[0] == reason]
        rows.append([reason, *(str(of_groups.count(group)) for group in cohort.groups)])
    kept = cohort.visits["group_of_visit"]
    rows.append(["analysed", *(str(int((kept == group).sum())) for group in cohort.groups)])
    return rows


def visit_counts(cohort: Cohort) -> list[list[str]]:
    """Return, for each number of visits, how many people of each group have at least so many."""
    counts = cohort.visits.groupby("person").size()
    of_group = cohort.first.set_index("person")["group"]
    return [
        [
            f"{number} or more" if number > 1 else "1 or more",
            *(str(int((counts[of_group == group] >= number).sum())) for group in cohort.groups),
        ]
        for number in range(1, int(counts.max()) + 1)
    ]


def drop_out(cohort: Cohort) -> list[Estimate]:
    """Return by how much the first gap of those who came back differs from that of the others.

    Adjusted for age, age squared and sex, by least squares with HC3 errors. Empty unless five
    people or more are on either side.
    """
    from statsmodels.api import OLS

    first: pd.DataFrame = cohort.first
    returned = first["person"].map(cohort.visits.groupby("person").size() > 1).astype(float)
    design = with_intercept(covariate_columns(first))
    design.insert(1, RETURNED, returned)
    usable = design.notna().all(axis=1)
    usable[usable] = ~fitted_alone(design[usable].to_numpy(float))
    share = returned[usable]
    if min(int(share.sum()), int((1 - share).sum())) < 5:
        return []
    fit = OLS(first["gap_years"][usable].to_numpy(float), design[usable].to_numpy(float)).fit(
        cov_type="HC3", use_t=True
    )
    low, high = fit.conf_int()[1]
    return [
        Estimate(
            "missing data",
            "raw gap at first scan",
            "came back - did not",
            "adjusted difference",
            float(fit.params[1]),
            "years",
            float(low),
            float(high),
            int(usable.sum()),
            float(fit.pvalues[1]),
            method="least squares, HC3 standard errors, t",
        )
    ]
