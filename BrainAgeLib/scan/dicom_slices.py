"""How the slices of a DICOM scan, files or frames, make up one volume.

First one of several repetitions is taken: echoes, acquisitions, magnitude and phase show the same
slices again. Then the slices are put in order along their normal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.checks import check_spacing
from BrainAgeLib.scan.dicom_elements import Numbers
from BrainAgeLib.scan.dicom_header import SliceHeader

REPEATED_MM = 0.05  # what is nearer shows one slice again; neighbouring slices are farther apart
SAME_PLACE_MM = 0.01  # as positions are rounded; slices that are nearer lie in one place
GAP_TOLERANCE = 0.05  # of the usual distance; scanners round positions to far less
# Both ends of a gap are off by up to half a unit along each axis; a gap that lacks a slice is wider
# by a whole spacing, even so.
MOST_ROUNDED, ROUNDED_TOLERANCE = 1.8, 0.4
DRIFT_TOLERANCE = 0.01  # of the height of the stack, as for the angles between axes
SAME_NUMBERS = 1e-3  # cosines and mm, as they are rounded
_SPLIT_HINT = "give one acquisition alone; dcm2niix, for one, splits such a series"


@dataclass(frozen=True)
class SliceStack:
    """Slices in order along their normal, and the grid that they make.

    ``order``: indices of the slices as given. ``spacing_mm``: along i, j, k. ``direction``: 3 x 3,
    orthonormal, columns along i, j, k in LPS. ``origin_mm``: centre of the first voxel, LPS.
    """

    order: tuple[int, ...]
    spacing_mm: tuple[float, float, float]
    direction: np.ndarray
    origin_mm: Numbers

    def place(self, image: sitk.Image) -> None:
        """Put an image of these slices in its place."""
        image.SetSpacing(self.spacing_mm)
        image.SetDirection(self.direction.ravel().tolist())
        image.SetOrigin(self.origin_mm)


def choose_repetition(slices: Sequence[SliceHeader]) -> tuple[list[int], tuple[Finding, ...]]:
    """Return the indices of the slices of one repetition, and what was chosen.

    The magnitude goes before the phase, of Dixon's pictures water and in phase before opposed phase
    and this before fat, then the shortest echo (the most T1-weighted), then the first acquisition
    (the one before contrast agent). All come back when there are no repetitions, and when the
    headers do not tell them apart or they are not alike.
    """
    everything = list(range(len(slices)))
    places = numbered_places([header.position_mm for header in slices])
    chosen, findings = everything, []
    for attribute, words, rank in _DIFFERENCES:
        if len({places[number] for number in chosen}) == len(chosen):
            break
        groups: dict[Any, list[int]] = {}
        for number in chosen:
            groups.setdefault(getattr(slices[number], attribute), []).append(number)
        shown = {frozenset(places[number] for number in group) for group in groups.values()}
        if len(groups) > 1 and len(shown) == 1:
            best = min(groups, key=rank)
            findings.append(_several_volumes(words, best, len(groups)))
            chosen = groups[best]
    if len({places[number] for number in chosen}) < len(chosen):
        return everything, ()
    return chosen, tuple(findings)


def stack_slices(slices: Sequence[SliceHeader], name: str) -> SliceStack:
    """Order two or more parallel slices by position and check that they are evenly spaced.

    Raises InputError when one does not say where it lies, or when slices differ in direction or
    pixel size, share a place, are missing or are shifted sideways.
    """
    orientations = _stated(slices, "orientation", "ImageOrientationPatient", name)
    pixels_mm = _stated(slices, "pixel_mm", "PixelSpacing", name)
    check_spacing(pixels_mm[0], name)
    for numbers in (orientations, pixels_mm):
        if not np.allclose(numbers, numbers[0], rtol=0, atol=SAME_NUMBERS):
            raise not_alike(name)
    positions = np.array(_stated(slices, "position_mm", "ImagePositionPatient", name))
    direction = _axes(orientations[0], name)
    heights_mm = positions @ direction[:, 2]
    order = np.argsort(heights_mm, kind="stable")
    sorted_mm = heights_mm[order]
    _check_gaps(sorted_mm, _rounding_mm(positions), name)
    step = positions[order[-1]] - positions[order[0]]
    height_mm = sorted_mm[-1] - sorted_mm[0]
    if np.linalg.norm(step - height_mm * direction[:, 2]) > DRIFT_TOLERANCE * height_mm:
        raise InputError(
            f"the slices of {name} are shifted sideways against each other",
            "resample the scan onto a straight grid",
        )
    between_rows_mm, between_columns_mm = pixels_mm[0]
    spacing_mm = (between_columns_mm, between_rows_mm, float(height_mm / (len(order) - 1)))
    origin_mm = tuple(positions[order[0]].tolist())
    return SliceStack(tuple(order.tolist()), spacing_mm, direction, origin_mm)


def numbered_places(positions_mm: Sequence[Numbers | None]) -> list[int]:
    """Return a number for the place of each slice, the same for those at one place.

    They are told apart by their distance: rounded, two that are nearly alike may part. A slice that
    does not say where it lies has a place of its own.
    """
    known = np.full((len(positions_mm), 3), np.inf)
    numbers = []
    for number, position_mm in enumerate(positions_mm):
        if position_mm is not None:
            near = np.abs(known[:number] - position_mm).max(axis=1) < REPEATED_MM
            if near.any():
                numbers.append(int(near.argmax()))
                continue
            known[number] = position_mm
        numbers.append(number)
    return numbers


def not_alike(name: str) -> InputError:
    """Return the error for slices that are no volume."""
    return InputError(
        f"the slices of {name} differ in direction, size or pixel size: not one volume",
        "is it a localizer? give one T1 series, one acquisition of it",
    )


def _several_volumes(words: str, value: float | str | None, count: int) -> Finding:
    shown = f"{value:g}" if isinstance(value, float) else (value or "none").replace("\\", " ")
    message = f"The series holds {count} volumes that differ in {words}; that of {shown} was taken."
    return Finding(FindingCode.SEVERAL_VOLUMES, "warn", message, shown)


def _image_type_rank(text: str) -> tuple[bool, int, bool, bool, str]:
    """Rank an image type; of Dixon's pictures those first in which a head looks as in a T1."""
    parts = [re.sub(r"[\W_]+", "", part) for part in text.upper().split("\\")]
    dixon = max(map(_dixon_rank, parts))
    is_magnitude = dixon > 0 or "M" in parts or "MSE" in parts
    # In phase as acquired goes before water, which is calculated and may be fat by mistake.
    return ("P" in parts, max(dixon, 1), not is_magnitude, "ORIGINAL" not in parts, text)


