"""Checks of noise, motion and ghosts."""

from __future__ import annotations

from BrainAgeLib.measurements import Measurements
from BrainAgeLib.records import Finding

MOST_NOISE = 0.12
MOST_SLICE_JUMP = 0.12
MOST_GHOST = 0.1
ANOTHER_SERIES = "Trust the age less, and use another series of the examination if there is one."


def _noise(measured: Measurements) -> Finding | None:
    value = measured.artefacts.noise if measured.artefacts else None
    return _above("noise", value, MOST_NOISE, "The scan is noisy.")


def _slices(measured: Measurements) -> Finding | None:
    value = measured.artefacts.slice_jump if measured.artefacts else None
    sentence = "Neighbouring slices differ in brightness, as motion between them leaves it."
    return _above("slice_brightness", value, MOST_SLICE_JUMP, sentence)


def _ghost(measured: Measurements) -> Finding | None:
    value = measured.artefacts.ghost if measured.artefacts else None
    sentence = "There are ghosts of the head beside it, as motion or flow leaves them."
    return _above("ghosts", value, MOST_GHOST, sentence)


def _above(code: str, value: float | None, limit: float, sentence: str) -> Finding | None:
    if value is None or value <= limit:
        return None
    return Finding(code, "warn", f"{sentence} {ANOTHER_SERIES}", round(value, 3), limit)


CHECKS = (_noise, _slices, _ghost)
