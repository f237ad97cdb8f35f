"""How a run speaks: a line that moves on a terminal, or one JSON object a line for programs."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from BrainAgeLib.errors import BrainAgeError, printable
from BrainAgeLib.findings import explained_by
from BrainAgeLib.records import ProgressCallback

if TYPE_CHECKING:
    from BrainAgeLib.batch.table import ResultRow

BAR_WIDTH = 30
SECONDS_BETWEEN_LINES = 30.0
STAGE_WORDS = {
    "read": "reading the scan",
    "brain_extraction": "extracting the brain",
    "registration": "registering to the template",
    "prediction": "predicting the age",
    "saliency": "mapping where the age comes from",
    "write": "writing the results",
    "table": "reading the table",
    "groups": "comparing the groups",
    "change": "fitting the change over time",
    "score": "score, events and power",
    "diagnostics": "checking the models",
}


class JsonLines:
    """Events for the program that started us; nothing else goes to stdout."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def stage(self, name: str, fraction: float) -> None:
        """Say how far the job is, 0-1."""
        self._write({"event": "stage", "name": name, "fraction": round(fraction, 4)})

    def result(self, path: Path, verdict: str) -> None:
        """Say where the result lies."""
        self._write({"event": "result", "path": str(path), "verdict": verdict})

    def row(self, row: Mapping[str, object], done: int, count: int) -> None:
        """Say what came of one scan of a batch, and how many are done."""
        self._write({"event": "scan", **row, "done": done, "count": count})

    def table(
        self, path: Path, scans: int, without_age: int, same_scans: Sequence[Sequence[str]]
    ) -> None:
        """Say where the results of a batch lie, and which names are those of one scan."""
        counts = {"scans": scans, "without_age": without_age}
        self._write({"event": "result", "path": str(path), **counts, "same_scans": same_scans})

    def error(self, error: BrainAgeError) -> None:
        """Say what went wrong."""
        event: dict[str, object] = {"event": "error", "message": error.message, "hint": error.hint}
        if error.details:
            event["details"] = list(error.details)
        self._write(event)

    def _write(self, event: dict[str, object]) -> None:
        with self._lock:
            self._stream.write(json.dumps(event) + "\n")
            self._stream.flush()


class MovingLine:
    """A line on a terminal that is drawn anew and removed at the end."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._width = 0

    def draw(self, line: str) -> None:
        """Put a line in the place of the one before."""
        self.stream.write("\r" + line.ljust(self._width))
        self.stream.flush()
        self._width = len(line)

    def clear(self) -> None:
        """Remove the line."""
        if self._width:
            self.stream.write("\r" + " " * self._width + "\r")
            self.stream.flush()
            self._width = 0


class TerminalProgress(MovingLine):
    """How far one scan is."""

    def __call__(self, name: str, fraction: float) -> None:
        """Draw the bar."""
        filled = round(BAR_WIDTH * fraction)
        self.draw(f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {STAGE_WORDS.get(name, name)}")


class BatchProgress(MovingLine):
    """How far a batch is: on a terminal a line that moves, in a log a line now and then.

    Tells of every scan without an age at once, also of failures of the list and of earlier runs,
    with ``is_verbose`` of all others too, and of the rate and the time that remains unless
    ``is_quiet``.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        *,
        is_verbose: bool = False,
        is_quiet: bool = False,
    ) -> None:
        super().__init__(stream)
        self._clock = clock
        self._is_verbose, self._is_quiet = is_verbose, is_quiet
        self._began = self._said = clock()
        self._worked_on = self._without_age = 0

    def __call__(self, row: ResultRow, was_there: bool, done: int, count: int) -> None:
        """Take a row: of this run, or one that an earlier run left."""
        self._without_age += not row.has_age
        self._worked_on += not was_there
        is_news = not was_there and (self._is_verbose or not row.has_age)
        if is_news or row.error is not None:
            self._say(_told(row))
        if self._is_quiet:
            return
        now = self._clock()
        line = self.line(done, count, now - self._began)
        if self.stream.isatty():
            self.draw(line)
        elif not was_there and (done == count or now - self._said >= SECONDS_BETWEEN_LINES):
            self._said = now
            self._say(line)

    def line(self, done: int, count: int, seconds: float) -> str:
        """Return how far it is, how fast it goes and how long it will take."""
        words = f"{done} of {count} scans"
        if self._without_age:
            words += f", {self._without_age} without an age"
        if self._worked_on and seconds > 0:
            rate = self._worked_on / seconds
            words += f", {_rate(rate)}"
            if done < count:
                words += f", {_duration((count - done) / rate)} left"
        return words

    def _say(self, line: str) -> None:
        self.clear()
        self.stream.write(f"{_one_line(line)}\n")
        self.stream.flush()


def _told(row: ResultRow) -> str:
    """Return what came of a scan in one line."""
    if row.has_age:
        findings = f" ({', '.join(row.findings)})" if row.findings else ""
        return f"{row.path}: {row.brain_age_years:.1f} years, {row.verdict}{findings}"
    explained = explained_by(row.findings)
    told = [code for code in row.findings if code not in explained] or row.findings
    why = row.error or f"refused ({', '.join(told)})"
    return why if printable(row.path) in why else f"{row.path}: {why}"


def _one_line(text: str) -> str:
    """Return what names of files may be part of, with nothing that a terminal would obey."""
    return printable(" ".join(text.split()))


def _rate(per_second: float) -> str:
    per_minute = 60 * per_second
    return f"{per_minute:.3g} a minute" if per_minute >= 1 else f"{60 * per_minute:.3g} an hour"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def progress_for(json_lines: JsonLines | None, is_quiet: bool = False) -> ProgressCallback | None:
    """Return what a run should report to, or None when nobody looks."""
    if json_lines is not None:
        return json_lines.stage
    if is_quiet or sys.stderr is None or not sys.stderr.isatty():
        return None
    return TerminalProgress(sys.stderr)


def announce_error(error: BrainAgeError, json_lines: JsonLines | None) -> None:
    """Say one line on stderr, details indented below it, and the event when programs listen."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    lines = [f"brainage: error: {_one_line(message)}"]
    lines += [f"  {_one_line(detail)}" for detail in error.details]
    # Either stream may be gone or full; the other one, or the exit code, still tells.
    with suppress(OSError):
        if json_lines is not None:
            json_lines.error(error)
    with suppress(OSError):
        print("\n".join(lines), file=sys.stderr)
