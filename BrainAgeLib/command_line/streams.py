"""Standard streams that are closed, full or gone."""

from __future__ import annotations

import os
import sys
from typing import TextIO


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
