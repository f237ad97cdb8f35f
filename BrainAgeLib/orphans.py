"""Worker processes that end when the process that started them is gone, however it went.

A pool tells its workers to end; one that was killed cannot, and they would work or wait for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import threading

from BrainAgeLib.errors import ExitCode


def end_with_parent() -> None:
    """Let this process, started by ``multiprocessing``, end at once when its parent has ended."""
    threading.Thread(target=_wait_and_end, daemon=True, name="end-with-parent").start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(ExitCode.INTERRUPTED)
