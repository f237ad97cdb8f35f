"""``index.html`` of a batch: one page over all scans; ``index.html.j2`` says how it looks."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from BrainAgeLib.batch.gaps import T1, Histogram, gap_histogram, gaps_by_sequence, gaps_in_words
from BrainAgeLib.batch.sessions import Session
from BrainAgeLib.batch.sessions_page import SessionsView, sessions_view
from BrainAgeLib.batch.table import INDEX_NAME, ResultRow, ScanEntry, same_scans_in_words
from BrainAgeLib.records import INTERVAL_LEVEL, NOTICE
from BrainAgeLib.report.output_folder import OutputFolder
from BrainAgeLib.report.pages import filled_in, write_page
from BrainAgeLib.report.wording import (
    INTERVAL_COVERS,
    one_decimal,
    percent,
    scans_in_words,
    signed,
    state,
    typeset,
)

# About 3 kB each: with more the page would be too heavy for a browser.
MOST_THUMBNAILS = 1000
MOST_LINES = 5000
INTERVAL = f"{percent(INTERVAL_LEVEL)} interval"
COLUMNS = (
    *("id", "session", "group", "sequence", "age", "sex", "brain age", INTERVAL, "raw gap"),
    *("corrected gap", "quality", "findings or error"),
)
MAY_BE_LEFT_OUT = ("session", "group")  # when no scan has one


@dataclass(frozen=True)
class Cell:
    """A cell of the table of scans. It sorts by ``value``, or by its text without one."""

    text: str
    kind: str = ""
    value: float | None = None
    address: str | None = None


@dataclass(frozen=True)
class Line:
    """A scan in the table. ``picture``: its thumbnail as a ``data:`` address, or None."""

    id: str
    picture: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class IndexView:
    """All that the page says.

    ``histogram``: of the first of ``gaps_in_words``, which are a sentence a sequence, T1 first.
    ``intervals_in_words``: which scanners the intervals speak of, '' where there is none.
    ``left_out``: scans that are too many for a browser. ``sessions``: those of several sequences.
    """

    title: str
    histogram: Histogram | None
    gaps_in_words: tuple[str, ...]
    verdicts: tuple[tuple[str, int], ...]
    findings: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    intervals_in_words: str
    scans: tuple[Line, ...]
    left_out: int
    same_scans_in_words: tuple[str, ...] = ()
    sessions: SessionsView | None = None


def write_index(
    entries: Sequence[ScanEntry],
    rows: Sequence[ResultRow],
    output: Path,
    sessions: Sequence[Session] = (),
) -> None:
    """Write the page for scans and their rows, in the same order. Raises BrainAgeError."""
    write_page(output / INDEX_NAME, index_html(entries, rows, output, sessions))


def index_html(
    entries: Sequence[ScanEntry],
    rows: Sequence[ResultRow],
    output: Path,
    sessions: Sequence[Session] = (),
) -> str:
    """Return the page; it names scans by their ids and shows no path above the output folder."""
    view = replace(_view(entries, rows, output), sessions=sessions_view(sessions, MOST_LINES))
    return filled_in("index.html.j2", view=view, notice=NOTICE)


def _view(entries: Sequence[ScanEntry], rows: Sequence[ResultRow], output: Path) -> IndexView:
    gaps = gaps_by_sequence(rows)
    states = Counter(_state(row) for row in rows)
    findings = Counter(code for row in rows for code in row.findings)
    empty = {name for name in MAY_BE_LEFT_OUT if not any(getattr(row, name) for row in rows)}
    if all((row.sequence or T1) == T1 for row in rows):
        empty.add("sequence")
    columns = tuple(name for name in COLUMNS if name not in empty)
    shown = list(zip(entries, rows, strict=True))[:MOST_LINES]
    return IndexView(
        title=f"Brain age of {scans_in_words(len(rows))}",
        histogram=gap_histogram(next(iter(gaps.values()), [])),
        gaps_in_words=gaps_in_words(gaps),
        verdicts=tuple(states.most_common()),
        findings=tuple((_words(code), n) for code, n in findings.most_common()),
        columns=columns,
        intervals_in_words=_intervals_in_words(rows),
        scans=tuple(
            _line(entry, row, output / entry.folder, number < MOST_THUMBNAILS, columns)
            for number, (entry, row) in enumerate(shown)
        ),
        left_out=len(rows) - len(shown),
        same_scans_in_words=tuple(same_scans_in_words(rows)),
    )


def _intervals_in_words(rows: Sequence[ResultRow]) -> str:
    kinds = {row.interval_covers: None for row in rows if row.interval_low is not None}
    words = " or ".join(INTERVAL_COVERS[covers][0] for covers in kinds)
    return f"{INTERVAL}: {words}." if words else ""


def _line(
    entry: ScanEntry, row: ResultRow, folder: Path, has_picture: bool, columns: Sequence[str]
) -> Line:
    """Return the line of a scan: a picture and the columns of those names."""
    outputs = OutputFolder(folder)
    address = quote(f"{entry.folder}/{outputs.report.name}") if outputs.report.is_file() else None
    interval = " to ".join(filter(None, (_years(row.interval_low), _years(row.interval_high))))
    cells = (
        Cell(row.id or Path(row.path).name, address=address),
        Cell(row.session),
        Cell(row.group),
        Cell(row.sequence or ""),
        Cell(_years(row.age), "number", row.age),
        Cell(row.sex or ""),
        Cell(_years(row.brain_age_years), "number", row.brain_age_years),
        Cell(interval, "interval"),
        Cell(_signed(row.gap_years), "number", row.gap_years),
        Cell(_signed(row.corrected_gap_years), "number", row.corrected_gap_years),
        Cell(_state(row), row.verdict or "refuse"),
        Cell(_why(entry, row), "why"),
    )
    picture = _picture(outputs.thumbnail) if has_picture else None
    shown = [cell for name, cell in zip(COLUMNS, cells, strict=True) if name in columns]
    return Line(row.id, picture, tuple(shown))


def _why(entry: ScanEntry, row: ResultRow) -> str:
    """Return why the scan was taken, and the error without the folders above it, or findings."""
    if row.error is None:
        return ", ".join(filter(None, (row.selection, *map(_words, row.findings))))
    # By another way than now, it may be: an earlier run may have been given the input otherwise.
    name = re.escape(Path(entry.scan).name)
    error = re.sub(rf"(?<!\w)(?:[A-Za-z]:)?[/\\].*[/\\](?={name})", "", row.error)
    return ", ".join(filter(None, (row.selection, error)))


def _state(row: ResultRow) -> str:
    return "Failed" if row.verdict is None else state(row.verdict, row.has_age)


def _picture(path: Path) -> str | None:
    try:
        content = base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError:
        return None
    return f"data:image/png;base64,{content}"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _years(value: float | None) -> str:
    return "" if value is None else one_decimal(value)


def _signed(value: float | None) -> str:
    return "" if value is None else typeset(signed(value))
