"""``brainage evaluate``: from a results table of healthy people to a report of how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from BrainAgeLib.cohort.accuracy import (
    EVERYBODY,
    FIGURES,
    corrected_beside_nothing,
    everybody,
    raw_figures,
)
from BrainAgeLib.cohort.cautions import several_models
from BrainAgeLib.cohort.charts import against_age, forest
from BrainAgeLib.cohort.coverage import PROMISES, coverage_figures, holds_its_promise
from BrainAgeLib.cohort.estimates import (
    Estimate,
    Table,
    estimates_table,
    shown,
    with_interval,
)
from BrainAgeLib.cohort.page import (
    Charts,
    Part,
    Report,
    exclusions_section,
    left_out_in_words,
    read_first,
)
from BrainAgeLib.cohort.sequences import OTHERS, T1, apart_cautions, by_sequence
from BrainAgeLib.cohort.table import (
    first_scans,
    later_scans,
    number_column,
    of_group,
    read_table,
)
from BrainAgeLib.cohort.table_checks import check_people
from BrainAgeLib.errors import InputError
from BrainAgeLib.records import INTERVAL_LEVEL

if TYPE_CHECKING:
    import pandas as pd

LEAST_PEOPLE = 10
RAW_FIRST = (
    "The raw error is the one to judge by. One scan a person counts, the first; intervals are "
    "95 % percentile bootstrap intervals over people, made wider where people are few; those of "
    "fewer than eight, and of the RMSE of fewer than forty, are too narrow all the same. Within a "
    "decade ages differ little, so r, R2 and the slope mean little there."
)
PATIENTS = (
    "errors and coverage are meant for healthy people, in patients the gap is no error. "
    "--group looks at one group alone."
)
WHY_ZERO = (
    "A correction uses the person's true age, so it makes any predictor look good. The predictor "
    "that knows nothing says the mean age for everybody, plus noise that scatters as much as this "
    "model does around its own line; its bias was removed in the same way. A corrected figure that "
    "is no better than its own says nothing about what the model knows."
)


def evaluate(path: Path, group: str | None = None) -> Report:
    """Return the report of a results table, or of one group of it.

    It is of T1 scans, or where these are too few of the commonest sequence of enough; what else
    the table holds is never put together with them. A T1 after contrast agent is another sequence
    here, though ``cohort`` counts it as a T1: its ages have a curve of their own.
    Raises InputError when it cannot be read, has no such group, or fewer than ten usable people.
    """
    table = read_table(path, apart=True)
    check_people(table.scans, table.again, path)
    if group is not None:
        table = of_group(table, path, group)
    of_each = by_sequence(table.scans)
    others = {name: first_scans(scans) for name, scans in of_each.items()}
    sequence = next((name for name in others if _is_enough(others[name])), next(iter(others), T1))
    scans = others.pop(sequence, table.scans)
    if not _is_enough(scans):
        which = f" by {sequence}" if others else ""
        raise InputError(
            f"{path} has {len(scans)} people with an age and a brain age{which}, too few to "
            "evaluate",
            f"give {LEAST_PEOPLE} or more people of different ages",
        )
    if "slice_thickness_mm" in scans:
        scans["slice_thickness_mm"] = number_column(scans, "slice_thickness_mm", path)
    report = Report("How good these brain ages are")
    later = [each for one in of_each.values() for each in later_scans(one)]
    report.exclusions = (*table.exclusions, *later)
    said = apart_cautions(sequence, others)
    if of_models := several_models(table.scans):
        said.append(f"{of_models}: no figure is that of one of them. Predict all scans with one.")
    groups = sorted(set(scans["group"]))
    if len(groups) > 1:
        named = ", ".join(name or "(none)" for name in groups)
        said.append(f"These people are of several groups ({named}): {PATIENTS}")
    report.say_first(said)
    _add_sections(report, scans)
    if others:
        _add_others(report, others)
    exclusions_section(report, table.rows_read)
    return report


def _is_enough(scans: pd.DataFrame) -> bool:
    return len(scans) >= LEAST_PEOPLE and scans["age"].nunique() >= 3


def headline(report: Report) -> str:
    """Return the result in a few lines for the terminal."""
    raw = {
        item.figure: item
        for item in report.estimates
        if item.analysis == "raw accuracy" and item.subset == EVERYBODY
    }
    lines = [
        *read_first(report),
        f"{'people':30}{raw['MAE'].people}, {left_out_in_words(report.exclusions)}",
        *(f"raw {figure:26}{with_interval(item)}" for figure, item in raw.items()),
    ]
    for item in report.estimates:
        if item.subset == EVERYBODY and item.figure == "coverage":
            lines.append(f"{item.outcome + ' covers':40}{with_interval(item)}")
    for item in report.estimates:
        if item.analysis.startswith("corrected") and item.figure == "MAE":
            lines.append(f"{'MAE, ' + item.outcome:40}{shown(item.value, 'years')}")
    lines += [
        f"{f'{item.figure}, {item.subset}':40}{with_interval(item)}, {item.people} people"
        for item in report.estimates
        if item.analysis == OTHERS.lower() and item.figure in ("MAE", "coverage")
    ]
    return "\n".join(lines)


def _add_sections(report: Report, scans: pd.DataFrame) -> None:
    raw = raw_figures(scans)
    corrected, method = corrected_beside_nothing(scans)
    coverage = coverage_figures(scans)
    report.estimates += raw + corrected + coverage
    short = _in_short(raw, coverage)
    report.section(
        "Raw accuracy", short, RAW_FIRST, accuracy_table(raw), _charts(report, scans, raw)
    )
    if corrected:
        unknown = (
            "The table's correction is neither a subtracted line nor Cole's on all rows together "
            "(several acquisition classes, perhaps); the other predictor's line was subtracted."
        )
        words = f"Correction in the table: {method}." if method else unknown
        report.section(
            "Corrected, beside no information", WHY_ZERO, words, estimates_table(corrected)
        )
    if coverage:
        report.section("Interval", *_coverage(report, coverage))


def _in_short(raw: list[Estimate], coverage: list[Estimate]) -> str:
    """Return the answer in words, for a reader who stops before the tables."""
    of_all = {item.figure: item for item in raw if item.subset == EVERYBODY}
    mae, guess = of_all["MAE"], of_all["MAE of the mean age"]
    parts = [
        f"In these {mae.people} people the raw brain age is off by {with_interval(mae)} years on "
        "average (MAE); their mean age, said of everybody, would be off by "
        f"{with_interval(guess)} years."
    ]
    parts += [
        f"The {item.outcome.replace(', ', ' for ')} holds the age of "
        f"{round(item.value * item.people)} of {item.people} people."
        for item in coverage
        if item.subset == EVERYBODY and item.figure == "coverage" and item.people
    ]
    return " ".join(parts)


def _add_others(report: Report, others: Mapping[str, pd.DataFrame]) -> None:
    """Add what is known of further sequences, each by itself."""
    raw, coverage = (
        [
            replace(item, analysis=OTHERS.lower(), subset=name)
            for name, scans in others.items()
            for item in figures(scans, everybody)
        ]
        for figures in (raw_figures, coverage_figures)
    )
    report.estimates += raw + coverage
    with_error = {item.subset for item in raw}
    few = ", ".join(
        f"{name} ({len(each)})" for name, each in others.items() if name not in with_error
    )
    report.section(
        OTHERS,
        "Each sequence by itself: their ages err differently, so nothing here is put together. "
        "A table of one sequence alone is evaluated in full.",
        f"Too few people for an error: {few}." if few else None,
        accuracy_table(raw) if raw else None,
        estimates_table(coverage) if coverage else None,
    )


def accuracy_table(estimates: list[Estimate]) -> Table:
    """Return raw accuracy with a row for each subset of people."""
    names = [words for words, _ in FIGURES.values()]
    rows = []
    for subset in dict.fromkeys(item.subset for item in estimates):
        mine = {item.figure: item for item in estimates if item.subset == subset}
        rows.append(
            [subset, str(mine["MAE"].people), *(with_interval(mine[name]) for name in names)]
        )
    return Table(["people", "n", *names], rows)


def _charts(report: Report, scans: pd.DataFrame, raw: list[Estimate]) -> Charts:
    ages, predicted = (scans[name].to_numpy(float) for name in ("age", "brain_age_years"))

    errors = [item for item in raw if item.figure == "MAE"]
    return Charts(
        report.chart(
            "predicted_against_age.svg",
            against_age(ages, predicted, "raw brain age (years)", slope=1.0),
            "Raw brain age against age.",
        ),
        report.chart(
            "gap_against_age.svg",
            against_age(ages, predicted - ages, "raw gap (years)", slope=0.0),
            "Raw gap against age.",
        ),
        report.chart(
            "error_by_subset.svg",
            _dots(errors, "raw MAE (years)", None),
            "Raw mean absolute error with 95 % bootstrap intervals.",
        ),
    )


def _coverage(report: Report, coverage: list[Estimate]) -> list[Part]:
    mae = next(
        item for item in report.estimates if item.figure == "MAE" and item.subset == EVERYBODY
    )
    outcomes = list(dict.fromkeys(item.outcome for item in coverage))
    parts: list[Part] = []
    for number, outcome in enumerate(outcomes, 1):
        mine = [item for item in coverage if item.outcome == outcome]
        coverages = [item for item in mine if item.figure == "coverage"]
        off = [item.subset for item in coverages if not holds_its_promise(item)]
        width = next(item.value for item in mine if item.figure == "mean width")
        beside = f", {width / mae.value:.1f} times the raw MAE" if mae.value else ""
        parts += [
            f"{PROMISES[outcome]} Its mean width is {shown(width, 'years')} years{beside}.",
            "Groups whose coverage is not what is promised, by its exact 95 % interval: "
            f"{', '.join(off) or 'none'}.",
            estimates_table(mine),
            report.chart(
                f"coverage_by_subset{f'_{number}' if number > 1 else ''}.svg",
                _dots(coverages, f"coverage of the {outcome}", INTERVAL_LEVEL),
                "Coverage of the interval with exact 95 % intervals.",
            ),
        ]
    return parts


def _dots(estimates: list[Estimate], label: str, line: float | None) -> bytes:
    rows = [
        (f"{item.subset} (n = {item.people})", item.value, item.low or 0.0, item.high or 0.0)
        for item in estimates
    ]
    return forest(rows, label, line)
