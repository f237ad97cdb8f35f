"""How late the event loop of the window is: what a person feels as a window that hangs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

TICK_MILLISECONDS = 10
MOST_MILLISECONDS = 100.0  # the bar for the 99th percentile


class EventLoopWatch:
    """Notes, while it is in use as a context, how late each tick of a timer comes."""

    def __init__(self) -> None:
        self._late: list[float] = []

    def __enter__(self) -> EventLoopWatch:
        import qt

        self._timer: Any = qt.QTimer()
        self._timer.setInterval(TICK_MILLISECONDS)
        self._timer.connect("timeout()", self._tick)
        self._last = time.perf_counter()
        self._timer.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, 1000 * (now - self._last) - TICK_MILLISECONDS))
        self._last = now

    def percentile(self, percent: float) -> float:
        """Return this percentile of the lateness of all ticks, in milliseconds."""
        return float(np.percentile(self._late, percent))

    def moment(self, percent: float) -> float:
        """Return the same over moments instead of ticks: a long wait counts for as long as it is.

        It is what a click at a random moment has to wait for at most, in that percentage of cases.
        """
        spans = np.sort(np.array(self._late) + TICK_MILLISECONDS)
        passed = np.cumsum(spans) / spans.sum()
        return float(spans[np.searchsorted(passed, percent / 100)] - TICK_MILLISECONDS)

    def __str__(self) -> str:
        return (
            f"event loop: {len(self._late)} ticks, late by {self.percentile(50):.0f} ms (median), "
            f"{self.percentile(99):.0f} ms (99th percentile; {self.moment(99):.0f} ms over "
            f"moments), {max(self._late):.0f} ms (longest)"
        )
