"""Slices that hold nothing: a cut brain that was padded looks whole, so these are left off.

A scan that is padded to a fixed matrix, defaced or masked has slices of one value at its ends.
Where the brain reaches them they stand for what was never acquired, and would be taken for air.
"""

from __future__ import annotations

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import Volume, slice_axis

# Area of the brain in the last slice that holds something, as a fraction of its largest: 76 healthy
# brains in every plane up to 0.22 at spacings up to 7 mm and 0.26 at 9 mm.
LEAST_CUT_AREA = 0.28
# A slice holds something when this many of its voxels are this bright, between the darkest and the
# brightest hundredth of the scan: air has noise, and a tool that pads may leave a voxel. Set by
# hand: a hundredth of the smallest slice of a brain is more.
LEAST_BRIGHT, LEAST_BRIGHTNESS = 0.001, 0.1
ENOUGH_VOXELS = 10**6  # for these hundredths; all of a large scan would take seconds
Window = tuple[slice, ...]


def window_of_signal(volume: Volume, mask: np.ndarray) -> Window:
    """Return the part (k, j, i) of a volume without empty slices that the brain is cut off by.

    ``mask``: (k, j, i) bool, the brain. An end where the brain does not reach the empty slices, as
    in a sound scan, stays as it is; so does a scan without a brain.
    """
    if not mask.any():
        return tuple(slice(0, count) for count in mask.shape)
    bright = _is_bright(volume.voxels)
    return tuple(_part(volume.voxels, bright, mask, axis) for axis in range(3))


def empty_between(volume: Volume) -> Finding | None:
    """Return the refusal of a scan with slices of one value between others, or None.

    Noise counts as something here: slices of air above a head may differ by it, and are no hole.
    """
    axis = slice_axis(volume.affine, volume.voxels.shape)
    filled = np.flatnonzero(hold_several(volume.voxels, 0 if axis < 0 else 2 - axis))
    if len(filled) == 0 or (lost := int(filled[-1] - filled[0] + 1 - len(filled))) == 0:
        return None
    return Finding(
        FindingCode.EMPTY_SLICES,
        "refuse",
        f"{_hold_nothing(lost, 'between the others')}. Export or convert the scan again, or use "
        "another series.",
        lost,
        0,
    )


def empty_at_ends(whole: tuple[int, ...], part: Window) -> Finding | None:
    """Return the note that empty slices were left off a scan of that shape, or None."""
    left_off = max(
        count - (kept.stop - kept.start) for count, kept in zip(whole, part, strict=True)
    )
    if left_off == 0:
        return None
    message = (
        f"{_hold_nothing(left_off, 'at an end')}, and the brain is cut off there: "
        f"{'it does' if left_off == 1 else 'they do'} not count."
    )
    return Finding(FindingCode.EMPTY_SLICES, "note", message, left_off, 0)


def hold_several(voxels: np.ndarray, axis: int) -> np.ndarray:
    """Return for each slice (k, j, i) along an axis whether it holds more than one value."""
    others = tuple(n for n in range(3) if n != axis)
    differs: np.ndarray = voxels.max(others) > voxels.min(others)
    return differs


def _hold_nothing(count: int, where: str) -> str:
    return (
        f"1 slice {where} holds nothing" if count == 1 else f"{count} slices {where} hold nothing"
    )


def _part(voxels: np.ndarray, bright: np.ndarray | None, mask: np.ndarray, axis: int) -> slice:
    whole = slice(0, voxels.shape[axis])
    filled = np.flatnonzero(_holds_signal(voxels, bright, axis))
    if len(filled) == 0:
        return whole
    areas = np.moveaxis(mask, axis, 0).sum((1, 2))
    first, last = int(filled[0]), int(filled[-1])
    least = LEAST_CUT_AREA * areas.max()
    return slice(
        first if areas[first] >= least else whole.start,
        last + 1 if areas[last] >= least else whole.stop,
    )


def _holds_signal(voxels: np.ndarray, bright: np.ndarray | None, axis: int) -> np.ndarray:
    """Return for each slice (k, j, i) along an axis whether it holds more than air or padding."""
    differs = hold_several(voxels, axis)
    if bright is None:
        return differs
    return differs & (bright.mean(tuple(n for n in range(3) if n != axis)) > LEAST_BRIGHT)


def _is_bright(voxels: np.ndarray) -> np.ndarray | None:
    """Return which voxels (k, j, i) are brighter than air; None where nothing tells.

    There is little more than background then: a handful of slices of a brain.
    """
    step = max(1, voxels.size // ENOUGH_VOXELS)
    dark, bright = np.quantile(voxels.ravel()[::step], (0.01, 0.99))
    if dark == bright:
        return None
    found: np.ndarray = np.abs(voxels - dark) > LEAST_BRIGHTNESS * (bright - dark)
    return found
