"""Tissue contrast of a registered scan, from its own voxels, before anything is normalised.

The template says where grey matter, white matter and the ventricles are expected. There the
logarithm of the scan is modelled as one brightness for each tissue plus a smooth field of the
second order, fitted robustly. The order of the three brightnesses tells a T1 scan from others;
the normalisation before the network, which takes grey matter to be darker than white, must not be
asked.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.gate.measurements import Contrast
from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.template import Template

MOST_VOXELS = 60_000
# Partial volume is everywhere in thick slices: only where the template is sure.
GREY, WHITE, VENTRICLE = 0, 1, 2
LEAST_PRIOR = (0.75, 0.9, 0.7)
VENTRICLE_DEPTH_MM = 20.0
LEAST_VOXELS = (60, 60, 15)
ROUNDS = 4
BRIGHT = 1.4  # of white matter: vessels and enhancement, not tissue
BELOW_ZERO = -0.02  # of the brain's brightness; interpolation leaves less


def measure_contrast(placed: PlacedScan, template: Template) -> Contrast:
    """Return the contrast of a scan whose place in the template is known."""
    k, j, i = np.nonzero(placed.mask)
    chosen = slice(None, None, 1 + len(k) // MOST_VOXELS)
    values = placed.volume.voxels[k[chosen], j[chosen], i[chosen]].astype(float)
    index = np.stack([i, j, k], -1)[chosen].astype(float)
    points = apply_affine(placed.registration.scan_to_template @ placed.volume.affine, index)
    tissue = _tissue_at(points, template)
    positive = values > 0
    negative_share = 1.0 - float(positive.mean()) if len(values) else 0.0
    negative_image_share = _share_below_zero(placed.volume.voxels, values[positive])
    counts = [int((tissue[positive] == n).sum()) for n in range(3)]
    if any(count < least for count, least in zip(counts[:2], LEAST_VOXELS[:2], strict=True)):
        return Contrast(None, None, None, None, None, None, negative_share, negative_image_share)
    used = positive & (tissue >= 0)
    levels, field, residual = _fit(np.log(values[used]), tissue[used], points[used])
    grey, white, ventricle = levels
    spread = 1.4826 * float(np.median(np.abs(residual))) + 1e-6
    flat = np.log(values[positive]) - _polynomial(points[positive]) @ field
    has_ventricle = counts[VENTRICLE] >= LEAST_VOXELS[VENTRICLE]
    return Contrast(
        grey_to_white=float(np.exp(grey - white)),
        csf_to_white=float(np.exp(ventricle - white)) if has_ventricle else None,
        tissue_contrast=float(white - grey) / spread,
        tissue_spread=spread,
        field_sd=float((_polynomial(points[used]) @ field).std()),
        bright_share=float((flat > white + np.log(BRIGHT)).mean()),
        negative_share=negative_share,
        negative_image_share=negative_image_share,
    )


def _share_below_zero(voxels: np.ndarray, brain: np.ndarray) -> float:
    """Return the share of an image (k, j, i) that is clearly below zero.

    ``brain``: (voxel,), the brain's values above zero.
    """
    return float((voxels < BELOW_ZERO * np.median(brain)).mean()) if len(brain) else 0.0


def _tissue_at(points: np.ndarray, template: Template) -> np.ndarray:
    """Return GREY, WHITE, VENTRICLE or -1 at template points (n, 3) in mm."""
    tissues = _tissues(template)
    limits = np.array(tissues.shape)[::-1]
    index = np.rint(apply_affine(np.linalg.inv(template.t1.affine), points)).astype(int)
    inside = ((index >= 0) & (index < limits)).all(1)
    i, j, k = np.clip(index, 0, limits - 1).T
    return np.where(inside, tissues[k, j, i], -1)


@lru_cache(maxsize=1)
def _tissues(template: Template) -> np.ndarray:
    grey, white = template.grey_matter.voxels, template.white_matter.voxels
    brain = template.brain
    image = sitk.GetImageFromArray(brain.astype(np.uint8))
    image.SetSpacing(template.t1.spacing_mm.tolist())
    depth = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(
            image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True
        )
    )
    fluid = (1.0 - grey - white) * (brain & (depth > VENTRICLE_DEPTH_MM))
    tissues = np.full(brain.shape, -1, np.int8)
    for number, prior in enumerate((grey, white, fluid)):
        tissues[brain & (prior > LEAST_PRIOR[number])] = number
    return tissues


def _fit(
    logs: np.ndarray, tissue: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the tissues' levels (3,), the field's coefficients and the residual, all logarithms.

    Iterated least squares with Huber's weights (Huber 1964).
    """
    design = np.concatenate([tissue[:, None] == np.arange(3), _polynomial(points)], 1).astype(float)
    ridge = np.diag([1e-9] * 3 + [1e-3 * len(logs)] * (design.shape[1] - 3))
    weights = np.ones(len(logs))
    for _ in range(ROUNDS):
        weighted = design * weights[:, None]
        solution = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ logs)
        residual = logs - design @ solution
        spread = 1.4826 * np.median(np.abs(residual)) + 1e-6
        weights = 1.0 / np.maximum(1.0, np.abs(residual) / (1.345 * spread))
    levels = np.array(
        [
            solution[n] + np.median(residual[tissue == n]) if (tissue == n).any() else np.nan
            for n in range(3)
        ]
    )
    return levels, solution[3:], residual


def _polynomial(points: np.ndarray) -> np.ndarray:
    """Return the monomials (n, 9) of x, y, z up to the second order, without the constant."""
    x, y, z = ((points - [0.0, 18.0, 4.0]) / 80.0).T
    return np.stack([x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], 1)
