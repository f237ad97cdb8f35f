"""Checks of what the header says of the grid, against the head that lies on it."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.limits import above, outside
from BrainAgeLib.gate.measurements import Measurements
from BrainAgeLib.records import Finding

# 1 for the average head; 549 healthy brains: 0.907 to 1.072 in 99 % along an axial stack, up to
# 1.118 along a sagittal one. A header that is wrong by 25 % divides or multiplies by that.
SLICE_SCALE_RANGE = (0.87, 1.15)
# 549 healthy brains of one scanner: 0.898 to 1.125 in 99 %; eight real heads of other scanners:
# 0.99 to 1.13. The range leaves others room at the top.
PIXEL_SCALE_RANGE = (0.9, 1.18)
SCALE_RANGE = (0.8, 1.5)  # 549 healthy brains, scan to template: 0.94 to 1.38
MOST_SHEAR = 0.1  # sound scans up to 0.051; slices that lean by 20 degrees 0.18
# Correlation when turned about, as a share of that as registered: sound scans up to 0.74.
MOST_TURNED = 0.82
LEAST_PATTERN = 0.1  # a scan without the template's pattern has no upside to tell
CONVERT_AGAIN = "Convert the scan again from the original, and check the spacing that it has."


def _slice_spacing(measured: Measurements) -> Finding | None:
    if measured.stretch is None:
        return None
    message = (
        "Across its slices the head has another size than within them: the slice spacing in the "
        f"header seems to be wrong. {CONVERT_AGAIN}"
    )
    return outside(
        FindingCode.WRONG_SPACING, measured.stretch.slice_scale, SLICE_SCALE_RANGE, message
    )


def _pixel_size(measured: Measurements) -> Finding | None:
    if measured.stretch is None:
        return None
    message = (
        "Along one side of its pixels the head has another size than along the other: the pixel "
        f"size in the header seems to be wrong. {CONVERT_AGAIN}"
    )
    return outside(
        FindingCode.WRONG_PIXEL_SIZE, measured.stretch.pixel_scale, PIXEL_SCALE_RANGE, message
    )


def _scale(measured: Measurements) -> Finding | None:
    if measured.stretch is None:
        return None
    smallest, _, largest = measured.stretch.scale
    worst = smallest if smallest < SCALE_RANGE[0] else largest
    message = (
        "The brain had to be stretched beyond what healthy brains need to fit the template: the "
        f"voxel size in the header may be wrong, or the registration. {CONVERT_AGAIN}"
    )
    return outside(FindingCode.REGISTRATION_SCALE, worst, SCALE_RANGE, message)


def _shear(measured: Measurements) -> Finding | None:
    message = (
        "The head is sheared: its slices seem to be shifted against each other, as when a header "
        "forgets that a stack is oblique. Convert the scan again from the original."
    )
    shear = measured.stretch.shear if measured.stretch else None
    return above(FindingCode.SHEAR, shear, message, refuse=MOST_SHEAR)


def _upside_down(measured: Measurements) -> Finding | None:
    placement = measured.placement
    if placement is None or placement.pattern < LEAST_PATTERN:
        return None
    message = (
        "The head fits the template about as well upside down or back to front: the orientation in "
        "the header seems to be wrong, or the registration. Look at the registered image, and "
        "convert the scan again from the original."
    )
    turned = placement.pattern_turned / placement.pattern
    return above(FindingCode.ORIENTATION, turned, message, refuse=MOST_TURNED)


CHECKS = (_slice_spacing, _pixel_size, _scale, _shear, _upside_down)
