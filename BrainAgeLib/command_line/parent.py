"""Ending together with the program that started us."""

from __future__ import annotations

import os
import signal
import sys
import threading


def stop_with_parent() -> None:
    """Interrupt this process when standard input closes.

    A launcher between us and the parent can be killed without us noticing; the closed pipe cannot.
    """
    threading.Thread(target=_watch, daemon=True, name="stop-with-parent").start()


def _watch() -> None:
    if sys.stdin is not None:
        try:
            while os.read(sys.stdin.fileno(), 4096):
                pass
        except (OSError, ValueError):
            pass  # no standard input is a closed one
    # Not SIGINT: whoever runs in the background of a shell script has that ignored.
    signal.raise_signal(signal.SIGTERM)
