"""What of the table itself can make a difference: said before any figure; and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.cohort_data import NO_GROUP, Cohort
from BrainAgeLib.cohort.design import (
    MOST_CODES,
    covariate_columns,
    covariate_values,
    fitted_alone,
    with_intercept,
)
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.sequences import sequence_cautions
from BrainAgeLib.cohort.table import counted

if TYPE_CHECKING:
    import pandas as pd

SPACING = "slice_spacing_mm"
SPACING_DIFFERENCE_MM = 0.5  # of medians; the model's error grows by a tenth of a year a mm or so
PLACES = frozenset({"site", "scanner", "center", "centre", "study", "protocol"})
MANY_VALUES = 10  # of a category, each a column of its own
RETURNED = "came back"
FEWEST_ON_A_SIDE = 5
# What stands for "not known" in the files of many studies.
MAYBE_NOT_KNOWN = frozenset(
    sign * float(str(digit) * length)
    for digit in (7, 8, 9)
    for length in range(1, 6)
    for sign in (1, -1)
) | {-1.0, -2.0, -3.0, -4.0}
LEAST_AWAY = 2.0  # no less far from others is told: -1 beside 1 is the other side of a contrast
MANY_LACKING = 0.1


def cautions(cohort: Cohort) -> list[str]:
    """Return what a reader must know of the table before the figures, in sentences."""
    differing = (_models, _sequences, _spacings, _places)
    columns = (_not_known, _codes, _categories, _lacking, _unused, _lost_groups)
    sources = (*differing, *columns)
    return [*cohort.notes, *(words for source in sources for words in source(cohort))]


def _models(cohort: Cohort) -> Iterable[str]:
    if "model" in cohort.plan.covariates:
        return
    if said := several_models(cohort.visits):
        yield f"{said}: predict all scans with one, or give --covariate model."


def several_models(scans: pd.DataFrame) -> str:
    """Return what is wrong with ages of several models, without a full stop; nothing of one."""
    models = sorted(set(scans["model"]) - {""})
    named = f"{len(models)} models ({', '.join(models)})"
    return f"The ages come from {named}, whose gaps differ by years" if len(models) > 1 else ""


def _sequences(cohort: Cohort) -> Iterable[str]:
    return sequence_cautions(cohort.visits)


def _spacings(cohort: Cohort) -> Iterable[str]:
    if SPACING in cohort.plan.covariates:
        return
    medians = cohort.first.groupby("group")[SPACING].median().dropna()
    if len(medians) > 1 and medians.max() - medians.min() > SPACING_DIFFERENCE_MM:
        each = ", ".join(f"{name} {value:.1f} mm" for name, value in medians.items())
        yield (
            f"Groups were scanned with different slice spacing (medians: {each}), which can make a "
            f"difference of its own: give --covariate {SPACING}, or compare like scans."
        )


def _places(cohort: Cohort) -> Iterable[str]:
    for name in cohort.first.columns:
        if str(name).lower() not in PLACES or name in cohort.plan.covariates:
            continue
        count = _kinds(cohort.first, str(name))
        if count > 1:
            yield (
                f"The column {name} has {count} values and is no covariate: scanners shift raw "
                f"gaps by years (--covariate {name})."
            )


def _not_known(cohort: Cohort) -> Iterable[str]:
    plan = cohort.plan
    for name in (*plan.covariates, *plan.measures, *((plan.score,) if plan.score else ())):
        _, numbers = covariate_values(cohort.visits, name)
        if numbers is None:
            continue
        odd = far_codes(numbers.dropna().to_numpy(float))
        if odd:
            count = int(numbers.isin(odd).sum())
            yield (
                f"{count} {'cells' if count > 1 else 'cell'} of the column {name} "
                f"{'hold' if count > 1 else 'holds'} {' or '.join(f'{one:g}' for one in odd)}, far "
                "from all others, and counted as that number. If it stands for not known, leave "
                "such cells empty."
            )


def far_codes(values: np.ndarray) -> list[float]:
    """Return which of (row,) numbers may stand for "not known": such as do, far from all others."""
    is_code = np.isin(values, list(MAYBE_NOT_KNOWN))
    others = values[~is_code]
    if not len(others):
        return []
    low, high = float(others.min()), float(others.max())
    codes = sorted(set(map(float, values[is_code])))
    return [one for one in codes if max(one - high, low - one) > max(high - low, LEAST_AWAY)]


def _lacking(cohort: Cohort) -> Iterable[str]:
    for name in cohort.plan.covariates:
        lacking = covariate_values(cohort.first, name)[0].isna()
        if lacking.mean() >= MANY_LACKING:
            yield (
                f"The covariate {name} is not known of {int(lacking.sum())} of {len(lacking)} "
                "people, who are left out of every figure that is adjusted for it."
            )


def _codes(cohort: Cohort) -> Iterable[str]:
    for name in cohort.plan.covariates:
        _, numbers = covariate_values(cohort.first, name)
        if numbers is None:
            continue
        kinds = numbers.dropna().unique()
        if 2 < len(kinds) <= MOST_CODES and (kinds == kinds.round()).all():
            yield (
                f"The covariate {name} is taken as a number ({len(kinds)} values). If its numbers "
                "are names, of sites say, put a letter before them."
            )


def _categories(cohort: Cohort) -> Iterable[str]:
    for name in cohort.plan.covariates:
        texts, numbers = covariate_values(cohort.first, name)
        if numbers is None and texts.nunique() > MANY_VALUES:
            yield (
                f"The covariate {name} is taken as a category of {texts.nunique()} values, each a "
                "column of its own: whoever is alone in one is left out."
            )


def _unused(cohort: Cohort) -> Iterable[str]:
    for name in cohort.plan.covariates:
        if _kinds(cohort.first, name) == 1:
            yield f"The covariate {name} has one value alone and is left out."
    if (cohort.first["sex"] == "").all():
        yield "No sex is known: nothing is adjusted for it."


def _lost_groups(cohort: Cohort) -> Iterable[str]:
    lost = {item.group for item in cohort.exclusions} - set(cohort.groups) - {""}
    for name in sorted(lost):
        yield f"No scan of the group {name} could be used: see the exclusions."


def _kinds(first: pd.DataFrame, name: str) -> int:
    texts, _ = covariate_values(first, name)
    return int(texts.nunique())


def missing_values(cohort: Cohort) -> list[list[str]]:
    """Return a row for each column that a model uses: how many first visits lack it, by group."""
    plan, first = cohort.plan, cohort.first
    names = ["sex", "corrected_gap_years", *plan.covariates, *plan.numbers]
    rows = []
    for name in dict.fromkeys(names):
        lacking = covariate_values(first, name)[0].isna()
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

    first = cohort.first
    returned = first["person"].map(cohort.visits.groupby("person").size() > 1).astype(float)
    design = with_intercept(covariate_columns(first))
    design.insert(1, RETURNED, returned)
    usable = design.notna().all(axis=1)
    usable[usable] = ~fitted_alone(design[usable].to_numpy(float))
    count = int(returned[usable].sum())
    if min(count, int(usable.sum()) - count) < FEWEST_ON_A_SIDE:
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
