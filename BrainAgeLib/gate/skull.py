"""The skull: whether on one side bone is missing that the other has, as after an operation.

In a T1 scan compact bone is dark, and brain, marrow and scalp are not. Along level rays from the
middle of the head outwards, how much darkness lies between brain and skin is taken together in
millimetres, so that slices that blur bone with its surroundings lose none of it. Each ray is
compared with its mirror image: contrast, coil and thickness of a person's bone are alike there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.gate.field_of_view import LEAST_BRIGHTNESS
from BrainAgeLib.gate.sides import slice_number
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.placed_scan import PlacedScan

# The rays, in the template: above ears and skull base, below where they run along the bone. All set
# by hand, as the numbers below.
MIDDLE_MM = (0.0, 18.0)  # left, posterior
HEIGHTS_MM = np.arange(0.0, 49.0, 4.0)
DIRECTIONS_DEGREES = np.arange(0.0, 360.0, 4.0)  # from the front, by the left, round to the front
RADII_MM = np.arange(20.0, 115.0, 1.0)
FARTHEST_SKIN_MM = 30.0  # from the brain
SKIN, DARK = 0.3, 0.7  # of the brain's median: brighter is skin, and darker has bone in it
SMOOTH_HEIGHTS, SMOOTH_DIRECTIONS = 2.0, 2.5  # steps: some 8 and 13 mm; a hole is wider
LEAST_DARK_MM = 1.0  # is added to both sides, so that next to nothing is not compared
MIDLINE = 0.25  # sine of a direction: nearer to the middle, left and right are one
LEAST_SEEN = 0.8  # of all rays, and LEAST_BESIDE of those around one
LEAST_BESIDE = 0.6
# Chosen together with DARK and LEAST_DARK_MM: 13 people of three scanners, cut thick, up to 0.15;
# of two people from elsewhere, one in real slices, up to 0.17. What it finds in simulated holes:
# ``make study NAME=gate/skull``, docs/quality.md.
MOST_DIFFERENCE = 0.21


@dataclass(frozen=True)
class Skull:
    """Where one side has least of the darkness that the other has between brain and skin.

    ``difference``: over the sum of both, 0-1. ``place``: "front", "side" or "back".
    ``slice_number``: as the report counts them, None of a 3D scan.
    """

    difference: float
    side: str
    place: str
    slice_number: int | None = None


def measure(evidence: Evidence) -> Skull | None:
    """Return where the sides of the skull differ most.

    None where there is none or it is not seen: in extracted brains, in slices that are not axial.
    """
    placed = evidence.placed
    is_seen = placed.is_registered and not evidence.is_extracted
    if not is_seen or evidence.acquisition.plane not in ("axial", "3d") or not placed.mask.any():
        return None
    if np.median(placed.volume.voxels[placed.mask]) < LEAST_BRIGHTNESS:
        return None  # values below zero are no brightness that bone could be darker than
    dark_mm, brain_mm = darkness(placed)
    if np.isfinite(dark_mm).mean() < LEAST_SEEN:
        return None
    difference = _difference(dark_mm)
    height, direction = np.unravel_index(np.argmax(difference), difference.shape)
    degrees = float(DIRECTIONS_DEGREES[direction])
    angle = np.deg2rad(degrees)
    radius = float(brain_mm[height, direction])
    place_mm = (
        MIDDLE_MM[0] + radius * float(np.sin(angle)),
        MIDDLE_MM[1] - radius * float(np.cos(angle)),
        float(HEIGHTS_MM[height]),
    )
    from_front = min(degrees, 360.0 - degrees)
    return Skull(
        float(difference[height, direction]),
        "left" if degrees < 180.0 else "right",
        "front" if from_front < 60.0 else "side" if from_front < 120.0 else "back",
        slice_number(placed, place_mm),
    )


def darkness(placed: PlacedScan) -> tuple[np.ndarray, np.ndarray]:
    """Return millimetres of darkness between brain and skin, and where the brain ends.

    Both (height, direction); NaN where a ray meets no brain or no skin, or leaves the scan between.
    The second is the radius in the template, mm.
    """
    values, in_mask, scale = _along_rays(placed)
    after = np.arange(len(RADII_MM)) - _last(in_mask)[..., None]
    is_near = (after > 0) & (after * scale[..., None] <= FARTHEST_SKIN_MM)
    skin = _last(is_near & (values > SKIN))
    between = is_near & (np.arange(len(RADII_MM)) <= skin[..., None])
    dark_mm = np.where(between, np.clip(1.0 - values / DARK, 0.0, 1.0), 0.0).sum(-1) * scale
    is_seen = in_mask.any(-1) & (skin > _last(in_mask) + 1)
    return np.where(is_seen, dark_mm, np.nan), RADII_MM[_last(in_mask)]


def _last(places: np.ndarray) -> np.ndarray:
    """Return the number of the last place along each ray that holds; the first where none does."""
    last = places.shape[-1] - 1 - np.argmax(places[..., ::-1], -1)
    return np.where(places.any(-1), last, 0)


def _along_rays(placed: PlacedScan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the scan over the brain's median, the mask (height, direction, radius), and the scale.

    The scale (height, direction) is that of millimetres of the scan to those of the template.
    Beyond the scan's outermost voxels, where nothing is known to be dark, values are NaN.
    """
    angle = np.deg2rad(DIRECTIONS_DEGREES)
    points = np.empty((len(HEIGHTS_MM), len(angle), len(RADII_MM), 3))
    points[..., 0] = MIDDLE_MM[0] + np.sin(angle)[:, None] * RADII_MM
    points[..., 1] = MIDDLE_MM[1] - np.cos(angle)[:, None] * RADII_MM
    points[..., 2] = HEIGHTS_MM[:, None, None]
    world = apply_affine(placed.registration.template_to_scan, points)
    length = np.linalg.norm(world[..., -1, :] - world[..., 0, :], axis=-1)
    index = apply_affine(np.linalg.inv(placed.volume.affine), world)
    size = np.array(placed.mask.shape)[::-1]
    both = np.stack([placed.volume.voxels, placed.mask]).astype(np.float32)
    looked_up = functional.grid_sample(
        torch.from_numpy(both)[None],
        torch.from_numpy((2.0 * index + 1.0) / size - 1.0).float()[None],
        align_corners=False,
    )[0].numpy()
    median = float(np.median(placed.volume.voxels[placed.mask]))
    is_within = ((index >= 0) & (index <= size - 1)).all(-1)
    values = np.where(is_within, looked_up[0] / median, np.nan)
    return values, looked_up[1] > 0.5, length / (RADII_MM[-1] - RADII_MM[0])


