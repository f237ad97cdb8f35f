"""Noise, ghosts, slices that differ in brightness or not at all: what disturbs the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family, above
from BrainAgeLib.gate.field_of_view import LEAST_BRIGHTNESS
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import slice_axis
from BrainAgeLib.statistics import SD_OF_MEDIAN_SIZE

MOST_NOISE = 0.1  # sound scans up to 0.073
UNUSABLE_NOISE = 0.3  # the age moves by 5 to 13 years
MOST_SLICE_JUMP = 0.08  # sound scans up to 0.064
MOST_SLICE_SHIFT_MM = 2.0  # sound scans up to 1.3
MOST_GHOST = 0.03  # sound heads up to 0.005
# Set by hand: 110 real scans of six scanners have none, one that was stretched has half and more.
MOST_COPIES = 0.03
ANOTHER_SERIES = "Trust the age less, and use another series of the examination if there is one."

# How it is measured was set by hand; the limits above were chosen on what it then gave.
LEAST_PIXELS = 200
LEAST_OF_LARGEST = 0.3  # of the largest slice's brain: smaller ones are ends, and noisy
MOST_SLICES = 24
MOST_VOXELS_ASKED = 100_000  # for a median
WHITE_MATTER_QUANTILE = 0.8  # of a slice's brain, which is white matter in most slices
HEAD_LEVEL, LEAST_OF_LINE = 0.3, 0.02  # of the brain's brightness, and of a row that has head
# The kernel [1 -2 1; -2 4 -2; 1 -2 1] turns noise of 1 into noise of 6 and takes smooth pictures
# to nothing (Immerkaer 1996).
KERNEL_GAIN = 6.0
AIR_MARGIN = 0.04  # of the image's width, around the head and at the image's edge
LEAST_AIR = 0.03  # of the image's width


@dataclass(frozen=True)
class Artefacts:
    """What disturbs the picture.

    ``noise``: standard deviation of pixel noise as a fraction of the brain's brightness.
    ``slice_jump``: how far a slice's brightness typically is from that of its neighbours, as a
    fraction. ``slice_shift_mm``: how far the middle of the brain in a slice typically is from the
    middle of those in its neighbours. ``ghost``: signal in the air along one in-plane axis beyond
    that along the other, as a fraction of the brain's. ``copies``: what part of the brain's slices
    along an axis, that where it is most, are the same, voxel by voxel, as the one before.
    """

    noise: float | None = None
    slice_jump: float | None = None
    slice_shift_mm: float | None = None
    ghost: float | None = None
    copies: float = 0.0


def measure(evidence: Evidence) -> Artefacts | None:
    """Return noise, differences between slices and ghosts; None where there is no brain."""
    placed = evidence.placed
    axis = slice_axis(placed.volume.affine, placed.volume.voxels.shape)
    along = 0 if axis < 0 else 2 - axis  # the array's axis of the slices
    voxels = np.moveaxis(placed.volume.voxels, along, 0)
    mask = np.moveaxis(placed.mask, along, 0)
    in_plane_mm = np.delete(placed.volume.spacing_mm[::-1], along)
    areas = mask.sum((1, 2))
    chosen = np.flatnonzero(areas >= max(LEAST_PIXELS, LEAST_OF_LARGEST * areas.max()))
    if len(chosen) == 0:
        return None
    brain = float(np.median(voxels[mask][:: 1 + int(mask.sum()) // MOST_VOXELS_ASKED]))
    if brain <= 0:
        return None
    few = chosen[:: 1 + len(chosen) // MOST_SLICES]
    return Artefacts(
        noise=_noise(voxels[few], mask[few], brain),
        slice_jump=_slice_jump(voxels, mask, chosen) if axis >= 0 else None,
        slice_shift_mm=_slice_shift_mm(mask, chosen, in_plane_mm) if axis >= 0 else None,
        ghost=_ghost(voxels[few], mask[few], brain),
        copies=max(_copies(placed.volume.voxels, placed.mask, axis) for axis in range(3)),
    )


def _noise(voxels: np.ndarray, mask: np.ndarray, brain: float) -> float | None:
    """Return the noise of pixels (slice, row, column), as a fraction of the brain's brightness."""
    across = voxels[..., :-2] - 2 * voxels[..., 1:-1] + voxels[..., 2:]
    response = across[:, :-2] - 2 * across[:, 1:-1] + across[:, 2:]
    inner = mask[:, 1:-1, 1:-1].copy()
    for rows in (slice(0, -2), slice(2, None)):
        for columns in (slice(0, -2), slice(2, None)):
            inner &= mask[:, rows, columns]
    sizes = np.abs(response[inner])
    if sizes.size < LEAST_PIXELS:
        return None
    return SD_OF_MEDIAN_SIZE * float(np.median(sizes)) / (KERNEL_GAIN * brain)


def _slice_jump(voxels: np.ndarray, mask: np.ndarray, chosen: np.ndarray) -> float | None:
    """Return how far slices' white matter is from the mean of their two neighbours' (log)."""
    white = [float(np.quantile(voxels[n][mask[n]], WHITE_MATTER_QUANTILE)) for n in chosen]
    return _deviation(np.log(np.maximum(white, LEAST_BRIGHTNESS)))


