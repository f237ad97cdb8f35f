"""The report's sections on how well gap and measures tell groups apart, and what either adds."""

from __future__ import annotations

from itertools import combinations

from BrainAgeLib.cohort.added_value import ODDS, added_value
from BrainAgeLib.cohort.charts import estimates_forest
from BrainAgeLib.cohort.cohort_data import Cohort
from BrainAgeLib.cohort.differences import with_holm
from BrainAgeLib.cohort.discrimination import (
    discrimination,
    kept_by_adjustment,
    not_adjusted_for,
)
from BrainAgeLib.cohort.estimates import Estimate, estimates_table
from BrainAgeLib.cohort.page import Report

ADDED = (
    "Nested logistic models of the group on age, age squared and sex, with the measure, the gap, "
    "or both. An odds ratio whose interval holds 1, and a gain of AUC near 0, mean that it was not "
    "seen to add anything to the other. The areas are those of models that know age and sex, among "
    "people of these ages: they depend on how the ages of the groups differ."
)
NOT_TOLD = (
    "what either adds to the other cannot be told. The models of it cannot be estimated, since the "
    "measure or the gap is the same for everybody, they and the covariates separate the groups "
    "without an error, or there are too few people."
)
TOO_FEW = "No two groups have two people each with all values, so they are not told apart."
LEAST_KEPT = 0.9  # of a difference by an adjusted area; less is told. Set by hand
NO_MEASURE = "Name a measure of volume with --measure to see it beside."


def add_areas(report: Report, cohort: Cohort) -> None:
    """Add the sections on every pair of groups, and their estimates, to a report."""
    plan, pairs = cohort.plan, list(combinations(cohort.groups, 2))
    areas: list[Estimate] = []
    for base, other in pairs:
        areas += discrimination(cohort.first, base, other, plan.measures, plan.covariates)
    if not areas:
        if plan.measures:
            report.section("How well the gap tells groups apart", TOO_FEW)
        return
    report.estimates += areas
    adjusted = [item for item in areas if item.figure.startswith("AUC, adjusted")]
    report.section(
        "How well the gap tells groups apart",
        *(() if plan.measures else (NO_MEASURE,)),
        *_not_adjusted(cohort, pairs),
        estimates_table(areas),
        report.chart(
            "discrimination.svg",
            estimates_forest(adjusted, "AUC, adjusted for age and sex", 0.5),
            "Area under the ROC curve with 95 % bootstrap intervals; 0.5 tells nothing.",
        ),
    )
    _add_added(report, cohort, pairs)


def _not_adjusted(cohort: Cohort, pairs: list[tuple[str, str]]) -> list[str]:
    """Return sentences on pairs whose reference cannot tell the adjustment, or only roughly."""
    said, plan = [], cohort.plan
    for base, other in pairs:
        lost = not_adjusted_for(cohort.first, base, other, plan.measures, plan.covariates)
        if lost:
            said.append(
                f"{other} against {base}: not adjusted for {', '.join(lost)}, which the people of "
                f"{base} do not tell, since all of them are alike in it or something else tells it."
            )
        kept = kept_by_adjustment(cohort.first, base, other, plan.measures, plan.covariates)
        if kept < LEAST_KEPT:
            said.append(
                f"{other} against {base}: the people of {base} are few, or unlike those of {other} "
                "in age or a covariate, so that the line of the adjustment is rough and adjusted "
                f"areas lean to 0.5: they show about {100 * kept:.0f} % of a difference. The "
                "adjusted difference above does not lean so."
            )
    return said


def _add_added(report: Report, cohort: Cohort, pairs: list[tuple[str, str]]) -> None:
    """Add the section on what gap and measures add to each other, if there is a measure."""
    plan, added, untold = cohort.plan, [], []
    for base, other in pairs:
        for measure in plan.measures:
            found = added_value(cohort.first, base, other, measure, plan.covariates)
            added += found
            untold += [] if found else [f"{other} against {base}, {measure}: {NOT_TOLD}"]
    if not plan.measures:
        return
    added = with_holm(added)
    report.estimates += added
    odds = [item for item in added if item.figure == ODDS]
    gains = [item for item in added if item.figure != ODDS]
    tables = [estimates_table(part) for part in (odds, gains) if part]
    report.section("What the gap adds to volume", *([ADDED] if tables else []), *untold, *tables)