def _difference(dark_mm: np.ndarray) -> np.ndarray:
    """Return by how much less is dark than in the mirror image, over both; 0 where none is seen.

    What grows from the middle to the side all along one half, as fat that is shifted sideways in
    the picture leaves it, is taken off.
    """
    smooth, seen = _smoothed(dark_mm)
    mirrored, seen_there = (np.roll(each[:, ::-1], 1, 1) for each in (smooth, seen))
    sideways = np.sin(np.deg2rad(DIRECTIONS_DEGREES))
    is_beside = np.abs(sideways) >= MIDLINE
    is_known = (seen > LEAST_BESIDE) & (seen_there > LEAST_BESIDE) & is_beside
    less = (mirrored - smooth) / (smooth + mirrored + 2.0 * LEAST_DARK_MM)
    if not is_known.any():
        return np.zeros_like(less)
    slope = np.median((less / np.where(is_beside, sideways, 1.0))[is_known])
    return np.where(is_known, less - slope * sideways, 0.0)


def _smoothed(dark_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means over neighbouring rays, and how many of these are known, 0-1."""
    is_known = np.isfinite(dark_mm)
    weights = (
        _kernel(len(HEIGHTS_MM), SMOOTH_HEIGHTS),
        _kernel(len(DIRECTIONS_DEGREES), SMOOTH_DIRECTIONS, goes_around=True),
    )
    total = weights[0] @ np.where(is_known, dark_mm, 0.0) @ weights[1].T
    seen = weights[0] @ is_known.astype(float) @ weights[1].T
    return total / np.maximum(seen, 1e-3), seen


def _kernel(count: int, steps: float, *, goes_around: bool = False) -> np.ndarray:
    """Return weights (place, place) of a Gaussian; the last place may be next to the first."""
    apart = np.abs(np.arange(count)[:, None] - np.arange(count))
    if goes_around:
        apart = np.minimum(apart, count - apart)
    weights = np.exp(-0.5 * (apart / steps) ** 2)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _hole(measured: Skull) -> Finding | None:
    if measured.difference <= MOST_DIFFERENCE:
        return None
    number = measured.slice_number
    where = f"at the {measured.place}" + (f" (slice {number})" if number is not None else "")
    return Finding(
        FindingCode.SKULL_ONE_SIDED,
        "warn",
        f"On the {measured.side} {where} there is much less bone between brain and scalp than on "
        "the other side, as where the skull was opened. An operation, an injury or a thin place "
        "may be the cause, or more fluid or bone on the other side. Look at the slices, and ask "
        "for the person's history. The model knows healthy brains alone: after an operation do not "
        "rely on the age.",
        round(measured.difference, 3),
        MOST_DIFFERENCE,
    )


CHECKS = (_hole,)
FAMILY = Family(Skull, measure, CHECKS)
