"""A cohort: visits of people in groups, and what is to be asked of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from BrainAgeLib.cohort.design import (
    AGE,
    AGE_SQUARED,
    INTERCEPT,
    MOST_CODES,
    SEX,
    TIME,
    covariate_values,
)
from BrainAgeLib.cohort.score import BASELINE, BETWEEN, WITHIN
from BrainAgeLib.cohort.survival import ENTRY, with_entry
from BrainAgeLib.cohort.table import (
    AnalysisTable,
    Exclusion,
    number_column,
    read_table,
    require_column,
    with_times,
)
from BrainAgeLib.cohort.table_checks import check_people, check_times
from BrainAgeLib.cohort.visit_order import with_years
from BrainAgeLib.errors import InputError
from BrainAgeLib.tables.cells import MAYBE_THOUSANDS

if TYPE_CHECKING:
    import pandas as pd

NO_GROUP = "everybody"
FEWEST_IN_A_GROUP = 5
MOST_GROUPS = 10
OF_THE_GAP = frozenset(
    ("brain_age_years", "gap_years", "corrected_gap_years", "gap_percentile")
    + ("interval_low", "interval_high")
)
MADE = frozenset(
    {"line", "person", "years", "age_first", ENTRY}
)  # columns that are added to the table
# What the models call their own columns; two of one name would be taken for each other.
OF_THE_MODELS = frozenset({INTERCEPT, AGE_SQUARED, SEX, "group", BETWEEN, WITHIN, BASELINE})
IN_EVERY_MODEL = (AGE, "sex")
OF_THE_MODELS_BEGIN = ("group ", f"{TIME} x ")


@dataclass(frozen=True)
class Plan:
    """What to analyse; the names are those of columns of the table.

    ``reference``: the group that others are compared with; None takes the first in sorted order.
    ``time``: years since a person's first scan; None takes the difference of ages. ``event`` is 1
    where the event came, 0 where it had not by the end of follow-up; ``event_time``: years from
    the first scan to either.
    """

    reference: str | None = None
    measures: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    score: str | None = None
    time: str | None = None
    event: str | None = None
    event_time: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that must hold numbers."""
        single = (self.score, self.time, self.event, self.event_time)
        return self.measures + tuple(name for name in single if name)


@dataclass(frozen=True)
class Cohort:
    """The scans that count.

    ``visits`` has ``years`` since the first scan and ``age_first``, the age then; ``first`` has a
    row a person. ``groups``: the reference first; one name when nobody is grouped. ``notes``: what
    a reader must know of how the table was read.
    """

    visits: pd.DataFrame
    first: pd.DataFrame
    groups: tuple[str, ...]
    plan: Plan
    exclusions: tuple[Exclusion, ...]
    rows_read: int
    notes: tuple[str, ...]

    @property
    def is_followed(self) -> bool:
        """Whether anybody came back."""
        return len(self.visits) > len(self.first)


def read_cohort(path: Path, plan: Plan) -> Cohort:
    """Read a results table for a plan.

    Raises InputError when it cannot be read, lacks a column of the plan, a person has two sexes, or
    a group is too small.
    """
    plan, notes = _without_own(plan)
    _check_plan(plan)
    table = read_table(path)
    if plan.time:
        table = with_times(table, plan.time, path)
    scans = table.scans
    check_people(table.scans, table.again, path)
    _read_columns(table, plan, path)
    # The table's own may hold anything; the analysis knows it by that name.
    scans = scans.drop(columns=["age_first", ENTRY], errors="ignore")
    scans, nobodys, ungrouped = _grouped(scans)
    if scans.empty:
        raise InputError(f"{path} has nobody with an age and a brain age", "look at its errors")
    for name in (*plan.numbers, *plan.covariates):
        if covariate_values(scans, name)[0].isna().all():
            raise InputError(
                f"the column {name} of {path} is empty for everybody who has an age",
                "fill it, or do not ask for it",
            )
    visits, of_times = with_years(scans, plan.time)
    notes += of_times
    check_times(visits, path)
    first = visits.drop_duplicates("person").reset_index(drop=True)
    if plan.event:
        first, late = with_entry(first, (table.left_out, nobodys), plan.time, plan.event_time or "")
        notes += late
    of_first = first[["person", "group", "age"]].rename(columns={"age": "age_first"})
    visits = visits.merge(of_first, on="person", suffixes=("_of_visit", ""))
    changed = int((visits["group"] != visits["group_of_visit"]).sum())
    if changed:
        notes.append(f"{changed} visits name another group than the first visit, which counts.")
    groups = _ordered(first, plan, path)
    return Cohort(
        visits, first, groups, plan, table.exclusions + ungrouped, table.rows_read, tuple(notes)
    )


