"""What a run needs of its process: memory before it becomes scarce, threads and chance on loan.

The linear algebra behind NumPy takes its working memory when it is first needed. Where there is
none by then, it ends the process with exit code 1 and nobody can say why (OpenBLAS does).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import SimpleITK as sitk
import torch

SIDE = 300  # a product of this size is shared by all threads, each with memory of its own


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let torch and ITK use so many threads, and afterwards as many as before; None changes none.

    Runs beside each other in one process should ask for the same number.
    """
    if count is None:
        yield
        return
    before = torch.get_num_threads()  # of this thread alone
    torch.set_num_threads(count)
    _itk.borrow(count)
    try:
        yield
    finally:
        _itk.give_back()
        torch.set_num_threads(before)


@contextmanager
def own_chance() -> Iterator[None]:
    """Let torch draw random numbers of its own, and afterwards go on where it was.

    Networks draw their weights before they are given those of a file.
    """
    # To ask for CUDA's state would start CUDA.
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices):
        yield


@cache
def take_working_memory() -> None:
    """Let the linear algebra take its memory now; it keeps it."""
    square = np.ones((SIDE, SIDE))
    np.matmul(square, square)


class _ItkThreads:
    """ITK's number of threads, which is the whole process's: the last run gives it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._before = 0

    def borrow(self, count: int) -> None:
        with self._lock:
            if self._runs == 0:
                self._before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
            self._runs += 1
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count)

    def give_back(self) -> None:
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(self._before)


_itk = _ItkThreads()
