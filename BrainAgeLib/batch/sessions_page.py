"""The sessions with several sequences, as the index of a batch shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from BrainAgeLib.batch.choice import EACH_OF
from BrainAgeLib.batch.sessions import Session, made_of
from BrainAgeLib.batch.table import ResultRow
from BrainAgeLib.report.wording import one_decimal, signed, typeset

TOGETHER = "together"
ABOUT_TOGETHER = (
    "Together: the mean of the raw ages, weighted as the model's card says for these sequences. "
    "Its interval is as much wider than usual as theirs are."
)


@dataclass(frozen=True)
class SessionsView:
    """A table of sessions: its columns, its rows as text, what is to be said of it.

    ``left_out``: sessions that are too many for a browser.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    about: str
    left_out: int


def sessions_view(sessions: Sequence[Session], most_rows: int) -> SessionsView | None:
    """Return the table of sessions with more than one sequence; None where there is none."""
    several = [session for session in sessions if len(session.scans) > 1]
    if not several:
        return None
    names = [name for name in EACH_OF if any(name in session.scans for session in several)]
    has_age = any(session.together for session in several)
    has_notes = any(session.notes for session in several)
    rows = [
        (
            session.first.id,
            session.first.session,
            _years(session.age),
            *(_scan(session.scans.get(name)) for name in names),
            *([_together(session)] if has_age else []),
            *(["; ".join(note.without_file for note in session.notes)] if has_notes else []),
        )
        for session in several[:most_rows]
    ]
    columns = (
        *("id", "session", "age", *names),
        *([TOGETHER] if has_age else []),
        *(["notes"] if has_notes else []),
    )
    about = ABOUT_TOGETHER if has_age else ""
    return SessionsView(columns, tuple(rows), about, len(several) - len(rows))


def _scan(row: ResultRow | None) -> str:
    if row is None:
        return ""
    return _age(row.brain_age_years, row.interval_low, row.interval_high, row.verdict)


def _together(session: Session) -> str:
    together = session.together
    if together is None:
        return ""
    age = _age(together.brain_age_years, *together.interval_years, together.verdict)
    gap = "" if (years := together.gap_years) is None else f", raw gap {typeset(signed(years))}"
    return f"{age}{gap}: {', '.join(made_of(together))}"


def _age(years: float | None, low: float | None, high: float | None, verdict: str | None) -> str:
    """Return an age, its interval and its verdict; a refused scan has the verdict alone."""
    if years is None:
        return verdict or ""
    interval = "" if low is None or high is None else f" ({_years(low)} to {_years(high)})"
    return f"{_years(years)}{interval}, {verdict}"


def _years(value: float | None) -> str:
    return "" if value is None else one_decimal(value)
