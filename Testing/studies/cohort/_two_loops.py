"""What two processes gain over one on this machine when they share nothing at all.

Cores that are two threads of one, or that other programs use, give less than 2: no batch can do
better than that.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Barrier

ROUNDS = 20_000_000


def speed_up_of_two_loops(rounds: int = ROUNDS) -> float:
    """Return how many times as much two processes get done as one, counting in registers."""
    alone = _seconds([rounds])
    together = _seconds([rounds, rounds])
    return round(2 * alone / together, 2)


def _seconds(work: list[int]) -> float:
    context = multiprocessing.get_context("fork")  # they only count
    start = context.Barrier(len(work) + 1)
    processes = [context.Process(target=_count, args=(rounds, start)) for rounds in work]
    for process in processes:
        process.start()
    start.wait()
    began = time.monotonic()
    for process in processes:
        process.join()
    return time.monotonic() - began


def _count(rounds: int, start: Barrier) -> None:
    start.wait()
    for _ in range(rounds):
        pass
