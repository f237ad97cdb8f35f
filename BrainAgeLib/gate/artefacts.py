"""Checks of noise, motion and ghosts."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.limits import above
from BrainAgeLib.gate.measurements import Measurements
from BrainAgeLib.records import Finding

MOST_NOISE = 0.1  # sound scans up to 0.063
UNUSABLE_NOISE = 0.3  # the age moves by 5 to 13 years
MOST_SLICE_JUMP = 0.08  # sound scans up to 0.065
MOST_SLICE_SHIFT_MM = 2.0  # sound scans up to 1.1
MOST_GHOST = 0.03  # sound heads up to 0.005
ANOTHER_SERIES = "Trust the age less, and use another series of the examination if there is one."


def _noise(measured: Measurements) -> Finding | None:
    value = measured.artefacts.noise if measured.artefacts else None
    sentence = f"The scan is noisy. {ANOTHER_SERIES}"
    return above(FindingCode.NOISE, value, sentence, MOST_NOISE, UNUSABLE_NOISE)


def _brightness(measured: Measurements) -> Finding | None:
    value = measured.artefacts.slice_jump if measured.artefacts else None
    sentence = "Neighbouring slices differ in brightness, as motion between them leaves it."
    return above(
        FindingCode.SLICE_BRIGHTNESS, value, f"{sentence} {ANOTHER_SERIES}", MOST_SLICE_JUMP
    )


def _shifts(measured: Measurements) -> Finding | None:
    value = measured.artefacts.slice_shift_mm if measured.artefacts else None
    sentence = "Neighbouring slices are shifted against each other, as motion leaves them."
    return above(
        FindingCode.SLICE_SHIFTS, value, f"{sentence} {ANOTHER_SERIES}", MOST_SLICE_SHIFT_MM
    )


def _ghost(measured: Measurements) -> Finding | None:
    value = measured.artefacts.ghost if measured.artefacts else None
    sentence = "There are ghosts of the head beside it, as motion or flow leaves them."
    return above(FindingCode.GHOSTS, value, f"{sentence} {ANOTHER_SERIES}", MOST_GHOST)


CHECKS = (_noise, _brightness, _shifts, _ghost)
