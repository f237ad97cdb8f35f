"""How far a batch is: on a terminal a line that moves, in a log a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from BrainAgeLib.batch.results_table import ResultRow

SECONDS_BETWEEN_LINES = 30.0


class BatchProgress:
    """Tells of every scan without an age at once, and of the rate and the time that remains."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._moves = stream.isatty()
        self._began = self._said = clock()
        self._worked_on = self._without_age = self._width = 0

    def __call__(self, row: ResultRow, was_there: bool, done: int, count: int) -> None:
        """Take a row: of this run, or one that an earlier run left."""
        self._without_age += not row.has_age
        self._worked_on += not was_there
        if not row.has_age and not was_there:
            why = row.error or f"refused ({', '.join(row.findings)})"
            self._say(why if row.path in why else f"{row.path}: {why}")
        now = self._clock()
        line = self.line(done, count, now - self._began)
        if self._moves:
            self._stream.write("\r" + line.ljust(self._width))
            self._stream.flush()
            self._width = len(line)
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

    def clear(self) -> None:
        """Remove the moving line."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def _say(self, line: str) -> None:
        self.clear()
        self._stream.write(f"{' '.join(line.split())}\n")
        self._stream.flush()


def _rate(per_second: float) -> str:
    per_minute = 60 * per_second
    return f"{per_minute:.3g} a minute" if per_minute >= 1 else f"{60 * per_minute:.3g} an hour"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
