"""What all tests start from: the locale that pytest was started with, and cores that they share.

A scene of Slicer sets the C locale for the whole process; a test that comes later would then read
what a program prints as ASCII.
"""

from __future__ import annotations

import locale
import os

import pytest

STARTED_WITH = locale.setlocale(locale.LC_ALL)
MOST_WORKERS = 8  # set by hand: each makes the expensive fixtures anew and takes up to 2 GB
# Of what the tests run and of the programs that they start.
THREADS = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


@pytest.fixture(autouse=True)
def _locale_of_the_start():
    locale.setlocale(locale.LC_ALL, STARTED_WITH)
    yield
    locale.setlocale(locale.LC_ALL, STARTED_WITH)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers ``-n auto`` starts: none where there is one core."""
    return min(_cores(), MOST_WORKERS) if _cores() > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs) -> None:
    """Share the cores, before the workers start: each loads its libraries with so many threads."""
    for name in THREADS:
        os.environ.setdefault(name, str(max(1, _cores() // len(specs))))
