"""Holes in the skull that are put into sound heads, for the study of the skull. All are simulated.

Filled: tissue like muscle where bone was, as after a plate was taken out. Sunken: bone is gone and
the scalp lies on the dura. Thinned: half of the bone is gone. Edges are uneven. There is no
swelling, no fluid under the scalp, no metal and no plate put back: real ones look more varied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.placed_scan import PlacedScan

# Set by hand, as all numbers below.
KINDS = ("filled", "sunken", "thinned")
SIZES_MM = (40.0, 50.0, 60.0, 80.0)
HOLES = (  # in each head
    *(("filled", 50.0), ("sunken", 50.0), ("filled", 80.0), ("sunken", 80.0)),
    *(("thinned", 60.0), ("filled", 40.0), ("filled", 60.0), ("sunken", 60.0)),
)
BONE_MM = (6.0, 8.0)
MUSCLE = (0.6, 0.9)  # of the brain's median
DURA_MM = 1.5
SKIN_MM = 2.0


@dataclass(frozen=True)
class Hole:
    """``voxels``: the head with it (k, j, i). ``place_mm``: its middle in the template."""

    voxels: np.ndarray
    place_mm: tuple[float, float, float]


def with_hole(head: PlacedScan, kind: str, size_mm: float, generator: np.random.Generator) -> Hole:
    """Return a head with a hole at a random place off the middle, above the skull base."""
    voxels, spacing = head.volume.voxels, head.volume.spacing_mm[::-1]
    median = float(np.median(voxels[head.mask]))
    outside = ndimage.gaussian_filter(_signed_distance(head.mask, spacing), 1.0)
    places = _places(head)
    in_template = apply_affine(head.registration.scan_to_template, places)
    x, z = in_template[..., 0], in_template[..., 2]
    choices = np.argwhere((np.abs(outside) < 1) & (z > 5) & (z < 50) & (np.abs(x) > 25))
    middle = tuple(choices[generator.integers(len(choices), size=2)[0]])
    away = np.linalg.norm(places - places[middle], axis=-1)
    along = np.sqrt(np.clip(away**2 - np.clip(outside, 0, None) ** 2, 0, None))
    uneven = ndimage.gaussian_filter(generator.normal(size=voxels.shape), 6 / spacing)
    uneven /= uneven.std()
    inside = 1 / (1 + np.exp(along * (1 + 0.06 * uneven) - size_mm / 2))
    inside = inside * (outside > 0.8) * (away < size_mm)
    level = median * generator.uniform(*MUSCLE)
    grain = ndimage.gaussian_filter(generator.normal(size=voxels.shape), 1.2 / spacing)
    bone_mm = generator.uniform(*BONE_MM)
    if kind == "filled":
        tissue = level * (1 + 0.08 * grain + 0.06 * uneven)
        depth_mm = ndimage.distance_transform_edt(_head(voxels, median), sampling=spacing)
        was_bone = (outside > DURA_MM) & (depth_mm > SKIN_MM)
        was_bone &= (depth_mm > 0) & ((voxels < level) | (outside < bone_mm))
        share = inside * ndimage.gaussian_filter(was_bone.astype(float), 0.5)
        changed = voxels * (1 - share) + tissue * share
    else:
        by_mm = (bone_mm if kind == "sunken" else bone_mm / 2) * inside
        by_mm = by_mm * np.clip((outside - 0.8) / DURA_MM, 0, 1)
        changed = np.where(away < size_mm, _pulled_in(voxels, outside, by_mm, spacing), voxels)
    x_mm, y_mm, z_mm = in_template[middle]
    return Hole(changed.astype(np.float32), (float(x_mm), float(y_mm), float(z_mm)))


def _places(head: PlacedScan) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, head.mask.shape), indexing="ij"), -1)
    return apply_affine(head.volume.affine, index[..., ::-1].astype(float))


def _signed_distance(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return mm from the edge of a mask (k, j, i), negative within."""
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return np.asarray(outside - ndimage.distance_transform_edt(mask, sampling=spacing))


def _head(voxels: np.ndarray, median: float) -> np.ndarray:
    """Return where the head is, with its bone and cavities (k, j, i), bool."""
    labels, _ = ndimage.label(ndimage.gaussian_filter(voxels, 0.7) > 0.2 * median)
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    padded = np.pad(labels == largest, 12)
    closed = ndimage.binary_closing(padded, iterations=8)[12:-12, 12:-12, 12:-12]
    return np.asarray(ndimage.binary_fill_holes(closed))


def _pulled_in(
    voxels: np.ndarray, outside: np.ndarray, by_mm: np.ndarray, spacing: np.ndarray
) -> np.ndarray:
    """Return the voxels moved towards the brain by so many mm each."""
    outwards = np.stack(np.gradient(outside, *spacing))
    outwards /= np.linalg.norm(outwards, axis=0) + 1e-6
    index = np.stack(np.meshgrid(*map(np.arange, voxels.shape), indexing="ij")).astype(float)
    source = index + outwards * by_mm / spacing[:, None, None, None]
    return np.asarray(ndimage.map_coordinates(voxels, source, order=1, mode="nearest"))
