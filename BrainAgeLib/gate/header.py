"""What the header says of the grid, against the head that lies on it.

The affine from scan to template is a rotation followed by a symmetric stretch along the template's
axes (left polar decomposition, A = V R). V tells of the head, and of a header whose spacing is
wrong, but nothing of how the head lay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family, above, outside
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import slice_axis

# 1 for the average head; 549 healthy brains: 0.926 to 1.086 in 99 % along an axial stack, 0.902 to
# 1.104 along others; 40 of other scanners: 0.902 to 1.128. A header that is wrong by 25 % divides
# or multiplies by that.
SLICE_SCALE_RANGE = (0.87, 1.15)
# 549 healthy brains of one scanner: 0.892 to 1.116 in 99 %, 40 of other scanners: 0.88 to 1.12, one
# of these less when it was cut thick and tilted.
PIXEL_SCALE_RANGE = (0.85, 1.18)
SCALE_RANGE = (0.8, 1.5)  # 589 healthy brains, scan to template: 0.94 to 1.36
MOST_SHEAR = 0.1  # 589 healthy brains up to 0.078; slices that lean by 20 degrees 0.18
# Correlation when turned about, as a fraction of that as registered: sound scans up to 0.74.
MOST_TURNED = 0.82
# Nobody turns the head further while the shoulders lie flat; set by hand.
MOST_TURN_DEGREES = 60.0
LEAST_PATTERN_TO_TURN = 0.1  # a scan without the template's pattern has no upside to tell
CONVERT_AGAIN = "Convert the scan again from the original, and check the spacing that it has."
# Mean V of 549 registered healthy brains (camcan), template axes x, y, z; SD 0.04 to 0.05. Heads
# are lower than the template's by more than they are narrower.
AVERAGE_STRETCH = np.diag([1.079, 1.064, 1.192])
TURNS = ((0,), (1,), (0, 1))  # axes (z, y, x) along which a head may lie the wrong way round


@dataclass(frozen=True)
class Header:
    """What the registration had to do to the head's shape, and which way it lies.

    ``scale``: the three scale factors from scan to template, smallest first. ``shear``: largest
    shear along the template's axes beyond that of the average head. ``slice_scale``: stretch along
    the slices' normal against the stretch within them, 1 for the average head; one over the factor
    by which a header gives the slice spacing too large. ``pixel_scale``: the same of one in-plane
    axis against the other. ``pattern``: correlation of scan and template inside the brain alone,
    ``pattern_turned``: the best of the scan upside down, back to front or both. ``turn_degrees``:
    by how much the head is turned about the body's long axis, 0-180.
    """

    scale: tuple[float, float, float]
    shear: float
    slice_scale: float
    pixel_scale: float
    pattern: float = 0.0
    pattern_turned: float = 0.0
    turn_degrees: float = 0.0


def measure(evidence: Evidence) -> Header | None:
    """Return what a head tells of its header; None of one that was not registered."""
    placed = evidence.placed
    if not placed.is_registered:
        return None
    view = evidence.view
    to_template = placed.registration.scan_to_template[:3, :3]
    return Header(
        *shape_of_head(to_template, placed.volume.affine, placed.mask.shape),
        turn_degrees=turn_degrees(to_template),
        pattern=view.pattern(),
        pattern_turned=max(view.pattern(axes) for axes in TURNS),
    )


def shape_of_head(
    matrix: np.ndarray, affine: np.ndarray, shape: tuple[int, ...]
) -> tuple[tuple[float, float, float], float, float, float]:
    """Return scale, shear, slice_scale and pixel_scale of a registered scan, see Header.

    ``matrix``: 3 x 3, scan to template. ``affine``: 4 x 4, index (i, j, k) to LPS world mm.
    ``shape``: (k, j, i).
    """
    stretch, factors = stretch_of(matrix)
    directions = matrix @ (affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    # Along each of the scan's axes: the stretch it got, against what the average head gets there.
    turned = np.linalg.solve(stretch, directions)
    relative = np.linalg.norm(directions, axis=0) / np.linalg.norm(AVERAGE_STRETCH @ turned, axis=0)
    axis = slice_axis(affine, shape)
    along = 2 if axis < 0 else axis
    first, second = (float(relative[n]) for n in range(3) if n != along)
    beyond = stretch - AVERAGE_STRETCH
    shear = np.abs(beyond[~np.eye(3, dtype=bool)]).max() / factors.mean()
    scale = (float(factors[2]), float(factors[1]), float(factors[0]))
    slice_scale = float(relative[along]) / float(np.sqrt(first * second))
    return scale, float(shear), slice_scale, first / second


def stretch_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return V (3 x 3) of A = V R and its factors, largest first."""
    left, factors, _ = np.linalg.svd(matrix)
    return left @ np.diag(factors) @ left.T, factors


def turn_degrees(matrix: np.ndarray) -> float:
    """Return by how much a head is turned about the body's long axis, of its 3 x 3 matrix."""
    rotation = np.linalg.solve(stretch_of(matrix)[0], matrix)
    return float(abs(np.degrees(np.arctan2(rotation[1, 0], rotation[0, 0]))))


def _slice_spacing(measured: Header) -> Finding | None:
    message = (
        "Across its slices the head has another size than within them: the slice spacing in the "
        f"header seems to be wrong. {CONVERT_AGAIN} Slices that show but a part of the brain can "
        "look like this, too: then use the whole series."
    )
    return outside(FindingCode.WRONG_SPACING, measured.slice_scale, SLICE_SCALE_RANGE, message)


def _pixel_size(measured: Header) -> Finding | None:
    message = (
        "Along one side of its pixels the head has another size than along the other: the pixel "
        f"size in the header seems to be wrong. {CONVERT_AGAIN}"
    )
    return outside(FindingCode.WRONG_PIXEL_SIZE, measured.pixel_scale, PIXEL_SCALE_RANGE, message)


def _scale(measured: Header) -> Finding | None:
    smallest, _, largest = measured.scale
    worst = smallest if smallest < SCALE_RANGE[0] else largest
    message = (
        "The brain had to be stretched beyond what healthy brains need to fit the template: the "
        f"voxel size in the header may be wrong, or the registration. {CONVERT_AGAIN}"
    )
    return outside(FindingCode.REGISTRATION_SCALE, worst, SCALE_RANGE, message)


def _shear(measured: Header) -> Finding | None:
    message = (
        "The head is sheared: its slices seem to be shifted against each other, as when a header "
        "forgets that a stack is oblique. Convert the scan again from the original."
    )
    return above(FindingCode.SHEAR, measured.shear, message, refuse=MOST_SHEAR)


def _upside_down(measured: Header) -> Finding | None:
    if measured.pattern < LEAST_PATTERN_TO_TURN:
        return None
    message = (
        "The head fits the template about as well upside down or back to front: the orientation in "
        "the header seems to be wrong, or the registration. Look at the registered image, and "
        "convert the scan again from the original."
    )
    turned = measured.pattern_turned / measured.pattern
    return above(FindingCode.ORIENTATION, turned, message, refuse=MOST_TURNED)


def _turned(measured: Header) -> Finding | None:
    message = (
        "By the header the person lay on one side or face down. If not, the orientation in the "
        "header is wrong and left and right may be exchanged: convert the scan again."
    )
    return above(FindingCode.HEAD_TURNED, measured.turn_degrees, message, warn=MOST_TURN_DEGREES)


CHECKS = (_slice_spacing, _pixel_size, _scale, _shear, _upside_down, _turned)
FAMILY = Family(Header, measure, CHECKS)
