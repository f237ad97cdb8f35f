"""How the slices of a DICOM scan stack up to a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from BrainAgeLib.errors import InputError

SAME_PLACE_MM = 0.01
GAP_TOLERANCE = 0.05  # of the usual distance; scanners round positions to far less
DRIFT_TOLERANCE = 0.01  # of the height of the stack, as for the angles between axes
_SPLIT_HINT = "give one acquisition alone; dcm2niix, for one, splits such a series"


@dataclass(frozen=True)
class SliceStack:
    """Slices in order along their normal.

    ``order``: indices of the slices as given. ``spacing_mm``: distance of neighbouring centres.
    ``direction``: 3 x 3, columns along i, j, k in LPS.
    """

    order: tuple[int, ...]
    spacing_mm: float
    direction: np.ndarray


def stack_slices(
    positions_mm: Sequence[Sequence[float]], orientation: Sequence[float], name: str
) -> SliceStack:
    """Order two or more parallel slices by position and check that they are evenly spaced.

    ``positions_mm``: (slice, 3) centre of the first pixel, LPS. ``orientation``: 6 cosines, along a
    row and along a column. Raises InputError when slices share a place, are missing or are shifted
    sideways.
    """
    positions = np.array(positions_mm, dtype=float)
    along_row, along_column = np.reshape(orientation, (2, 3))
    normal = np.cross(along_row, along_column)
    length = np.linalg.norm(normal)
    if length < 0.5:
        raise InputError(
            f"the slices of {name} have no orientation: rows and columns are parallel",
            "export the series again",
        )
    direction = np.stack([along_row, along_column, normal / length], axis=1)
    heights_mm = positions @ direction[:, 2]
    order = np.argsort(heights_mm, kind="stable")
    sorted_mm = heights_mm[order]
    _check_gaps(sorted_mm, name)
    step = positions[order[-1]] - positions[order[0]]
    height_mm = sorted_mm[-1] - sorted_mm[0]
    if np.linalg.norm(step - height_mm * direction[:, 2]) > DRIFT_TOLERANCE * height_mm:
        raise InputError(
            f"the slices of {name} are shifted sideways against each other",
            "resample the scan onto a straight grid",
        )
    return SliceStack(tuple(order.tolist()), height_mm / (len(order) - 1), direction)


def _check_gaps(heights_mm: np.ndarray, name: str) -> None:
    gaps_mm = np.diff(heights_mm)
    if gaps_mm.min() < SAME_PLACE_MM:
        shared_mm = heights_mm[gaps_mm.argmin()]
        raise InputError(
            f"{name} holds several slices at one place ({shared_mm:.1f} mm along the slice normal):"
            " several echoes, phases, acquisitions or copies",
            _SPLIT_HINT,
        )
    usual_mm = float(np.median(gaps_mm))
    worst = int(np.abs(gaps_mm - usual_mm).argmax())
    if abs(gaps_mm[worst] - usual_mm) > GAP_TOLERANCE * usual_mm:
        below_mm, above_mm = heights_mm[worst : worst + 2]
        raise InputError(
            f"the slices of {name} are not evenly spaced: {gaps_mm[worst]:.1f} mm between the "
            f"slices at {below_mm:.1f} and {above_mm:.1f} mm, {usual_mm:.1f} mm elsewhere",
            "export the series again if a slice is missing; " + _SPLIT_HINT,
        )
