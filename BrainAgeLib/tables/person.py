"""Which columns of a table tell a person's age, sex and group, and what a row says of these."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.records import OLDEST_AGE_YEARS, Sex
from BrainAgeLib.tables.cells import NOT_KNOWN, age_of, unit_of
from BrainAgeLib.tables.sexes import GENDER_COLUMNS, SEX_COLUMNS, SexColumns
from BrainAgeLib.tables.sheet import Row, Sheet, decoded, file_is_there, legible

_AGE = re.compile(
    r"(?:(?P<at_scan>(?:scan|mri|visit)_age|age_(?:at_)?(?:the_)?(?:scan|mri?|visit|session|imaging"
    r"|exam(?:ination)?))|age)(?:_(?:in_)?(?P<unit>[a-z]+))?"
)
_UNIT_IN_WORDS = re.compile(r"\b(?:in|as|of)\s+(months|weeks|days)\b|\((months|weeks|days)\)", re.I)
# Set by hand: more than tables round ages by; a whole year is less than that from its age.
_SAME_YEARS = 0.01
_SAME_WHOLE_YEARS = 1.0


@dataclass(frozen=True)
class Facts:
    """What a table says of somebody.

    ``says_age``: a cell speaks of the age, be it to hide it. ``complaint``: why a column that is
    there cannot be used, or None. ``further``: the cells of the other columns.
    """

    age_years: float | None = None
    says_age: bool = False
    sex: Sex | None = None
    group: str = ""
    complaint: str | None = None
    further: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AgeColumn:
    """A column of ages, the unit of numbers that name none, and whether the ages are the scan's.

    ``complaint``: why none of its numbers can be used, or None.
    """

    name: str
    unit: str = "years"
    is_at_scan: bool = False
    complaint: str | None = None


@dataclass(frozen=True)
class PersonColumns:
    """The columns of a table that tell ages, sexes and groups; ``own``: whatever else is known."""

    ages: tuple[AgeColumn, ...]
    sexes: SexColumns
    group: str | None
    own: frozenset[str]

    def facts(self, row: Row) -> Facts:
        """Return what a row says. What makes no sense, or contradicts itself, is a complaint."""
        cells = row.cells
        further = {
            name: legible(known(cell))
            for name, cell in cells.items()
            if name and name not in self.own
        }
        group = legible(known(cells[self.group])) if self.group else ""
        says_age = any(known(cells[column.name]) for column in self.ages)
        try:
            age_years = _age(cells, self.ages)
        except ValueError as error:
            return Facts(None, says_age, group=group, complaint=str(error), further=further)
        return Facts(age_years, says_age, self.sexes.sex(cells), group, further=further)


def person_columns(sheet: Sheet, own: Sequence[str], units: Mapping[str, str]) -> PersonColumns:
    """Find these columns in a table.

    ``own``: names, in lower case, that the caller reads itself; ``units``: what is said elsewhere
    of the unit of a column, by its plain name.
    """
    by_plain_name = {name: plain(name) for name in sheet.columns}
    ages = [_age_column(name, units) for name in sheet.columns]
    sexes = tuple(name for name, short in by_plain_name.items() if short in SEX_COLUMNS)
    genders = tuple(name for name, short in by_plain_name.items() if short in GENDER_COLUMNS)
    group = next((name for name, short in by_plain_name.items() if short == "group"), None)
    lower = {"age", "sex", "group", *own}
    return PersonColumns(
        tuple(_checked(column, sheet) for column in ages if column is not None),
        SexColumns(sexes, genders),
        group,
        frozenset(name for name in sheet.columns if name.lower() in lower),
    )


def plain(name: str) -> str:
    """Return the name of a column in small letters and underscores, without an added number."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r" \(\d+\)$", "", name).lower()).strip("_")


def known(cell: str) -> str:
    """Return a cell, nothing for n/a, which is how BIDS leaves one empty."""
    return "" if cell.lower() == "n/a" else cell


