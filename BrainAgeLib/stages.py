"""How far a job is and how long each part took."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from BrainAgeLib.records import ProgressCallback, Timings

logger = logging.getLogger(__name__)

Advance = Callable[[float], None]  # takes how much of a stage is done, 0-1
# Where each stage ends, as a fraction of the whole; from timings on two cores.
STAGE_ENDS = {
    "read": 0.03,
    "brain_extraction": 0.36,
    "registration": 0.65,
    "prediction": 0.70,
    "saliency": 0.97,
    "write": 1.0,
}


class Stages:
    """Times the stages of one job and reports their progress."""

    def __init__(self, on_progress: ProgressCallback | None = None) -> None:
        self._report = on_progress or (lambda _name, _fraction: None)
        self._seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    @contextmanager
    def stage(self, name: str, skipped: bool = False) -> Iterator[Advance]:
        """Time a stage; the value takes its own progress, 0-1. One that is skipped has no time."""
        names = list(STAGE_ENDS)
        index = names.index(name)
        start = STAGE_ENDS[names[index - 1]] if index else 0.0
        end = STAGE_ENDS[name]
        self._report(name, start)
        began = time.perf_counter()
        yield lambda done: self._report(name, start + (end - start) * min(1.0, done))
        if not skipped:
            self._seconds[name] = time.perf_counter() - began
            logger.info("%s took %.1f s", name.replace("_", " "), self._seconds[name])
        self._report(name, end)

    def timings(self) -> Timings:
        """Return the seconds of each stage so far; those that did not run stay None."""
        rounded = {name: round(seconds, 3) for name, seconds in self._seconds.items()}
        rounded.pop("write", None)
        return Timings(**rounded, total=round(time.perf_counter() - self._began, 3))
