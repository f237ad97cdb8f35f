"""``participants.tsv`` and ``sub-*_sessions.tsv`` of a BIDS dataset: what they say of a person.

Ids are matched where only one person can be meant: ``1`` and ``sub-1`` are ``sub-001`` where there
is no other. Of several rows the session's counts; where they contradict each other none does.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib.tables.person import (
    Facts,
    PersonColumns,
    known,
    person_columns,
    same_age,
    units_beside,
)
from BrainAgeLib.tables.sexes import UnclearSexes
from BrainAgeLib.tables.sheet import Row, file_is_there, find_sheet, legible

logger = logging.getLogger(__name__)

NAME, _SESSIONS_NAME = "participants.tsv", "sub-*_sessions.tsv"
ID_COLUMNS = ("participant_id", "participant", "subject_id", "subject", "sub", "id")
SESSION_COLUMNS = ("session_id", "session", "ses")
FILE_COLUMNS = ("file", "filename")
_HINT = "mend that file: its columns are participant_id, age, sex"


@dataclass(frozen=True)
class _Table:
    """Rows by what stands in their key column, and how to read them; ``name``: of the file."""

    name: str
    rows: dict[str, list[Row]]
    columns: PersonColumns
    session: str | None = None

    def all_cells(self) -> list[Mapping[str, str]]:
        return [row.cells for rows in self.rows.values() for row in rows]


class Participants:
    """What the tables of a dataset say. ``visits``: person and session of every scan.

    Persons are ``sub-LABEL``, sessions ``ses-LABEL`` or nothing. Raises InputError when a table is
    there and is none.
    """

    def __init__(self, dataset: Path, visits: Iterable[tuple[str, str]]) -> None:
        self._dataset = dataset
        self._sessions_of: dict[str, set[str]] = defaultdict(set)
        for subject, session in visits:
            self._sessions_of[subject].add(session)
        path = dataset / NAME
        units = units_beside(path)
        self._files = _read(path, FILE_COLUMNS, units)
        people = _read(path, ID_COLUMNS, units)
        if people is None and self._files is None and path.is_file():
            logger.warning("%s has no column participant_id: it tells nobody's age", NAME)
        self._unclear = UnclearSexes()
        if table := people or self._files:  # of the same file
            self._unclear.count(NAME, table.columns.sexes, table.all_cells())
        self._people = people
        self._without_scan: dict[str, list[Row]] = {}
        if people is not None:
            matched = _of_people(people.rows, self._sessions_of)
            there = {id(row) for rows in matched.values() for row in rows}
            # Where it names nobody of these, it names them otherwise: that is another sentence.
            self._without_scan = {
                key: rows for key, rows in people.rows.items() if there and id(rows[0]) not in there
            }
            self._people = replace(people, rows=matched)
        self._of_sessions: dict[str, _Table | None] = {}
        self._without_age: set[str] = set()
        self._without_row: set[tuple[str, str]] = set()
        self._ages_of: dict[str, dict[str, float | None]] = defaultdict(dict)

    def facts(self, subject: str, session: str, file_name: str) -> Facts:
        """Return what is known of a person at a session."""
        facts = self._of_file_or_person(subject, session, file_name)
        at_session = self._at_session(subject, session)
        if at_session is not None:
            facts = _with(facts, at_session)
        if facts.age_years is None and facts.complaint is None:
            self._without_age.add(subject)
        self._ages_of[subject][session] = facts.age_years
        return facts

    def without_scan(self, told_of: Collection[str] = ()) -> list[str]:
        """Return the people, as the table writes them, who have no scan; ``told_of`` aside."""
        told = _of_people(self._without_scan, told_of)
        those = {id(row) for rows in told.values() for row in rows}
        return [key for key, rows in self._without_scan.items() if id(rows[0]) not in those]

    def tell_who_is_missing(self) -> None:
        """Log how many people with a scan the tables leave without an age, or with one for all."""
        if self._without_age and (self._people or self._files):
            logger.warning(
                "%d of %d people with a scan have no age in %s",
                len(self._without_age),
                len(self._sessions_of),
                NAME,
            )
        if self._without_row:
            logger.warning(
                "sessions with a scan that %s does not name (%d) have the age of %s, if any: name "
                "them there as the folders do",
                *(_SESSIONS_NAME, len(self._without_row), NAME),
            )
        of_people = [list(ages.values()) for ages in self._ages_of.values()]
        if same := sum(
            len(ages) > 1 and len(set(ages)) == 1 and ages[0] is not None for ages in of_people
        ):
            logger.warning(
                "one age for all sessions of a person (people: %d): where sessions lie "
                "apart, give sub-*_sessions.tsv a column age, or %s a row a session",
                same,
                NAME,
            )

    def tell_unclear_sexes(self) -> None:
        """Log how many rows of the tables asked so far leave a sex open, if any do."""
        self._unclear.tell()

    def _of_file_or_person(self, subject: str, session: str, file_name: str) -> Facts:
        if self._files is not None and file_name in self._files.rows:
            return _agreed(self._files.rows[file_name], self._files)
        if self._people is None:
            return Facts()
        rows = self._people.rows.get(subject, [])
        if self._people.session is not None:
            rows = self._of_session(rows, self._people.session, subject, session)
        return _agreed(rows, self._people)

    def _of_session(self, rows: list[Row], column: str, subject: str, session: str) -> list[Row]:
        """Return the rows of a session, else those that name none; all, if the scan names none."""
        by_session: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_session[legible(row.cells[column])].append(row)
        of_all = by_session.pop("", [])
        if not session:
            return of_all or rows
        return _matched(by_session, self._sessions_of[subject]).get(session) or of_all

    def _at_session(self, subject: str, session: str) -> Facts | None:
        """Return what the person's table of sessions says, None where it does not speak of it."""
        if subject not in self._of_sessions:
            path = self._dataset / subject / f"{subject}_sessions.tsv"
            units = units_beside(self._dataset / "sessions.tsv") | units_beside(path)
            table = self._of_sessions[subject] = _read(path, SESSION_COLUMNS, units)
            if table is not None:
                self._unclear.count(_SESSIONS_NAME, table.columns.sexes, table.all_cells())
        table = self._of_sessions[subject]
        if table is None:
            return None
        rows = _matched(table.rows, self._sessions_of[subject]).get(session) if session else None
        if not rows and table.columns.ages:
            self._without_row.add((subject, session))
        return _agreed(rows, table) if rows else None


