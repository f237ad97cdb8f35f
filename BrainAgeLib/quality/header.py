"""Checks of what the header says of the grid, against the head that lies on it."""

from __future__ import annotations

from BrainAgeLib.measurements import Measurements
from BrainAgeLib.records import Finding

SLICE_SCALE_RANGE = (0.87, 1.15)
PIXEL_SCALE_RANGE = (0.87, 1.15)
SCALE_RANGE = (0.8, 1.5)
MOST_SHEAR = 0.15
LEAST_TURNED_ADVANTAGE = 0.0
CONVERT_AGAIN = "Convert the scan again from the original, and check the spacing that it has."


def _slice_spacing(measured: Measurements) -> Finding | None:
    if measured.stretch is None:
        return None
    return _outside(
        "wrong_spacing",
        measured.stretch.slice_scale,
        SLICE_SCALE_RANGE,
        "Across its slices the head has another size than within them: the slice spacing in the "
        "header seems to be wrong",
    )


def _pixel_size(measured: Measurements) -> Finding | None:
    if measured.stretch is None:
        return None
    return _outside(
        "wrong_pixel_size",
        measured.stretch.pixel_scale,
        PIXEL_SCALE_RANGE,
        "Along one side of its pixels the head has another size than along the other: the pixel "
        "size in the header seems to be wrong",
    )


def _scale(measured: Measurements) -> Finding | None:
    if measured.stretch is None:
        return None
    low, high = SCALE_RANGE
    smallest, _, largest = measured.stretch.scale
    return _outside(
        "registration_scale",
        smallest if smallest < low else largest,
        (low, high),
        "The brain had to be stretched beyond what healthy brains need to fit the template: the "
        "voxel size in the header may be wrong, or the registration",
    )


def _outside(
    code: str, value: float, allowed: tuple[float, float], sentence: str
) -> Finding | None:
    low, high = allowed
    if low <= value <= high:
        return None
    return Finding(
        code, "refuse", f"{sentence}. {CONVERT_AGAIN}", round(value, 3), f"{low} to {high}"
    )


def _shear(measured: Measurements) -> Finding | None:
    if measured.stretch is None or measured.stretch.shear <= MOST_SHEAR:
        return None
    return Finding(
        "shear",
        "refuse",
        "The head is sheared: its slices seem to be shifted against each other, as when a header "
        "forgets that a stack is oblique. Convert the scan again from the original.",
        round(measured.stretch.shear, 3),
        MOST_SHEAR,
    )


def _upside_down(measured: Measurements) -> Finding | None:
    placement = measured.placement
    if placement is None:
        return None
    advantage = placement.pattern_turned - placement.pattern
    if advantage <= LEAST_TURNED_ADVANTAGE:
        return None
    return Finding(
        "orientation",
        "refuse",
        "The head fits the template better upside down or back to front: the orientation in the "
        "header seems to be wrong. Convert the scan again from the original.",
        round(advantage, 3),
        LEAST_TURNED_ADVANTAGE,
    )


CHECKS = (_slice_spacing, _pixel_size, _scale, _shear, _upside_down)
