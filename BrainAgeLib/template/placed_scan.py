"""A scan whose brain is known and whose place in the template is known: to the grid and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.template.grid import (
    FIRST_HEIGHT_MM,
    GRID_FIRST_XY_MM,
    GRID_SPACING_MM,
    HEIGHT_COUNT,
    HEIGHT_STEP_MM,
)
from BrainAgeLib.template.registration import NOT_REGISTERED, Registration
from BrainAgeLib.template.sequences import shown_as_t1
from BrainAgeLib.template.slices import SliceSet, TemplateMaps, on_the_grid, slices_of_scan
from BrainAgeLib.template.template import Template


@dataclass(frozen=True)
class PlacedScan:
    """``volume``: canonical axes. ``mask``: (k, j, i) bool. ``registration``: see there."""

    volume: Volume
    mask: np.ndarray
    registration: Registration = NOT_REGISTERED

    @property
    def brain_volume_ml(self) -> float:
        """Volume of the mask."""
        return float(self.mask.sum()) * self.volume.voxel_volume_ml

    @property
    def is_registered(self) -> bool:
        """Whether its place was found; otherwise it is said to be in template space."""
        return self.registration.is_found

    @property
    def index_to_template(self) -> np.ndarray:
        """4 x 4 affine from the scan's index (i, j, k) to template coordinates in mm."""
        return self.registration.scan_to_template @ self.volume.affine

    def slices(self, template: Template, device: str, sequence: SequenceName = "T1w") -> SliceSet:
        """Return the slices in template space; every model's input is made from them.

        Those of another sequence, one that ``sequences`` reads, are shown as a T1's.
        """
        scan = torch.as_tensor(self.volume.voxels, dtype=torch.float32, device=device)
        mask = torch.as_tensor(self.mask, dtype=torch.float32, device=device)
        maps = TemplateMaps(template, device)
        if sequence == "T1w":
            return slices_of_scan(scan, mask, self.index_to_template, maps)
        values, points = on_the_grid(torch.stack([scan * mask, mask]), self.index_to_template)
        return shown_as_t1(values, points, maps, sequence)

    def on_voxels(self, values: torch.Tensor) -> np.ndarray:
        """Return a map of the grid (z, y, x) on the voxels of the scan (k, j, i), float32.

        It is linear between the places of the grid. Half a step above the highest and below the
        lowest of them it fades, and is 0 where the next would be. It is 0 outside the brain.
        """
        values = values.float().cpu()
        result = np.zeros(self.mask.shape, np.float32)
        for k in np.flatnonzero(self.mask.any((1, 2))):
            j, i = np.nonzero(self.mask[k])
            index = np.stack([i, j, np.full_like(i, k)], -1).astype(float)
            result[k, j, i] = _looked_up(values, apply_affine(self.index_to_template, index))
        return result


def _looked_up(values: torch.Tensor, points_mm: np.ndarray) -> np.ndarray:
    """Return the values (z, y, x) of the grid at template points (point, 3)."""
    number = (points_mm[:, 2] - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM
    known = number.clip(0, HEIGHT_COUNT - 1)
    pixel = (points_mm[:, :2] - GRID_FIRST_XY_MM) / GRID_SPACING_MM
    place = (2.0 * np.column_stack([pixel, known]) + 1.0) / values.shape[::-1] - 1.0
    looked_up = functional.grid_sample(
        values[None, None],
        torch.from_numpy(place).float()[None, None, None],
        align_corners=False,
    )[0, 0, 0, 0]
    faded: np.ndarray = looked_up.numpy() * np.clip(2.0 - 2.0 * np.abs(number - known), 0, 1)
    return faded
