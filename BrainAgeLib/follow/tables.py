"""People of a results table who were scanned again, and the table of their changes."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import to_plain
from BrainAgeLib.cohort.beside import RecordsBeside
from BrainAgeLib.cohort.sequences import NOT_T1, finding_codes, is_of_t1, sequence_of
from BrainAgeLib.cohort.table import Exclusion, read_table, with_times
from BrainAgeLib.cohort.table_checks import check_times
from BrainAgeLib.cohort.visit_order import against_sessions
from BrainAgeLib.errors import InputError
from BrainAgeLib.follow.differences import PersonChange
from BrainAgeLib.follow.identity import maybe_two_people, subject_of
from BrainAgeLib.follow.visits import (
    AGES,
    OF_RECORDS_ALONE,
    SEQUENCE_TRAIT,
    SPACING_TRAIT,
    T1,
    NotFollowed,
    Person,
    Trait,
    Visit,
    VisitFinding,
    person_of,
    times_of_ages,
    traits_of_codes,
    visit_of,
)
from BrainAgeLib.follow.wording import NOT_FOLLOWED, NOTICE
from BrainAgeLib.report.wording import VERDICT_WORDS
from BrainAgeLib.whole_file import write_atomically

# Looked at where a table has them, and by which names for people.
TRAIT_COLUMNS = {
    **{name: name for name in ("site", "scanner", "protocol")},
    "sequence": "the column sequence",  # one's own; that of a batch tells more
}
OTHER_ORDER = (
    "The numbers of the sessions tell another order of the scans than their times, by which they "
    "are taken: an age or a session may be wrong."
)
HOW_TO_SAY = "--time COLUMN names a column of them, or the column age has decimals"


def people_of_table(path: Path, time: str | None = None) -> tuple[list[Person], list[NotFollowed]]:
    """Return everybody with two scans or more, in the order of the table, and who has no times.

    ``time``: the column of years since a person's first scan; None takes the difference of ages.
    What the table does not hold comes from the records that the batch left beside it.
    Raises InputError when the table cannot be read or nobody who was scanned again can be followed.
    """
    table = read_table(path)
    if time:
        table = with_times(table, time, path)
    people, not_followed, records = [], [], RecordsBeside(path)
    error = InputError(
        f"nobody in {path} has two scans with a brain age and an age",
        "the column id names the person of each scan",
    )
    for name, rows in table.scans.groupby("person", sort=False):
        if len(rows) > 1:
            try:
                if time:
                    check_times(rows.assign(years=rows[time] - rows[time].min()), path)
                person = _person(str(name), rows.to_dict("records"), time, records)
                if against_sessions(rows, rows[time or "age"]):
                    person = replace(person, notes=(*person.notes, OTHER_ORDER))
            except InputError as failed:  # which costs nobody else a result
                error = failed
                not_followed.append(NotFollowed(str(name), str(failed.message)))
                continue
            left_out = tuple(_left_out(each) for each in table.exclusions if each.person == name)
            people.append(replace(person, notes=person.notes + left_out))
    if not people:
        raise error
    return people, not_followed


def _person(
    name: str, rows: list[dict[Any, Any]], time: str | None, records: RecordsBeside
) -> Person:
    times, notes = times_of_ages([row["age"] for row in rows])
    told_by = AGES
    if time:
        times, notes, told_by = [float(row[time]) for row in rows], [], f"the years in {time}"
    visits = [_visit(row, since, records) for row, since in zip(rows, times, strict=True)]
    notes = notes + maybe_two_people(
        [visit.name for visit in visits],
        [subject_of(row["path"]) for row in rows],
        sexes=[row["sex"] for row in rows],
    )
    person = person_of(name, visits, notes, told_by, HOW_TO_SAY)
    not_held = [each for each in OF_RECORDS_ALONE if any(each not in one.traits for one in visits)]
    if any(one.traits.get(SEQUENCE_TRAIT) == NOT_T1 for one in visits):
        not_held.append("which sequence other than T1w it is")
    if not not_held:
        return person
    note = (
        f"Not compared, since the table does not hold it: {', '.join(not_held)}. The records "
        "(prediction.json) do: leave the table in the folder of its batch, or give the records."
    )
    return replace(person, notes=(*person.notes, note))


def _visit(row: dict[Any, Any], since_years: float, records: RecordsBeside) -> Visit:
    """Return the visit of a row; what the user's own columns say goes before the record."""
    name, traits = row["session"] or f"line {row['line']}", _traits(row)
    record = records.of(row["path"], row["brain_age_years"])
    if record is not None:
        visit = visit_of(record, name, since_years)
        known = {trait: value for trait, value in traits.items() if value is not None}
        return replace(visit, age_years=row["age"], traits={**visit.traits, **known})
    sequence = sequence_of(row)
    return Visit(
        name,
        since_years,
        row["age"],
        row["brain_age_years"],
        row["verdict"],
        row["model"],
        traits | ({SEQUENCE_TRAIT: T1 if is_of_t1(row) else sequence} if "findings" in row else {}),
        _findings(row),
        is_of_t1(row),
    )


