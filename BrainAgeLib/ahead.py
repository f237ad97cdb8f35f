"""Work that is done before its result is asked for, where a run has a second thread for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

Value = TypeVar("Value")


class Ahead(Protocol):
    """What takes work, to be done before its result is asked for."""

    def __call__(self, work: Callable[[], Value], /) -> Callable[[], Value]:
        """Return what waits for the result of ``work`` and gives it, or raises what it raised."""


def when_asked(work: Callable[[], Value]) -> Callable[[], Value]:
    """Do work when its result is asked for, or never: an ``Ahead`` of one thread."""
    return work


@contextmanager
def spare_thread(threads: int) -> Iterator[Ahead]:
    """Lend a thread that does what it is given, one after the other, beside the caller.

    ``threads``: how many the run may use; with one there is none to spare.
    """
    if threads < 2:
        yield when_asked
        return
    thread = ThreadPoolExecutor(1)
    try:
        yield lambda work: thread.submit(work).result
    finally:
        thread.shutdown(cancel_futures=True)
