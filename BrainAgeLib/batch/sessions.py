"""``sessions.csv``: a row a person and session, with the ages of its sequences side by side.

What a scan is tells its picture, never the header. Of two scans of a session that show the same
sequence one counts, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from BrainAgeLib.batch.choice import EACH_OF
from BrainAgeLib.batch.table import ResultRow, write_csv
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.together import (
    VERDICTS,
    AgeTogether,
    age_together,
    is_best_alone,
    what_differs,
    why_not_joined,
)
from BrainAgeLib.records import SequenceName

Value = TypeVar("Value")

_OF_SESSION = ("id", "session", "group", "age", "sex")
_OF_SEQUENCE = ("brain_age_years", "interval_low", "interval_high", "verdict")
_OF_ALL = (
    *("brain_age_years", "interval_low", "interval_high", "interval_covers"),
    *("gap_years", "corrected_gap_years", "verdict", "of"),
)
COLUMNS = (
    *_OF_SESSION,
    *(f"{name.replace(' ', '_')}_{column}" for name in EACH_OF for column in _OF_SEQUENCE),
    *(f"together_{column}" for column in _OF_ALL),
    *("model", "notes"),
)


@dataclass(frozen=True)
class Note:
    """A note on a session, or on a scan of it; ``file``: the name of that scan's file, or ''."""

    words: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file} {self.words}".strip()

    @property
    def without_file(self) -> str:
        """The same, for a page that shows no file names."""
        return f"a scan {self.words}" if self.file else self.words


@dataclass(frozen=True)
class Session:
    """The scans of a person's session. ``first``: its first row, which says whose it is.

    ``group``, ``age`` (in years), ``sex``: the first that its rows know. ``scans``: the row that
    counts of each sequence, in the order of ``EACH_OF``; a refused one has no age. ``together``:
    what they say together, None where nothing can be. ``notes``: what of the session is not in the
    other columns, and why.
    """

    first: ResultRow
    group: str
    age: float | None
    sex: str | None
    scans: Mapping[SequenceName, ResultRow]
    together: AgeTogether | None
    notes: tuple[Note, ...]


def sessions_of(rows: Iterable[ResultRow], card: Card | None) -> list[Session]:
    """Return the sessions in the order of their first rows: nobody is missing.

    Rows are of one session if their input says so: a list by their ``visit``, a dataset or a tree
    by id and session. ``card``: of the model that made the ages; without it there is none of
    several together.
    """
    sessions: dict[tuple[str, ...], list[ResultRow]] = {}
    for row in rows:
        sessions.setdefault(row.visit or (row.id or row.path, row.session), []).append(row)
    return [_session(of_one, card) for of_one in sessions.values()]


def _session(rows: Sequence[ResultRow], card: Card | None) -> Session:
    scans: dict[SequenceName, ResultRow] = {}
    notes = [_without_sequence(row) for row in rows if _sequence(row) is None]
    for name in EACH_OF:
        same = sorted((row for row in rows if _sequence(row) == name), key=_place)
        if same:
            scans[name] = same[0]
            if same[0].sequence is None:
                notes.append(_note(same[0], f"does not show its sequence and is read as {name}"))
            notes += [
                _note(other, f"({_state(other)}) is {name}, too, and does not count")
                for other in same[1:]
            ]
    together, why = _together(scans, card)
    if differ := what_differs((row.age for row in rows), (row.sex for row in rows)):
        words = f"its scans are of different {differ}: there is no age of them together"
        together, why = None, [words]
    return Session(
        rows[0],
        _first_known(row.group or None for row in rows) or "",
        _first_known(row.age for row in rows),
        _first_known(row.sex for row in rows),
        scans,
        together,
        (*notes, *map(Note, why)),
    )


def _first_known(values: Iterable[Value | None]) -> Value | None:
    return next((value for value in values if value is not None), None)


def _sequence(row: ResultRow) -> SequenceName | None:
    """Return the sequence that the scan shows; None of what has no column, or shows nothing."""
    if row.sequence is None:
        return row.scan_age.sequence if row.scan_age and row.has_age else None
    return row.sequence if row.sequence in EACH_OF else None


def _place(row: ResultRow) -> tuple[bool, int, bool]:
    """Return which of several scans of one sequence counts: the smallest, of equals the first."""
    verdict = VERDICTS.index(row.scan_age.verdict) if row.scan_age else len(VERDICTS)
    return not row.has_age, verdict, row.sequence is None


def _together(
    scans: Mapping[SequenceName, ResultRow], card: Card | None
) -> tuple[AgeTogether | None, list[str]]:
    """Return the age of those that can be joined, and why others are not in it."""
    if card is None or not card.calibration.together:
        return None, []
    with_age = {name: row.scan_age for name, row in scans.items() if row.scan_age and row.has_age}
    if len(with_age) < 2:
        return None, []
    if any(is_best_alone(age, card) for age in with_age.values()):
        return None, [
            "the T1's age is the one to use: the model's card knows none of several with it"
        ]
    not_joined = {name: why_not_joined(age, card) for name, age in with_age.items()}
    why = [f"the age of {name} {words}" for name, words in not_joined.items() if words]
    together = age_together(list(with_age.values()), card)
    joined = [name for name in with_age if not_joined[name] is None]
    if together is None and len(joined) > 1:
        why.append(f"the model's card does not know {' and '.join(joined)} together")
    return together, why


def _without_sequence(row: ResultRow) -> Note:
    shows = f"shows {row.sequence}" if row.sequence else "has no sequence that is told"
    return _note(row, f"{shows} ({_state(row)})")


def _state(row: ResultRow) -> str:
    return row.verdict or "failed"


def _note(row: ResultRow, words: str) -> Note:
    return Note(words, Path(row.path).name or row.path)


def made_of(together: AgeTogether) -> tuple[str, ...]:
    """Return how much each sequence counts, in words; one that adds nothing counts 0."""
    return tuple(f"{name} {together.fractions.get(name, 0.0):g}" for name in together.sequences)


def write_sessions(sessions: Iterable[Session], path: Path) -> None:
    """Write the table, all of it or nothing. Raises BrainAgeError when it cannot be written."""
    write_csv(COLUMNS, map(_cells, sessions), path)


def _cells(session: Session) -> list[object]:
    first, all_of_them = session.first, session.together
    cells: list[object] = [first.id, first.session, session.group, session.age, session.sex]
    for name in EACH_OF:
        row = session.scans.get(name)
        cells += [None if row is None else getattr(row, column) for column in _OF_SEQUENCE]
    cells += [None] * len(_OF_ALL) if all_of_them is None else _cells_of_all(all_of_them)
    models = dict.fromkeys(row.model for row in session.scans.values() if row.model)
    return [*cells, tuple(models), tuple(map(str, session.notes))]


def _cells_of_all(together: AgeTogether) -> list[object]:
    years = (
        *(together.brain_age_years, *together.interval_years),
        *(together.gap_years, together.corrected_gap_years),
    )
    age, low, high, gap, corrected = (None if one is None else round(one, 4) for one in years)
    covers, verdict = together.interval_covers, together.verdict
    return [age, low, high, covers, gap, corrected, verdict, made_of(together)]