def _traits(row: dict[Any, Any]) -> dict[str, Trait]:
    spacing_mm = float(row["slice_spacing_mm"])
    traits: dict[str, Trait] = {
        name: said
        for column, name in TRAIT_COLUMNS.items()
        if (said := str(row.get(column) or "").strip())
        and not (column == "sequence" and "findings" in row and said == sequence_of(row))
    }
    traits[SPACING_TRAIT] = None if math.isnan(spacing_mm) else spacing_mm
    return traits | traits_of_codes(finding_codes(row))


def _findings(row: dict[Any, Any]) -> tuple[VisitFinding, ...]:
    """Return the codes of a scan that did not pass; a table has no sentences."""
    codes = finding_codes(row)
    if row["verdict"] not in ("warn", "refuse") or not codes:
        return ()
    verdict = row["verdict"]
    return (VisitFinding(verdict, f"{VERDICT_WORDS[verdict]}: {', '.join(codes)}"),)


def _left_out(exclusion: Exclusion) -> str:
    scan = exclusion.session or f"line {exclusion.line}"
    return f"A scan of this person is left out, {scan}: {exclusion.reason}."


def write_changes(
    results: Sequence[PersonChange],
    folder: Path,
    not_followed: Sequence[NotFollowed] | None = None,
) -> None:
    """Write ``changes.csv``, a row a person, and ``follow.json`` with all that the page says.

    Who is not followed has a row without numbers, and the reason among its warnings. None for
    ``not_followed``: there is no table, whose people could be.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("id", "scans", "years", "change_a_year", "low", "high", "smallest_a_year")
        + ("more_than_error", "warnings")
        + ("change_in_all", "low_in_all", "high_in_all", "smallest_in_all")
    )
    for result in results:
        change = result.change
        ends = change.a_year_interval or (None, None)  # no rate of scans days apart
        numbers = (change.years, change.a_year, *ends, change.smallest_a_year)
        in_all = (change.total_years, *change.total_interval, change.smallest_total_years)
        writer.writerow(
            (result.person.name, len(result.person.visits), *map(_number, numbers))
            + ("yes" if change.is_more_than_error else "no", " ".join(result.warnings))
            + tuple(map(_number, in_all))
        )
    for one in not_followed or ():
        writer.writerow((one.name, *[""] * 7, f"{NOT_FOLLOWED}: {one.reason}", *[""] * 4))
    write_atomically(folder / "changes.csv", text.getvalue().encode("utf-8", "backslashreplace"))
    document = {"notice": NOTICE, "people": [to_plain(result) for result in results]}
    if not_followed is not None:
        document["not_followed"] = [to_plain(one) for one in not_followed]
    content = json.dumps(document, indent=1, allow_nan=False)
    write_atomically(folder / "follow.json", f"{content}\n".encode())


def _number(years: float | None) -> str:
    return "" if years is None else f"{years:.4f}"
