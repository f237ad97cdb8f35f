"""Worker processes that end with the work that they were started for, however that went.

A pool tells its workers to end; one that was killed cannot, and they would work or wait for ever.
Ctrl-C reaches all processes of a terminal: workers leave it to the process that started them, for
a pool takes an interrupted job for one that failed, and goes on with the next.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

from BrainAgeLib.errors import BrainAgeError, ExitCode, is_out_of_memory

T = TypeVar("T")


def end_with_parent() -> None:
    """Let this process, started by ``multiprocessing``, end at once when its parent has ended."""
    threading.Thread(target=_wait_and_end, daemon=True, name="end-with-parent").start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(ExitCode.INTERRUPTED)


@contextmanager
def worker_pool(workers: int, begin: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of new processes that each call ``begin`` first.

    When an error or an interruption leaves the context, the workers are ended, whatever they are
    at; jobs that were not begun are dropped. Submit jobs in ``interruptions_held``.

    Raises BrainAgeError when a worker was killed, or has too little memory.
    """
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, context, _begin, (begin,)) as pool:
        try:
            yield pool
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            if isinstance(error, BrokenProcessPool) or is_out_of_memory(error):
                raise BrainAgeError(
                    "a worker process was ended, as happens when memory is short",
                    "run the same command again: it goes on where it stopped; with fewer --threads "
                    "it needs less memory",
                ) from error
            raise


def as_ended(jobs: Collection[Future[T]]) -> Iterator[Future[T]]:
    """Yield jobs as they end, each once.

    An interruption while ``concurrent.futures.as_completed`` locks all jobs leaves some locked for
    ever, and the program waits for them at its end.
    """
    ended: SimpleQueue[Future[T]] = SimpleQueue()
    with interruptions_held():
        for job in jobs:
            job.add_done_callback(ended.put)
    for _ in jobs:
        yield ended.get()


def _begin(begin: Callable[[], None]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    begin()


@contextmanager
def interruptions_held() -> Iterator[None]:
    """Hold Ctrl-C back meanwhile; processes that are started here never hear of it.

    It comes at the end, if it was pressed. Where there are no signal masks nothing is held.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its first start would let the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
