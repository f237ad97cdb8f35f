"""Brains whose lateral ventricles are made larger by a known, smooth warp."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import SimpleITK as sitk
import torch
from scipy.ndimage import map_coordinates

from BrainAgeLib.scan.geometry import Volume, apply_affine, sitk_from_volume
from BrainAgeLib.template.grid import grid_heights_mm, grid_xy_mm
from BrainAgeLib.template.template import load_template

MOST_TISSUE = 0.5  # probability of grey or white matter in the template's fluid
REACH_MM = 10.0  # from the wall, beyond which the warp fades
SMOOTH_MM = 3.0
REGION_MM = 8.0  # beyond the wall, where the displacement is still half of that of the wall


@dataclass(frozen=True)
class Enlargement:
    """On the template's grid. ``distance_mm``: (k, j, i), from the wall, negative inside.

    ``outwards``: (k, j, i, 3), x, y, z, the displacement for a wall that moves by 1 mm.
    """

    distance_mm: np.ndarray
    outwards: np.ndarray


@cache
def enlargement() -> Enlargement:
    """Return the warp of the template's lateral ventricles."""
    t1 = load_template().t1
    mask = sitk_from_volume(t1.with_voxels(lateral_ventricles().astype(np.float32)))
    mask = sitk.Cast(mask, sitk.sitkUInt8)
    distance = sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)
    gradient = sitk.GetArrayFromImage(
        sitk.GradientRecursiveGaussian(distance, SMOOTH_MM, False, True)
    )
    distance_mm = sitk.GetArrayFromImage(distance)
    fading = np.exp(-((np.maximum(distance_mm, 0) / REACH_MM) ** 2))
    outwards = gradient * fading[..., None]
    # At the wall the smoothed gradient is shorter than 1.
    at_wall = np.abs(distance_mm) < 1.5
    outwards /= np.linalg.norm(outwards[at_wall], axis=-1).mean()
    return Enlargement(distance_mm, outwards.astype(np.float32))


def lateral_ventricles() -> np.ndarray:
    """Return the template's lateral ventricles (k, j, i), bool: its two largest pools of fluid."""
    template = load_template()
    aside, front, up = _coordinates(template.t1)
    tissue = template.grey_matter.voxels + template.white_matter.voxels
    middle = (aside >= 2) & (aside <= 40) & (front > -50) & (front < 36) & (up > -2) & (up < 34)
    third_ventricle = (aside < 6) & (up < 6)
    fluid = template.brain & (tissue < MOST_TISSUE) & middle & ~third_ventricle
    pools = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(fluid.astype(np.uint8)))
    )
    sizes = np.bincount(pools.ravel())
    sizes[0] = 0
    return np.isin(pools, np.argsort(sizes)[-2:])


def _coordinates(volume: Volume) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k, j, i = np.indices(volume.voxels.shape)
    x, y, z = np.moveaxis(apply_affine(volume.affine, np.stack([i, j, k], -1).astype(float)), -1, 0)
    return np.abs(x), -y, z


def enlarge(brain: Volume, template_to_scan: np.ndarray, wall_mm: float) -> Volume:
    """Return a brain whose ventricles' walls lie further out by ``wall_mm``, in template mm.

    What is at p came from p - wall_mm * outwards(p); tissue next to the walls is compressed.
    """
    scan_to_template = np.linalg.inv(template_to_scan)
    k, j, i = np.indices(brain.voxels.shape)
    index = np.stack([i, j, k], -1).astype(float)
    places = apply_affine(scan_to_template @ brain.affine, index)
    in_template = apply_affine(np.linalg.inv(load_template().t1.affine), places)
    components = np.moveaxis(enlargement().outwards, -1, 0)
    moved = wall_mm * np.stack([_at(one, in_template, order=1) for one in components], -1)
    source = apply_affine(np.linalg.inv(brain.affine) @ template_to_scan, places - moved)
    touched = np.linalg.norm(moved, axis=-1) > 0.01
    found = _at(brain.voxels, source[touched], order=3)
    signal = brain.voxels[brain.voxels > 0]
    result = brain.voxels.copy()
    result[touched] = np.clip(found, signal.min(), signal.max()) * (brain.voxels[touched] > 0)
    return brain.with_voxels(result)


def enlarged_region() -> torch.Tensor:
    """Return the ventricles and what lies close to them (z, y, x), on the grid of the maps."""
    x, y = grid_xy_mm(torch.zeros(()))
    z = grid_heights_mm(torch.zeros(()))[:, None, None].expand(-1, *x.shape)
    points = torch.stack([x.expand_as(z), y.expand_as(z), z], -1).double().numpy()
    index = apply_affine(np.linalg.inv(load_template().t1.affine), points)
    return torch.from_numpy(_at(enlargement().distance_mm, index, order=1) <= REGION_MM)


def _at(values: np.ndarray, index: np.ndarray, order: int) -> np.ndarray:
    """Return values (k, j, i) at indices (..., 3) of i, j, k."""
    return map_coordinates(values, np.moveaxis(index, -1, 0)[::-1], order=order, mode="nearest")


def ventricle_volume_ratio(wall_mm: float) -> float:
    """Return how many times as large the warp makes the template's own ventricles."""
    t1 = load_template().t1
    before = lateral_ventricles().astype(np.float32)
    k, j, i = np.indices(before.shape)
    index = np.stack([i, j, k], -1) - wall_mm * enlargement().outwards / t1.spacing_mm
    return float(_at(before, index, order=1).sum() / before.sum())
