"""A scan whose brain is known and whose place in the template is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.registration import Registration
from BrainAgeLib.template.slices import SliceSet, TemplateMaps, slices_of_scan
from BrainAgeLib.template.template import Template


@dataclass(frozen=True)
class PlacedScan:
    """``volume``: canonical axes. ``mask``: (k, j, i) bool. ``registration``: see there."""

    volume: Volume
    mask: np.ndarray
    registration: Registration

    @property
    def brain_volume_ml(self) -> float:
        """Volume of the mask."""
        return float(self.mask.sum()) * self.volume.voxel_volume_ml

    def slices(self, template: Template, device: str) -> SliceSet:
        """Return what the network sees."""
        return slices_of_scan(
            torch.as_tensor(self.volume.voxels, dtype=torch.float32, device=device),
            torch.as_tensor(self.mask, dtype=torch.float32, device=device),
            self.registration.scan_to_template @ self.volume.affine,
            TemplateMaps(template, device),
        )
