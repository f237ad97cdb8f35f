"""Rows of a folder tree told apart: no two of one id, session and sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from BrainAgeLib.batch.files import stem
from BrainAgeLib.batch.table import ScanEntry


def told_apart(studies: Sequence[list[ScanEntry]]) -> list[list[ScanEntry]]:
    """Give scans of one id and session what tells them apart as sessions, too.

    ``studies``: the scans of each. The sequences of a study are of one session: they share it.
    """
    first = [[row for row in rows if row.taken_as == rows[0].taken_as] for rows in studies]
    named = iter(_apart([replace(row, taken_as=None) for rows in first for row in rows]))
    sessions = [[next(named).session for _ in rows] for rows in first]
    rows_of = [
        [replace(row, session=own[min(number, len(own) - 1)]) for number, row in enumerate(rows)]
        for rows, own in zip(studies, sessions, strict=True)
    ]
    again = iter(_apart([row for rows in rows_of for row in rows]))
    return [[next(again) for _ in rows] for rows in rows_of]


def _apart(entries: list[ScanEntry]) -> list[ScanEntry]:
    # Names may differ by what tells the format, series of one folder by their UID alone.
    for name_of in (lambda row: stem(Path(row.path)), lambda row: Path(row.path).name, _series_of):
        names: dict[tuple[str, str, str | None], set[str]] = {}
        for entry in entries:
            names.setdefault(_key(entry), set()).add(name_of(entry))
        entries = [
            _in_session(entry, name_of(entry)) if len(names[_key(entry)]) > 1 else entry
            for entry in entries
        ]
    return _numbered(entries)


def _key(entry: ScanEntry) -> tuple[str, str, str | None]:
    return entry.id, entry.session, entry.taken_as


def _series_of(entry: ScanEntry) -> str:
    uid = entry.further.get("series_uid", "")
    return of_uid("series", uid) if uid else ""


def _in_session(entry: ScanEntry, name: str) -> ScanEntry:
    return replace(entry, session="_".join(filter(None, (entry.session, name))))


def _numbered(entries: list[ScanEntry]) -> list[ScanEntry]:
    """Give scans that nothing tells apart, or whose new session is another's, a number."""
    times = Counter(map(_key, entries))
    taken = {key for key, count in times.items() if count == 1}
    numbered = []
    for entry in entries:
        named, copy = entry, 1
        while times[_key(entry)] > 1 and _key(named) in taken:
            copy += 1
            named = _in_session(entry, str(copy))
        taken.add(_key(named))
        numbered.append(named)
    return numbered


def of_uid(what: str, uid: str) -> str:
    """Return a name for a study or series: no number of a header becomes one itself."""
    return f"{what}-{sha256(uid.encode()).hexdigest()[:8]}"