def _without_own(plan: Plan) -> tuple[Plan, list[str]]:
    """Return the plan without the covariates that every model has, and a note of them."""
    own = [name for name in IN_EVERY_MODEL if name in plan.covariates]
    if not own:
        return plan, []
    others = tuple(name for name in plan.covariates if name not in own)
    said = f"Asked for as covariates, but in every model already: {', '.join(own)}."
    return replace(plan, covariates=others), [said]


def _check_plan(plan: Plan) -> None:
    """See that no column is asked for in two parts that exclude each other."""
    if (plan.event is None) != (plan.event_time is None):
        raise InputError(
            "time to an event needs two columns", "give --event and --event-time together"
        )
    for name in (*plan.covariates, *plan.numbers):
        if name in OF_THE_GAP:
            raise InputError(
                f"{name} is made of the gap and cannot stand beside it", "name another column"
            )
    for name in plan.covariates:
        if name in OF_THE_MODELS or name.startswith(OF_THE_MODELS_BEGIN):
            raise InputError(
                f"a covariate {name} has the name of a column that the models have of their own",
                "rename it; group need not be asked for",
            )
    numbers = set(plan.numbers)
    if plan.time == TIME:  # it means the same
        numbers.remove(TIME)
    asked = numbers | set(plan.covariates)
    if taken := sorted(asked & MADE):
        raise InputError(
            f"the name {taken[0]} means something else in the analysis", "rename that column"
        )
    if both := sorted(set(plan.covariates) & set(plan.numbers)):
        role = "a measure" if both[0] in plan.measures else "an outcome or a time"
        raise InputError(
            f"{both[0]} is asked for as {role} and as a covariate", "leave out one of the two"
        )


def _read_columns(table: AnalysisTable, plan: Plan, path: Path) -> None:
    """Make numbers of the plan's columns; raise InputError for what they cannot hold."""
    scans = table.scans
    for name in (*plan.numbers, *plan.covariates):
        require_column(table, name, path)
    for name in plan.numbers:
        scans[name] = number_column(scans, name, path)
    for name in plan.covariates:
        _check_numbers(scans, name, path)
    if plan.event and not set(scans[plan.event].dropna()) <= {0.0, 1.0}:
        raise InputError(f"{plan.event} of {path} holds more than 0 and 1", "1 is an event")


def _check_numbers(scans: pd.DataFrame, name: str, path: Path) -> None:
    """Raise InputError where most cells of a covariate are numbers and some are none.

    One "1480 ml" would make a category of a volume, with a column for each of its values. Numbers
    of few kinds are codes: 1, 2 and 3T are a category.
    """
    import pandas as pd

    texts, _ = covariate_values(scans, name)
    is_number = pd.to_numeric(texts, errors="coerce").notna()
    is_number |= texts.str.fullmatch(MAYBE_THOUSANDS).fillna(False).astype(bool)
    kinds = pd.to_numeric(texts[is_number].str.replace(",", "")).nunique()
    if kinds > MOST_CODES and 2 * is_number.sum() > texts.notna().sum():
        hint = "mend that line; if the column is a category, put a letter before each of its values"
        number_column(scans, name, path, hint)


def _grouped(
    scans: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Exclusion, ...]]:
    """Leave out scans without a group where others have one; return these and those."""
    missing = scans["group"] == ""
    if missing.all():
        return scans.assign(group=NO_GROUP), scans.iloc[:0], ()
    left_out = tuple(
        Exclusion(row["line"], row["person"], row["session"], "no group")
        for row in scans[missing].to_dict("records")
    )
    return scans[~missing].reset_index(drop=True), scans[missing], left_out


def _ordered(first: pd.DataFrame, plan: Plan, path: Path) -> tuple[str, ...]:
    sizes = Counter(first["group"])
    names = sorted(sizes)
    if plan.reference is not None:
        if plan.reference not in sizes:
            raise InputError(
                f"{path} has no group {plan.reference!r}", f"it has {', '.join(names)}"
            )
        names.remove(plan.reference)
        names.insert(0, plan.reference)
    if len(names) > MOST_GROUPS:
        raise InputError(
            f"{path} has {len(names)} groups, too many to compare every pair",
            f"join groups; {MOST_GROUPS} are the most",
        )
    small = [name for name in names if sizes[name] < FEWEST_IN_A_GROUP]
    if small:
        raise InputError(
            f"the group {small[0]!r} has {sizes[small[0]]} people with an age and a brain age",
            f"leave it out of the table or join groups; {FEWEST_IN_A_GROUP} are the least",
        )
    return tuple(names)