def _dixon_rank(part: str) -> int:
    """Return 1 for water or in phase, 2 for opposed phase, 3 for fat or its share, 0 for others."""
    if "FRAC" in part or part in ("F", "FAT", "FF", "PDFF"):
        return 3
    if part in ("OP", "OPP", "OUT", "OPPPHASE", "OPPOSEDPHASE", "OUTPHASE", "OUTOFPHASE"):
        return 2
    return int(part in ("W", "WATER", "IP", "IN", "INPHASE"))


def _number_rank(number: float | None) -> float:
    return float("inf") if number is None else number


_DIFFERENCES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("image_type", "image type", _image_type_rank),
    ("echo_time_ms", "echo time (ms)", _number_rank),
    ("temporal_position", "temporal position", _number_rank),
    ("acquisition_number", "acquisition number", _number_rank),
)


def _stated(
    slices: Sequence[SliceHeader], attribute: str, keyword: str, name: str
) -> list[Numbers]:
    """Return what every slice has to say."""
    stated = []
    for header in slices:
        numbers = getattr(header, attribute)
        if numbers is None:
            raise InputError(
                f"{header.name} in {name} does not say where its slice lies (no {keyword})",
                "export the series again, or convert it, for one by dcm2niix",
            )
        stated.append(numbers)
    return stated


def _axes(orientation: Numbers, name: str) -> np.ndarray:
    """Return the orthonormal directions (3, 3) of columns i, rows j and slices k, as columns.

    Rounded cosines are straightened about the column's: ITK does the same.
    """
    along_row, along_column = np.reshape(orientation, (2, 3))
    normal = np.cross(along_row, along_column)
    length = np.linalg.norm(normal)
    if length < 0.5:
        raise InputError(
            f"the slices of {name} have no orientation: rows and columns are parallel",
            "export the series again",
        )
    normal /= length
    down = along_column / np.linalg.norm(along_column)
    return np.stack([np.cross(down, normal), down, normal], axis=1)


def _rounding_mm(positions: np.ndarray) -> float:
    """Return to what positions (slice, 3) were rounded: whole mm, tenths, or nothing that shows."""
    for unit_mm in (1.0, 0.1):  # what converters write
        if np.allclose(positions / unit_mm, np.rint(positions / unit_mm), rtol=0, atol=1e-6):
            return unit_mm
    return 0.0


def _check_gaps(heights_mm: np.ndarray, rounding_mm: float, name: str) -> None:
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
    rounded_mm = min(MOST_ROUNDED * rounding_mm, ROUNDED_TOLERANCE * usual_mm)
    if abs(gaps_mm[worst] - usual_mm) > max(GAP_TOLERANCE * usual_mm, rounded_mm):
        below_mm, above_mm = heights_mm[worst : worst + 2]
        raise InputError(
            f"the slices of {name} are not evenly spaced: {gaps_mm[worst]:.1f} mm between the "
            f"slices at {below_mm:.1f} and {above_mm:.1f} mm, {usual_mm:.1f} mm elsewhere",
            "export the series again if a slice is missing; " + _SPLIT_HINT,
        )
