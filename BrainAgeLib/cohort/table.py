"""A results table as analyses need it: numbers checked, people told apart, exclusions counted."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from BrainAgeLib.batch.table import COLUMNS
from BrainAgeLib.cohort.sequences import sequence_of, t1_first
from BrainAgeLib.cohort.table_checks import (
    SAME_SESSION,
    check_ages,
    check_gaps,
    check_words,
    tell_of_names,
)
from BrainAgeLib.cohort.visit_order import NUMBER, session_numbers
from BrainAgeLib.errors import InputError
from BrainAgeLib.records import IntervalCovers, Verdict
from BrainAgeLib.tables.cells import NOT_KNOWN, no_number, with_points
from BrainAgeLib.tables.sexes import SexColumns, UnclearSexes
from BrainAgeLib.tables.sheet import legible, read_sheet

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = (
    "age",
    "brain_age_years",
    "interval_low",
    "interval_high",
    "gap_years",
    "corrected_gap_years",
    "slice_spacing_mm",
    "exit_code",
)
TEXTS = (
    *("path", "id", "session", "group", "sex", "verdict", "model", "error"),
    *("interval_covers",),
)
GAP_DECIMALS = 9
NO_TIME = "no time"
# Of names fewer words say that there is none: "none" and "unknown" may be those of a group.
NAMES = ("id", "session", "group", "model")
NO_NAME = frozenset(("", "n/a", "na", "nan", "#n/a", "null"))
OTHER_SEQUENCE = "of another sequence than plain T1"


@dataclass(frozen=True)
class Exclusion:
    """A scan that is left out. ``line`` is that of the file, the header being the first."""

    line: int
    person: str
    session: str
    reason: str
    group: str = ""


@dataclass(frozen=True)
class AnalysisTable:
    """The scans that count, and those that do not, with the reason.

    ``scans`` has the contract's columns (absent ones empty, as are cells that say n/a; ``sex`` F, M
    or empty), ``person`` (``id``, or the path where it is empty), ``line``, and all further columns
    as text.
    ``gap_years`` is raw brain age minus age. ``columns``: those that the file has.
    ``rows_read``: kept and left out. ``left_out``: the rows that are, as ``scans``; ``again``: of
    these, another of the same person and session counts.
    """

    scans: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    rows_read: int
    columns: tuple[str, ...] = ()
    left_out: pd.DataFrame | None = None
    again: pd.DataFrame | None = None


def read_table(path: Path, without: Collection[str] = (), apart: bool = False) -> AnalysisTable:
    """Read ``results.csv`` and leave out the scans that have no usable age.

    ``without``: sequences whose scans are left out, too. ``apart``: a session has a scan of each
    sequence, not one of all.
    Raises InputError when it cannot be read, lacks ``brain_age_years`` or ``age``, or holds
    something that is no number where a number belongs.
    """
    frame = _read(path)
    for name in ("brain_age_years", "age"):
        if name not in frame:
            raise InputError(f"{path} has no column {name}", "give a results.csv of brainage batch")
    columns = tuple(name for name in map(str, frame) if name != "line")
    for name in NUMBERS:
        frame[name] = number_column(frame, name, path)
    for name in TEXTS:
        frame[name] = _texts(frame[name], name) if name in frame else ""
    frame["sex"] = _sexes(frame, path)
    frame["verdict"] = frame["verdict"].str.lower()
    check_words(frame, "interval_covers", get_args(IntervalCovers), path)
    check_words(frame, "verdict", get_args(Verdict), path)
    check_ages(frame, path)
    tell_of_names(frame, columns, path)
    nameless = frame["path"].where(frame["path"] != "", "line " + frame["line"].astype(str))
    frame["person"] = frame["id"].where(frame["id"] != "", nameless)
    check_gaps(frame, path)
    gaps_years = frame["brain_age_years"] - frame["age"]
    frame["gap_years"] = gaps_years.round(GAP_DECIMALS)  # gaps that are alike are equal
    reasons = _reasons(frame, without, apart)
    exclusions = tuple(
        Exclusion(row["line"], row["person"], row["session"], reason, row["group"])
        for row, reason in zip(frame.to_dict("records"), reasons, strict=True)
        if reason
    )
    kept = frame.loc[[not reason for reason in reasons]].reset_index(drop=True)
    left_out = frame.loc[list(map(bool, reasons))].reset_index(drop=True)
    again = frame.loc[[reason == SAME_SESSION for reason in reasons]]
    return AnalysisTable(kept, exclusions, len(frame), columns, left_out, again)


def _read(path: Path) -> pd.DataFrame:
    """Return the cells as text, and ``line``: where in the file a row begins."""
    import pandas as pd

    sheet = read_sheet(path, ("brain_age_years",), "give a results.csv of brainage batch")
    if sheet.breaks_off:
        raise InputError(f"the last line of {path} breaks off", "copy the whole file again")
    if again := [name for name in sheet.columns if re.search(r" \(\d+\)$", name)]:
        raise InputError(f"{path} has two columns of one name, {again[0]!r}", "rename one")
    cells = {name: [legible(row.cells[name]) for row in sheet.rows] for name in sheet.columns}
    if sheet.separator != ",":
        cells = with_points(cells, told_by=("brain_age_years", "age"), never_thousands=NUMBERS)
    columns = [name.lower() if name.lower() in COLUMNS else name for name in sheet.columns]
    frame = pd.DataFrame(dict(zip(columns, cells.values(), strict=True)), dtype=object)
    return frame.assign(line=[row.line for row in sheet.rows])


def _texts(column: pd.Series, name: str) -> pd.Series:
    """Return a column's texts, empty where they say that nothing is known; a path may be any."""
    texts = column.str.strip()
    nothing = NO_NAME if name in NAMES else NOT_KNOWN
    return texts if name == "path" else texts.mask(texts.str.lower().isin(nothing), "")


