"""What all tests start from: the locale that pytest was started with.

A scene of Slicer sets the C locale for the whole process; a test that comes later would then read
what a program prints as ASCII.
"""

from __future__ import annotations

import locale

import pytest

STARTED_WITH = locale.setlocale(locale.LC_ALL)


@pytest.fixture(autouse=True)
def _locale_of_the_start():
    locale.setlocale(locale.LC_ALL, STARTED_WITH)
    yield
    locale.setlocale(locale.LC_ALL, STARTED_WITH)
