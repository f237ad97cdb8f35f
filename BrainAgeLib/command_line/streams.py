"""Standard streams: closed, full or gone ones, and how much goes into them."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

NOTHING = logging.CRITICAL + 1
WIDEST_LINE = 100  # of what moves on a terminal


def open_closed_streams() -> None:
    """Lead closed standard streams nowhere.

    The next file that is opened would take the number of a closed stream, and whatever a library
    prints would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")


def say_what_cannot_be_encoded() -> None:
    """Let the standard streams write what they have no letters for as backslashes and numbers.

    A path that a console of Windows, or a redirected stream, cannot show must not fail a run that
    is done.
    """
    for stream in (sys.stdout, sys.stderr):
        # Other ways to deal with such letters were chosen, as in a POSIX locale, and fail nothing.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def can_be_flushed(stream: TextIO) -> bool:
    """Say whether what was printed could be handed on."""
    try:
        stream.flush()
    except OSError:
        return False
    return True


def silence_stdout() -> None:
    """Lead standard output nowhere, and what is still to be written there too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def heard(*, is_verbose: bool, is_quiet: bool, is_for_programs: bool) -> Iterator[None]:
    """Lead the library's log to standard error meanwhile: warnings, or all of it, or nothing.

    Who is quiet has no standard output for people either; events for programs are not touched.
    """
    log = logging.getLogger("BrainAgeLib")
    handler, level = _ErrorStream(), log.level
    log.addHandler(handler)
    log.setLevel(NOTHING if is_quiet else logging.DEBUG if is_verbose else logging.WARNING)
    try:
        with ExitStack() as stack:
            if is_quiet and not is_for_programs:
                nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                stack.enter_context(redirect_stdout(nowhere))
            yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


class _ErrorStream(logging.StreamHandler):
    """Says each record as one line of the command's own."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def format(self, record: logging.LogRecord) -> str:
        words = " ".join(record.getMessage().split())
        line = f"brainage: {record.levelname.lower()}: {words}"
        # On a terminal there may be a line that moves.
        return f"\r{' ' * WIDEST_LINE}\r{line}" if self.stream.isatty() else line