def number_column(
    frame: pd.DataFrame, name: str, path: Path, hint: str = "mend that line"
) -> pd.Series:
    """Return a column as numbers, NaN where it is empty or absent.

    Raises InputError that names the line of what is no finite number, and of one whose comma may
    stand between thousands.
    """
    import numpy as np
    import pandas as pd

    if name not in frame:
        return pd.Series(np.nan, frame.index)
    texts = frame[name].astype(str).str.strip()
    texts = texts.mask(texts.str.lower().isin(NOT_KNOWN))
    numbers = pd.to_numeric(texts, errors="coerce").astype(float)
    wrong = texts.notna() & ~np.isfinite(numbers)
    if wrong.any():
        line, text = int(frame["line"][wrong].iloc[0]), str(texts[wrong].iloc[0])[:40]
        what, hint = no_number(text, hint)
        raise InputError(f"line {line} of {path}: {name} is {text!r}, {what}", hint)
    return numbers


def _sexes(frame: pd.DataFrame, path: Path) -> list[str]:
    """Return F, M or nothing for each row; the rule is that of a batch's tables."""
    columns, rows = SexColumns(("sex",)), frame[["sex"]].to_dict("records")
    unclear = UnclearSexes()
    unclear.count(path.name, columns, rows)
    unclear.tell()
    return [columns.sex(row) or "" for row in rows]


def _reasons(frame: pd.DataFrame, without: Collection[str], apart: bool) -> list[str]:
    """Return why each row is left out, empty for those that stay.

    Where no session is named, another age is another visit. Of a session the T1 goes first.
    """
    reasons, seen = {}, set()
    has_names = bool((frame["id"] + frame["path"] != "").any())
    for place, row in t1_first(frame.to_dict("records")):
        reason = _reason(row, has_names)
        if not reason and sequence_of(row) in without:
            reason = OTHER_SEQUENCE
        if not reason:
            kind = sequence_of(row) if apart else ""
            key = (row["person"], row["session"] or row["age"], kind)
            reason = SAME_SESSION if key in seen else ""
            seen.add(key)
        reasons[place] = reason
    return [reasons[place] for place in range(len(frame))]


def _reason(row: Mapping[Any, Any], has_names: bool) -> str:
    has_brain_age = math.isfinite(row["brain_age_years"])
    if not row["id"] and not row["path"] and has_names:
        return "neither id nor path says whose it is"  # sums below a table, say
    if row["verdict"] == "refuse":
        return "refused by the quality gate" + ("; its age was forced" if has_brain_age else "")
    if not has_brain_age:
        return f"failed: {row['error'] or 'no brain age'}"
    return "" if math.isfinite(row["age"]) else "no chronological age"


def first_scans(scans: pd.DataFrame) -> pd.DataFrame:
    """Return each person's scan at the youngest age: the first visit."""
    numbered = scans.assign(**{NUMBER: session_numbers(scans)})
    ordered = numbered.sort_values(["age", NUMBER, "line"], kind="stable").drop(columns=NUMBER)
    return ordered.drop_duplicates("person").sort_values("line").reset_index(drop=True)


def later_scans(scans: pd.DataFrame) -> list[Exclusion]:
    """Return the scans that :func:`first_scans` leaves out, for the list of exclusions."""
    first = set(first_scans(scans)["line"])
    return [
        Exclusion(
            row["line"], row["person"], row["session"], "a later scan of this person", row["group"]
        )
        for row in scans.to_dict("records")
        if row["line"] not in first
    ]


def of_group(table: AnalysisTable, path: Path, group: str) -> AnalysisTable:
    """Return the rows of one group; those of others are left out, with that as the reason.

    Raises InputError when there is no such group.
    """
    if group not in (groups := sorted(set(table.scans["group"]))):
        named = ", ".join(name or "(none)" for name in groups) or "nobody with a brain age"
        raise InputError(f"{path} has no group {group!r}", f"it has {named}")
    is_chosen = table.scans["group"] == group
    others = tuple(
        Exclusion(row["line"], row["person"], row["session"], "of another group", row["group"])
        for row in table.scans[~is_chosen].to_dict("records")
    )
    chosen = table.scans[is_chosen].reset_index(drop=True)
    return replace(table, scans=chosen, exclusions=table.exclusions + others)


def with_times(table: AnalysisTable, name: str, path: Path) -> AnalysisTable:
    """Return the table with a column of times, years, as numbers; scans without one are left out.

    A scan of no time cannot be put before or after another of that person. Raises InputError when
    there is no such column, or what it holds is no number.
    """
    require_column(table, name, path)
    scans = table.scans.assign(**{name: number_column(table.scans, name, path)})
    is_known = scans[name].notna()
    timeless = tuple(
        Exclusion(row["line"], row["person"], row["session"], NO_TIME, row["group"])
        for row in scans[~is_known].to_dict("records")
    )
    kept = scans[is_known].reset_index(drop=True)
    return replace(table, scans=kept, exclusions=table.exclusions + timeless)


def require_column(table: AnalysisTable, name: str, path: Path) -> None:
    """Raise InputError when the table lacks a column that was asked for."""
    if name not in table.scans:
        further = ", ".join(table.columns)
        raise InputError(f"{path} has no column {name}", f"it has {further}")


def counted(exclusions: Sequence[Exclusion]) -> dict[str, int]:
    """Return how often each reason was given, the commonest first, then the first."""
    return dict(Counter(item.reason.split(":")[0] for item in exclusions).most_common())