def names_of_most(dataset: Path, choices: Sequence[Collection[str]]) -> int:
    """Return which of several sets of names is that of most of the table's people.

    Of those alike it is the one with more names written as the table does, then the first. Raises
    InputError when the table is there and is none.
    """
    path = dataset / NAME
    people = _read(path, ID_COLUMNS, units_beside(path))
    rows = {} if people is None else people.rows
    matched = [_of_people(rows, names) for names in choices]
    scores = [(len(found), len(rows.keys() & found.keys())) for found in matched]
    return scores.index(max(scores))


def _read(path: Path, key: Sequence[str], units: Mapping[str, str]) -> _Table | None:
    """Return a table by one of these columns; None when it has none of them or is not there."""
    sheet = find_sheet(path, key, _HINT) if file_is_there(path) else None
    if sheet is None:
        return None
    by_name = {name.lower(): name for name in reversed(sheet.columns)}
    column = next(by_name[name] for name in key if name in by_name)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in sheet.rows:
        if cell := legible(known(row.cells[column])):
            rows[cell.rsplit("/", 1)[-1] if key == FILE_COLUMNS else cell].append(row)
    of_session = next((by_name[name] for name in SESSION_COLUMNS if name in by_name), None)
    own = [name for name in (column, of_session, "participant_id", "file") if name]
    columns = person_columns(sheet, [name.lower() for name in own], units)
    return _Table(path.name, dict(rows), columns, of_session)


def _matched(rows: dict[str, list[Row]], wanted: Collection[str]) -> dict[str, list[Row]]:
    """Return the rows by the names that are wanted; a key is the only one that is like its name."""
    found: dict[str, list[Row]] = {}
    exact = {_label(key): key for key in wanted}
    likes, keys = defaultdict(set), defaultdict(set)
    for name in wanted:
        likes[bare_label(name)].add(name)
    for key in rows:
        keys[bare_label(key)].add(_label(key))
    for key, of_key in rows.items():
        whose = exact.get(_label(key))
        like = likes[bare_label(key)]
        if whose is None and len(like) == 1 and len(keys[bare_label(key)]) == 1:
            whose = next(iter(like))
        if whose is not None:
            found.setdefault(whose, []).extend(of_key)
    return found


def _of_people(rows: dict[str, list[Row]], names: Collection[str]) -> dict[str, list[Row]]:
    """Return the rows by the people who are wanted; a folder ``ses-1`` is nobody."""
    return _matched(rows, [name for name in names if name and not name.startswith("ses-")])


def _label(name: str) -> str:
    return re.sub(r"^(?:sub|ses)-", "", unicodedata.normalize("NFC", name))


def bare_label(name: str) -> str:
    """Return what names have in common that differ by case, signs, leading zeros or ".0"."""
    label = re.sub(r"^(?:sub|ses)(?=[\W_\d])", "", unicodedata.normalize("NFC", name).lower())
    label = re.sub(r"(?<=\d)\.0$", "", label)
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\W_]+", "", label))


def _agreed(rows: list[Row], table: _Table) -> Facts:
    """Return what rows of one person say together; a complaint where they contradict each other."""
    if not rows:
        return Facts()
    each = [table.columns.facts(row) for row in rows]
    complaint = next((facts.complaint for facts in each if facts.complaint), None)
    age_years = None
    try:
        age_years = same_age(
            [(facts.age_years, f"line {row.line}") for facts, row in zip(each, rows, strict=True)]
        )
    except ValueError as error:
        complaint = complaint or str(error)
    sexes = {facts.sex for facts in each if facts.sex}
    groups = {facts.group for facts in each if facts.group}
    if len(sexes) > 1 or len(groups) > 1:
        complaint = complaint or "two rows of this person name different sexes or groups"
    return Facts(
        age_years=None if complaint else age_years,
        says_age=any(facts.says_age for facts in each),
        sex=sexes.pop() if len(sexes) == 1 else None,
        group=groups.pop() if len(groups) == 1 else "",
        complaint=complaint and f"{table.name}: {complaint}",
        further={
            name: cell if all(facts.further[name] == cell for facts in each) else ""
            for name, cell in each[0].further.items()
        },
    )


def _with(person: Facts, session: Facts) -> Facts:
    """Return what is said of a person with what the session's own table says in its place."""
    age = session if session.says_age else person
    further = {**session.further, **person.further}
    return Facts(
        age_years=age.age_years,
        says_age=age.says_age,
        sex=session.sex or person.sex,
        group=session.group or person.group,
        complaint=session.complaint or (None if session.says_age else person.complaint),
        further=further | {name: cell for name, cell in session.further.items() if cell},
    )
