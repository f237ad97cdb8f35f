"""``brainage cohort``: from a results table with groups and sessions to a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BrainAgeLib.cohort.areas import add_areas
from BrainAgeLib.cohort.cautions import (
    cautions,
    drop_out,
    excluded_by_group,
    missing_values,
    visit_counts,
)
from BrainAgeLib.cohort.change import ChangeModel, fit_change, growth
from BrainAgeLib.cohort.charts import (
    change_over_time,
    estimates_forest,
    gap_against_age,
    residual_charts,
)
from BrainAgeLib.cohort.cohort_data import Cohort, Plan, read_cohort
from BrainAgeLib.cohort.diagnostics import (
    change_diagnostics,
    group_diagnostics,
)
from BrainAgeLib.cohort.differences import (
    GroupModel,
    adjusted_means,
    differences,
    fit_groups,
    left_alone,
)
from BrainAgeLib.cohort.estimates import (
    Estimate,
    Table,
    estimates_table,
    p_words,
    with_interval,
)
from BrainAgeLib.cohort.methods import methods_text
from BrainAgeLib.cohort.page import Charts, Part, Report, exclusions_section, read_first
from BrainAgeLib.cohort.power import (
    WITHIN_PERSON,
    people_for_change,
    people_for_difference,
    reliability,
)
from BrainAgeLib.cohort.score import score_association
from BrainAgeLib.cohort.survival import time_to_event
from BrainAgeLib.cohort.visit_order import in_whole_years
from BrainAgeLib.records import ProgressCallback

RAW, CORRECTED = "raw gap", "corrected gap"
DRIFT = (
    "Only differences between groups mean something here: the raw gap of everybody drifts "
    "down with time, because models of brain age under-estimate ageing."
)
NOBODY_CAME_BACK = (
    "Nobody has two scans of different times, so nothing is said of how the score changes with the "
    "gap."
)


def cohort_report(path: Path, plan: Plan, on_progress: ProgressCallback | None = None) -> Report:
    """Return the report of a results table. ``on_progress`` hears what begins.

    Raises InputError when the table cannot be read, lacks a column of the plan, or a group is too
    small.
    """
    say = on_progress or _say_nothing
    say("table", 0.0)
    cohort = read_cohort(path, plan)
    say("change", 0.1)
    plan = cohort.plan  # without the covariates that every model has
    report = Report("What the brain age gap says of these groups")
    report.exclusions = cohort.exclusions
    model = fit_groups(cohort.first, cohort.groups, RAW, "gap_years", plan.covariates)
    change = _change(cohort, RAW, "gap_years")
    report.say_first(cautions(cohort))
    say("groups", 0.4)
    _at_first_scan(report, cohort, model)
    say("change", 0.5)
    _over_time(report, cohort, change)
    say("score", 0.7)
    _score_and_event(report, cohort)
    _planning(report, cohort, model, change)
    say("diagnostics", 0.8)
    _diagnostics(report, cohort, model, change)
    _missing(report, cohort)
    exclusions_section(report, cohort.rows_read)
    models = sorted(set(cohort.visits["model"]) - {""})
    report.methods = methods_text(cohort, model, change, models)
    report.section("Methods", *report.methods.split("\n\n"))
    return report


def headline(report: Report) -> str:
    """Return what is to be read first in a line, then the main figures, for the terminal."""
    chosen = {"adjusted difference", "Cohen's d", "difference of change a year"}
    lines = read_first(report)
    lines += [report.not_compared] if report.not_compared else []
    for item in report.estimates:
        is_area = item.figure.startswith("AUC, adjusted")
        is_hazard = item.figure == "hazard ratio per year"
        if item.analysis == "missing data" or not (item.figure in chosen or is_area or is_hazard):
            continue
        p = f", p {p_words(item.p)}" if item.p is not None else ""
        p += f", Holm {p_words(item.p_adjusted)}" if item.p_adjusted is not None else ""
        unit = f" {item.unit}" if item.unit else ""
        name = f"{item.subset}: {item.outcome}, {item.figure}"
        lines.append(f"{name:66} {with_interval(item)}{unit}{p}")
    return "\n".join(lines)


def _say_nothing(_stage: str, _fraction: float) -> None:
    """Take what nobody hears."""


def _change(cohort: Cohort, outcome: str, column: str) -> ChangeModel | None:
    if not cohort.is_followed:
        return None
    return fit_change(cohort.visits, cohort.groups, outcome, column, cohort.plan.covariates)


def _keep(report: Report, estimates: list[Estimate]) -> list[Estimate]:
    report.estimates += estimates
    return estimates


def _at_first_scan(report: Report, cohort: Cohort, model: GroupModel | None) -> None:
    scatter = report.chart(
        "gap_against_age.svg",
        gap_against_age(cohort.first, cohort.groups),
        "Raw gap against age at the first scan, with each group's own line.",
    )
    if model is None or len(cohort.groups) < 2:
        report.not_compared = (
            f"There is one group ({cohort.groups[0] or 'without a name'}), so no groups are "
            "compared."
            if len(cohort.groups) < 2
            else "Too few people for the model, or gaps that do not scatter around it, so no "
            "groups are compared."
        )
        report.section("At the first scan", report.not_compared, scatter)
        return
    raw = _keep(report, differences(model))
    plain = fit_groups(cohort.first, cohort.groups, CORRECTED, "corrected_gap_years", None)
    corrected = _keep(report, differences(plain)) if plain is not None else []
    _keep(report, adjusted_means(model))
    shown = [item for item in raw + corrected if item.figure == "adjusted difference"]
    report.section(
        "Group differences at the first scan",
        "Raw gap: adjusted for age, age squared and sex. Corrected gap: groups alone, without "
        "covariates.",
        left_alone(model),
        estimates_table(raw + corrected),
        Charts(
            scatter,
            report.chart(
                "group_differences.svg",
                estimates_forest(shown, "difference (years)", 0.0),
                "Differences between groups with 95 % intervals.",
            ),
        ),
    )
    add_areas(report, cohort)


def _over_time(report: Report, cohort: Cohort, change: ChangeModel | None) -> None:
    if not cohort.is_followed:
        return
    picture = report.chart(
        "change_over_time.svg",
        change_over_time(cohort.visits, cohort.groups, change),
        "Each person's raw gap over time, and the model's line of each group.",
    )
    if change is None:
        report.section(
            "Change over time",
            "There are too few repeated scans, or their gaps do not scatter.",
            picture,
        )
        return
    corrected = _change(cohort, CORRECTED, "corrected_gap_years")
    estimates = growth(change) + (growth(corrected) if corrected is not None else [])
    report.section("Change over time", DRIFT, estimates_table(_keep(report, estimates)), picture)


def _score_and_event(report: Report, cohort: Cohort) -> None:
    plan = cohort.plan
    if plan.score:
        estimates: list[Estimate] = []
        if cohort.is_followed:
            estimates = score_association(cohort.visits, cohort.groups, plan.score, plan.covariates)
        few = "Too few repeated scores." if cohort.is_followed else NOBODY_CAME_BACK
        report.section(
            f"Change of {plan.score}",
            estimates_table(_keep(report, estimates)) if estimates else few,
        )
    if plan.event and plan.event_time:
        estimates, notes = time_to_event(cohort.first, plan.event, plan.event_time, plan.covariates)
        hazards = estimates_table(_keep(report, estimates)) if estimates else None
        report.section(f"Time to {plan.event}", hazards, *notes)


def _planning(
    report: Report, cohort: Cohort, model: GroupModel | None, change: ChangeModel | None
) -> None:
    is_timed = cohort.plan.time is not None or not in_whole_years(cohort.visits)
    estimates = reliability(cohort.visits) if is_timed else []
    within = next((item.value for item in estimates if item.figure == WITHIN_PERSON), None)
    if model is not None:
        estimates += people_for_difference(model.residual_sd, within)
    if change is not None:
        estimates += people_for_change(change.fit, cohort.visits)
    if estimates:
        report.section(
            "Reliability, and power of a planned study",
            "From the scatter that was measured here; not the power of this study's own tests.",
            estimates_table(_keep(report, estimates)),
        )


def _diagnostics(
    report: Report, cohort: Cohort, model: GroupModel | None, change: ChangeModel | None
) -> None:
    estimates, pictures = [], []
    if model is not None and len(cohort.groups) > 1:
        estimates += group_diagnostics(model)
    if model is not None:
        residuals = np.asarray(model.fit.resid)
        names = ("residuals_first_scan.svg", "normal_first_scan.svg")
        charts = residual_charts(np.asarray(model.fit.fittedvalues), residuals)
        pictures += [
            report.chart(name, svg, "Group model: residuals.")
            for name, svg in zip(names, charts, strict=True)
        ]
    if change is not None:
        if len(cohort.groups) > 1:
            estimates += change_diagnostics(change)
        residuals = change.fit.residuals()
        names = ("residuals_change.svg", "normal_change.svg")
        charts = residual_charts(change.fit.values - residuals, residuals)
        pictures += [
            report.chart(name, svg, "Change model: residuals around each person's line.")
            for name, svg in zip(names, charts, strict=True)
        ]
    table = estimates_table(_keep(report, estimates)) if estimates else None
    report.section("Diagnostics", table, Charts(*pictures) if pictures else None)


def _missing(report: Report, cohort: Cohort) -> None:
    content: list[Part] = [
        Table(["scans left out", *cohort.groups], excluded_by_group(cohort)),
        Table(["missing", *cohort.groups], missing_values(cohort)),
    ]
    if cohort.is_followed:
        content.append(Table(["scans", *cohort.groups], visit_counts(cohort)))
        if gone := _keep(report, drop_out(cohort)):
            content.append(estimates_table(gone))
    report.section("Missing data", *content)
