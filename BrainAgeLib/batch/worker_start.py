"""How worker processes come into being.

On Linux they are forks of a process that has imported the library and done nothing else: to import
PyTorch takes as long as half a scan, so it is done once, beside what the batch itself begins with.
Elsewhere a fork is unsafe or unknown, and each worker imports for itself.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from typing import Any

FORKS = sys.platform == "linux"
_IMPORTED_BEFORE_THE_FORK = ["BrainAgeLib.batch.scan_work"]


def worker_context() -> Any:
    """Return the context of ``multiprocessing`` that starts workers on this system."""
    if not FORKS:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED_BEFORE_THE_FORK)
    return context


def prepare_workers() -> None:
    """Begin to import what workers need, beside this process; call it in the main thread."""
    worker_context()
    if not FORKS:
        return
    from multiprocessing import forkserver

    # Inherited: Ctrl-C reaches all processes of a terminal, and this one decides for the others.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
