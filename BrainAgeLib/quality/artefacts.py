"""Checks of noise, motion and ghosts."""

from __future__ import annotations

from BrainAgeLib.measurements import Measurements
from BrainAgeLib.records import Finding

MOST_NOISE = 0.1  # sound scans up to 0.063
UNUSABLE_NOISE = 0.3  # the age moves by 5 to 13 years
MOST_SLICE_JUMP = 0.08  # sound scans up to 0.065
MOST_SLICE_SHIFT_MM = 2.0  # sound scans up to 1.1
MOST_GHOST = 0.03  # sound heads up to 0.005
ANOTHER_SERIES = "Trust the age less, and use another series of the examination if there is one."


def _noise(measured: Measurements) -> Finding | None:
    value = measured.artefacts.noise if measured.artefacts else None
    if value is not None and value > UNUSABLE_NOISE:
        sentence = "The scan is so noisy that no age can be trusted. Use another series."
        return Finding("noise", "refuse", sentence, round(value, 3), UNUSABLE_NOISE)
    return _above("noise", value, MOST_NOISE, "The scan is noisy.")


def _brightness(measured: Measurements) -> Finding | None:
    value = measured.artefacts.slice_jump if measured.artefacts else None
    sentence = "Neighbouring slices differ in brightness, as motion between them leaves it."
    return _above("slice_brightness", value, MOST_SLICE_JUMP, sentence)


def _shifts(measured: Measurements) -> Finding | None:
    value = measured.artefacts.slice_shift_mm if measured.artefacts else None
    sentence = "Neighbouring slices are shifted against each other, as motion leaves them."
    return _above("slice_shifts", value, MOST_SLICE_SHIFT_MM, sentence)


def _ghost(measured: Measurements) -> Finding | None:
    value = measured.artefacts.ghost if measured.artefacts else None
    sentence = "There are ghosts of the head beside it, as motion or flow leaves them."
    return _above("ghosts", value, MOST_GHOST, sentence)


def _above(code: str, value: float | None, limit: float, sentence: str) -> Finding | None:
    if value is None or value <= limit:
        return None
    return Finding(code, "warn", f"{sentence} {ANOTHER_SERIES}", round(value, 3), limit)


CHECKS = (_noise, _brightness, _shifts, _ghost)