def units_beside(table: Path) -> dict[str, str]:
    """Return what the JSON file beside a table says of the units of its columns, by plain names.

    Raises InputError when there is such a file and it cannot be read.
    """
    sidecar = table.with_suffix(".json")
    name, hint = printable(str(sidecar)), "mend or remove it"
    try:
        if not file_is_there(sidecar):
            return {}
        content = json.loads(decoded(sidecar.read_bytes(), name, hint))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{name}, which describes {table.name}, cannot be read", hint) from error
    columns = content.items() if isinstance(content, dict) else ()
    return {plain(column): _said_unit(entry) for column, entry in columns if _said_unit(entry)}


def _said_unit(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    fields = {str(key).lower(): value for key, value in entry.items()}
    unit = fields.get("units") or fields.get("unit")
    if isinstance(unit, str) and unit.strip().lower() not in NOT_KNOWN:
        return unit
    words = _UNIT_IN_WORDS.search(f"{fields.get('longname', '')} {fields.get('description', '')}")
    return (words[1] or words[2]) if words else ""


def _age_column(name: str, units: Mapping[str, str]) -> AgeColumn | None:
    short = plain(name)
    match = _AGE.fullmatch(short)
    if match is None:
        return None
    said = [text for text in (match["unit"], units.get(short)) if text]
    try:
        named = {unit_of(text) for text in said}
    except ValueError as error:
        # "age_group" is no age; what the file beside the table says must be understood.
        return None if match["unit"] else AgeColumn(name, complaint=str(error))
    if len(named) > 1:
        return AgeColumn(name, complaint=f"the unit of {name!r} is both {' and '.join(said)}")
    return AgeColumn(name, next(iter(named), "years"), match["at_scan"] is not None)


def _checked(column: AgeColumn, sheet: Sheet) -> AgeColumn:
    """Return a column whose numbers are no years, though nothing names a unit, with a complaint."""
    numbers = [_number(row.cells[column.name]) for row in sheet.rows]
    there = [number for number in numbers if number is not None]
    too_old = sum(number > OLDEST_AGE_YEARS for number in there)
    if column.unit != "years" or 2 * too_old <= len(there):
        return column
    return AgeColumn(
        column.name,
        complaint=f"most ages in {column.name!r} cannot be years: name the column age_months or "
        "age_days, or give Units in the JSON file beside the table",
    )


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return None


def _age(cells: Mapping[str, str], columns: Sequence[AgeColumn]) -> float | None:
    """Return the age in years; ValueError when columns contradict each other or make no sense."""
    speaking = [column for column in columns if cells[column.name].lower() not in NOT_KNOWN]
    at_scan = [column for column in speaking if column.is_at_scan]
    ages = []
    for column in at_scan or speaking:
        if column.complaint is not None:
            raise ValueError(column.complaint)
        ages.append((age_of(cells[column.name], column.unit), column.name))
    return same_age(ages, may_be_rounded=True)


def same_age(
    ages: Sequence[tuple[float | None, str]], may_be_rounded: bool = False
) -> float | None:
    """Return the age that several places, which are named, agree on; None where none tells one.

    ``may_be_rounded``: whole years agree with the age that they are rounded from. Raises
    ValueError, with a sentence, when two ages contradict each other.
    """
    told = sorted((age, where) for age, where in ages if age is not None)
    exact = [(age, where) for age, where in told if age % 1]
    rounded_away = may_be_rounded and exact and told[-1][0] - told[0][0] < _SAME_WHOLE_YEARS
    compared = exact if rounded_away else told
    if not compared:
        return None
    (low, low_from), (high, high_from) = compared[0], compared[-1]
    if high - low > _SAME_YEARS:
        raise ValueError(
            f"two ages contradict each other: {low:g} years ({low_from}) and {high:g} years "
            f"({high_from})"
        )
    return low
