"""``results.csv``: one row a scan, failures included; how it is written and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from BrainAgeLib.errors import InputError
from BrainAgeLib.whole_file import write_atomically

FILE_NAME = "results.csv"
FINDING_SEPARATOR = ";"
ENCODING = "utf-8"
# File names need not be UTF-8: such bytes pass through unchanged.
ENCODING_ERRORS = "surrogateescape"
NOT_KNOWN = frozenset({"", "n/a", "nan", "na", "none", "null"})


@dataclass(frozen=True)
class ResultRow:
    """What came of one scan; ages and gaps in years, None where nothing is known.

    The fields up to ``seconds`` are the columns of the file, in its order. ``findings`` are the
    codes of the quality gate, ``model`` is its name and version. ``exit_code`` and ``error`` are
    those that ``brainage predict`` would have ended with. ``further``: the other columns of the
    input list, as text.
    """

    path: str
    id: str = ""
    session: str = ""
    group: str = ""
    age: float | None = None
    sex: str | None = None
    brain_age_years: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    gap_years: float | None = None
    corrected_gap_years: float | None = None
    gap_percentile: float | None = None
    verdict: str | None = None
    findings: tuple[str, ...] = ()
    slice_spacing_mm: float | None = None
    model: str | None = None
    exit_code: int | None = None
    error: str | None = None
    seconds: float | None = None
    further: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_age(self) -> bool:
        """Whether a brain age was predicted."""
        return self.brain_age_years is not None


COLUMNS = tuple(entry.name for entry in fields(ResultRow) if entry.name != "further")
_TEXTS = frozenset({"path", "id", "session", "group"})
_OPTIONAL_TEXTS = frozenset({"sex", "verdict", "model", "error"})


def write_results(rows: Sequence[ResultRow], path: Path) -> None:
    """Write the table, all of it or nothing. Raises BrainAgeError when it cannot be written."""
    further = tuple(dict.fromkeys(name for row in rows for name in row.further))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS + further)
    for row in rows:
        own = [_text(getattr(row, name)) for name in COLUMNS]
        writer.writerow(own + [row.further.get(name, "") for name in further])
    write_atomically(path, text.getvalue().encode(ENCODING, ENCODING_ERRORS))


def read_results(path: Path) -> list[ResultRow]:
    """Read a table of results; columns that it lacks are not known.

    Raises InputError when it cannot be read, has no column ``brain_age_years`` or a number is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors=ENCODING_ERRORS)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be read: {reason.lower()}", "name a results.csv") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if "brain_age_years" not in (reader.fieldnames or ()):
        raise InputError(
            f"{path} has no column brain_age_years", "give a results.csv of brainage batch"
        )
    return [_row(values, path, reader.line_num) for values in reader]


def number(text: str | None) -> float | None:
    """Return the number in a cell, or None when it says that there is none.

    Raises ValueError when it is something else.
    """
    stripped = (text or "").strip()
    return None if stripped.lower() in NOT_KNOWN else float(stripped)


def _row(values: Mapping[str, str | None], path: Path, line: int) -> ResultRow:
    own: dict[str, object] = {}
    for name in COLUMNS:
        text = (values.get(name) or "").strip()
        try:
            own[name] = _value(name, text)
        except ValueError:
            raise InputError(
                f"line {line} of {path}: {name} is {text!r}, which is no number", "mend that line"
            ) from None
    further = {name: text or "" for name, text in values.items() if name and name not in COLUMNS}
    return ResultRow(**own, further=further)  # type: ignore[arg-type]


def _value(name: str, text: str) -> object:
    if name in _TEXTS:
        return text
    if name == "findings":
        return tuple(code for code in text.split(FINDING_SEPARATOR) if code)
    if name in _OPTIONAL_TEXTS:
        return text or None
    value = number(text)
    return int(value) if name == "exit_code" and value is not None else value


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        return FINDING_SEPARATOR.join(value)
    return str(value)
