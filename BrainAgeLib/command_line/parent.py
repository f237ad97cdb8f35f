"""Ending together with the program that started us."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

LOOK_SECONDS = 0.1


def stop_with_parent() -> None:
    """Interrupt this process when standard input closes.

    A launcher between us and the parent can be killed without us noticing; the closed pipe cannot.
    """
    threading.Thread(target=_watch, daemon=True, name="stop-with-parent").start()


def _watch() -> None:
    if sys.stdin is not None:
        with suppress(OSError, ValueError):  # no standard input is a closed one
            wait_for_end(sys.stdin.fileno(), _looking_into_pipes())
    # Not SIGINT: whoever runs in the background of a shell script has that ignored.
    signal.raise_signal(signal.SIGTERM)


def wait_for_end(stream: int, waiting: Callable[[int], int] | None = None) -> None:
    """Return when a stream is at its end; what comes by it is thrown away.

    ``waiting``: how many bytes of a stream can be read at once, an OSError where that cannot be
    told or it is at its end. With it, no read waits for what is to come.
    """
    while True:
        try:
            while waiting is not None and not waiting(stream):
                time.sleep(LOOK_SECONDS)
        except OSError:
            waiting = None  # a console, say; or the end, which the next read finds
        if not os.read(stream, 4096):
            return


def _looking_into_pipes() -> Callable[[int], int] | None:
    """Return what tells how much a pipe holds, on Windows.

    There a read that waits holds up whoever else asks about that pipe, and the libraries below
    NumPy and torch ask about standard input while they are loaded: that would not end
    (github.com/numpy/numpy/issues/24290).
    """
    if sys.platform != "win32":
        return None
    import _winapi
    import msvcrt

    return lambda stream: _winapi.PeekNamedPipe(msvcrt.get_osfhandle(stream), 0)[0]
