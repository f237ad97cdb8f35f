"""The tables of a batch while it runs: whole at any time, and no older than some seconds."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from BrainAgeLib.batch.sessions import sessions_of, write_sessions
from BrainAgeLib.batch.table import RESULTS_NAME, SESSIONS_NAME, ResultRow, write_results
from BrainAgeLib.errors import FileInUseError
from BrainAgeLib.model.card import Card

logger = logging.getLogger(__name__)
# The table is written anew each time, so that it is always whole: not more often than this, and
# not so often that writing it takes a noticeable share of the time.
LEAST_SECONDS_BETWEEN_TABLES = 2.0
MOST_FRACTION_OF_TIME = 0.05


class TablesSoFar:
    """The rows so far, and their files: by scan, and by session."""

    def __init__(self, output: Path, count: int, card: Card | None) -> None:
        self._output, self._card = output, card
        self._rows: list[ResultRow | None] = [None] * count
        self._done = 0
        self._was_told = False
        self._next = time.monotonic() + LEAST_SECONDS_BETWEEN_TABLES

    @property
    def rows(self) -> list[ResultRow]:
        """The rows so far, in the order of the input."""
        return [row for row in self._rows if row is not None]

    def add(self, number: int, row: ResultRow) -> tuple[int, int]:
        """Take a row; return how many of how many there are. Write where it is time to.

        A table that another program has open is written another time. Raises BrainAgeError for
        what else keeps it from being written.
        """
        self._rows[number] = row
        self._done += 1
        if time.monotonic() >= self._next:
            try:
                self.write()
            except FileInUseError as error:  # somebody looks at it; the scans go on meanwhile
                if not self._was_told:
                    words = "%s; the batch goes on: close what has it open before its end"
                    logger.warning(words, error.message)
                self._was_told = True
        return self._done, len(self._rows)

    def write(self) -> None:
        """Write the tables. Raises BrainAgeError when one cannot be written."""
        began = time.monotonic()
        try:
            try:
                write_results(self.rows, self._output / RESULTS_NAME)
            finally:  # the one that somebody has open does not keep the other from its file
                write_sessions(sessions_of(self.rows, self._card), self._output / SESSIONS_NAME)
        finally:
            took = time.monotonic() - began
            pause = max(LEAST_SECONDS_BETWEEN_TABLES, took / MOST_FRACTION_OF_TIME)
            self._next = time.monotonic() + pause