def _slice_shift_mm(mask: np.ndarray, chosen: np.ndarray, in_plane_mm: np.ndarray) -> float | None:
    """Return how far a slice's brain is shifted against its neighbours, along the worse axis."""
    middles = np.array([np.argwhere(mask[number]).mean(0) * in_plane_mm for number in chosen])
    along = [_deviation(middles[:, axis]) for axis in (0, 1)]
    return None if along[0] is None or along[1] is None else max(along[0], along[1])


def _deviation(values: np.ndarray) -> float | None:
    """Return the standard deviation of values (slice,) about their neighbours' mean, robust.

    None for fewer than 5 slices.
    """
    if len(values) < 5:
        return None
    second = values[1:-1] - (values[:-2] + values[2:]) / 2  # with 1 + 1/4 + 1/4 of their variance
    return SD_OF_MEDIAN_SIZE * float(np.median(np.abs(second))) / math.sqrt(1.5)


def _ghost(voxels: np.ndarray, mask: np.ndarray, brain: float) -> float | None:
    """Return the signal in the air along one in-plane axis beyond that along the other.

    As in the acceptance test of the American College of Radiology: ghosts of the head lie along
    the phase encoding alone. None where there is no air, or it holds zeros.
    """
    middle = voxels[np.argsort(mask.sum((1, 2)))[-max(1, len(voxels) // 3) :]]
    air = []
    for picture in middle:
        strips = _air_strips(picture, brain)
        if strips is None:
            return None
        air.append(strips)
    rows, columns = np.mean(air, 0)
    return abs(float(rows - columns)) / brain


def _air_strips(picture: np.ndarray, brain: float) -> tuple[float, float] | None:
    """Return the mean signal above and below the head, and that to its left and right."""
    head = picture > HEAD_LEVEL * brain
    means = []
    for axis in (0, 1):
        width = picture.shape[axis]
        occupied = np.flatnonzero(head.mean(1 - axis) > LEAST_OF_LINE)
        crossed = np.flatnonzero(head.mean(axis) > LEAST_OF_LINE)
        if len(occupied) == 0 or len(crossed) == 0:
            return None
        edge, gap = max(1, round(AIR_MARGIN * width)), round(AIR_MARGIN * width)
        # A head that begins at the border leaves no air before it, not all of the picture.
        before = slice(edge, max(edge, occupied[0] - gap))
        behind = slice(occupied[-1] + 1 + gap, width - edge)
        along = np.moveaxis(picture, axis, 0)[:, crossed[0] : crossed[-1] + 1]
        strips = [along[strip] for strip in (before, behind)]
        strips = [strip for strip in strips if strip.shape[0] >= LEAST_AIR * width]
        if not strips or not any(strip.any() for strip in strips):
            return None
        means.append(float(np.mean([strip.mean() for strip in strips])))
    return means[0], means[1]


def _copies(voxels: np.ndarray, mask: np.ndarray, axis: int) -> float:
    """Return what part of the slices (k, j, i) with brain, along an axis, are as the one before."""
    stack = np.moveaxis(voxels, axis, 0)
    shown = np.flatnonzero(np.moveaxis(mask, axis, 0).any((1, 2)))
    pairs = zip(shown, shown[1:], strict=False)
    same = [np.array_equal(stack[one], stack[other]) for one, other in pairs]
    return sum(same) / max(1, len(same))


def _noisy(measured: Artefacts) -> Finding | None:
    message = f"The scan is noisy. {ANOTHER_SERIES}"
    return above(FindingCode.NOISE, measured.noise, message, MOST_NOISE, UNUSABLE_NOISE)


def _uneven(measured: Artefacts) -> Finding | None:
    message = (
        "Neighbouring slices differ in brightness, as motion between them leaves it. "
        f"{ANOTHER_SERIES}"
    )
    return above(FindingCode.SLICE_BRIGHTNESS, measured.slice_jump, message, MOST_SLICE_JUMP)


def _shifted(measured: Artefacts) -> Finding | None:
    message = (
        "Neighbouring slices are shifted against each other, as motion leaves them. "
        f"{ANOTHER_SERIES}"
    )
    return above(FindingCode.SLICE_SHIFTS, measured.slice_shift_mm, message, MOST_SLICE_SHIFT_MM)


def _ghosted(measured: Artefacts) -> Finding | None:
    message = (
        f"There are ghosts of the head beside it, as motion or flow leaves them. {ANOTHER_SERIES}"
    )
    return above(FindingCode.GHOSTS, measured.ghost, message, MOST_GHOST)


def _repeated(measured: Artefacts) -> Finding | None:
    message = (
        "Slices, or rows of pixels, are copies of their neighbours: the scan was stretched by "
        "repeating them, or one stands there twice. Use the scan as it was acquired."
    )
    return above(FindingCode.REPEATED_SLICES, measured.copies, message, MOST_COPIES)


CHECKS = (_noisy, _uneven, _shifted, _ghosted, _repeated)
FAMILY = Family(Artefacts, measure, CHECKS)
