"""From a map on the model's grid back to the voxels of the scan."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.slices import GRID_FIRST_XY_MM, GRID_SPACING_MM, TARGET_SPACING_MM


def to_scan_voxels(values: torch.Tensor, planes: torch.Tensor, placed: PlacedScan) -> np.ndarray:
    """Return values of parallel planes on the voxels of the scan (k, j, i), float32.

    ``values``: (plane, y, x) on the model's grid. ``planes``: (plane, 3), see SliceSet; those of
    ``template_volume.grid_planes`` for a saliency map. Values are linear within a plane and, by the
    height of each voxel, between planes. Half a step beyond the first and last one values fade, and
    are 0 where the next one would be. They are 0 outside the brain.
    """
    to_template = placed.registration.scan_to_template @ placed.volume.affine
    stack = _Stack(values.float().cpu(), planes.double().cpu().numpy())
    result = np.zeros(placed.mask.shape, np.float32)
    for k in np.flatnonzero(placed.mask.any((1, 2))):
        j, i = np.nonzero(placed.mask[k])
        index = np.stack([i, j, np.full_like(i, k)], -1).astype(float)
        result[k, j, i] = stack.at(apply_affine(to_template, index))
    return result


class _Stack:
    """Values on parallel slices, sorted by height."""

    def __init__(self, values: torch.Tensor, planes: np.ndarray) -> None:
        order = np.argsort(planes[:, 0])
        self.values = values[order.copy()]
        self.heights_mm = planes[order, 0]
        self.slopes = planes[:, 1:].mean(0)
        steps = np.diff(self.heights_mm)
        self.spacing_mm = float(np.median(steps)) if len(steps) else TARGET_SPACING_MM

    def at(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the values at template points (point, 3)."""
        # One affine took all slices here, so they are parallel: their height at x = y = 0 tells
        # which of them a point is in or between.
        height_mm = points_mm[:, 2] - points_mm[:, :2] @ self.slopes
        number = np.interp(height_mm, self.heights_mm, np.arange(len(self.heights_mm)))
        pixel = (points_mm[:, :2] - GRID_FIRST_XY_MM) / GRID_SPACING_MM
        place = (2.0 * np.column_stack([pixel, number]) + 1.0) / self.values.shape[::-1] - 1.0
        found = functional.grid_sample(
            self.values[None, None],
            torch.from_numpy(place).float()[None, None, None],
            align_corners=False,
        )[0, 0, 0, 0]
        low, high = self.heights_mm[0], self.heights_mm[-1]
        beyond_mm = np.maximum(low - height_mm, height_mm - high)
        faded: np.ndarray = found.numpy() * np.clip(2.0 - 2.0 * beyond_mm / self.spacing_mm, 0, 1)
        return faded
