"""A scan whose brain is known and whose place in the template is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from BrainAgeLib.imaging.geometry import Volume, apply_affine
from BrainAgeLib.imaging.registration import Registration
from BrainAgeLib.imaging.slices import SliceSet, TemplateMaps, slices_of_scan
from BrainAgeLib.imaging.template import Template

TEMPLATE_BRAIN_LEVEL = 25.0  # a tenth of the template's brightest
STEP = 2  # every second template voxel along each axis is enough to measure overlap


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

    def template_coverage_and_overlap(self, template: Template) -> tuple[float, float]:
        """Return the share of the template brain in the field of view, and the overlap there.

        The overlap is the Dice coefficient of the scan's mask and the template brain.
        """
        points, expected = _template_points(template)
        to_index = np.linalg.inv(self.volume.affine)
        index = apply_affine(to_index, apply_affine(self.registration.template_to_scan, points))
        limits = np.array(self.mask.shape)[::-1]
        inside = ((index > -0.5) & (index < limits - 0.5)).all(1)
        i, j, k = np.clip(np.rint(index).astype(int), 0, limits - 1).T
        found = self.mask[k, j, i] & inside
        coverage = float((expected & inside).sum() / expected.sum())
        in_view = (expected & inside).sum() + found.sum()
        overlap = 2.0 * float((expected & found).sum()) / max(1.0, float(in_view))
        return coverage, overlap

    def scale_to_template(self) -> tuple[float, float, float]:
        """Return the three scale factors from scan to template, smallest first."""
        factors = np.linalg.svd(self.registration.scan_to_template[:3, :3], compute_uv=False)
        return float(factors[2]), float(factors[1]), float(factors[0])


def _template_points(template: Template) -> tuple[np.ndarray, np.ndarray]:
    """Return template coordinates (point, 3) in mm and whether each lies in its brain."""
    brain = template.t1.voxels[::STEP, ::STEP, ::STEP] > TEMPLATE_BRAIN_LEVEL
    axes = [np.arange(n) * STEP for n in brain.shape]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), -1)[..., ::-1].reshape(-1, 3)
    return apply_affine(template.t1.affine, index.astype(float)), brain.ravel()
