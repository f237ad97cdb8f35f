"""The parts of a labelled brain that differ in some sequence, cut into thick slices.

They are fluid inside, in the sulci and around, cortex, deep grey matter, white matter, and what
lies around the brain. Each is cut once; ``sequences`` makes scans of them. Arrays are (k, j, i) or
(slice, part, y, x).
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.intensity import FLUID_CONTRAST, GREY_MATTER_LEVEL, WHITE_MATTER_LEVEL
from BrainAgeLib.training.strips import LEFTOVER_MM, VENTRICLE_DEPTH_MM, depth_mm
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices

FLUID, GREY_MATTER, WHITE_MATTER = 1, 2, 3  # of labels; 0 is outside
INNER_FLUID, SULCAL_FLUID, OUTER_FLUID, CORTEX, DEEP_GREY, WHITE, RIM, LEVEL = range(8)
PARTS = 7  # that make up the picture; LEVEL is the T1's normalised brightness, to compare with
# Set by hand, like the numbers in the functions.
DEEP_MM = 24.0  # below the brain's surface: basal ganglia, and what else lies there
MOST_MIXED = 0.5  # of a voxel's label belongs to another tissue, by the T1's brightness
HIGHEST_LEVEL = 1.3


def parts_of(brain: Volume, labels: np.ndarray) -> torch.Tensor:
    """Return the parts (part, k, j, i) of a T1 volume, 0-1 each, and its level as the last.

    ``labels``: (k, j, i) on the same grid. Where the T1 is between the brightness of two tissues, a
    voxel is up to half the other one. Raises ValueError without grey or white matter.
    """
    level = _levels(brain.voxels, labels)
    below = 1 - level / GREY_MATTER_LEVEL
    above = (level - GREY_MATTER_LEVEL) / (WHITE_MATTER_LEVEL - GREY_MATTER_LEVEL)
    in_fluid, in_grey, in_white = (labels == n for n in (FLUID, GREY_MATTER, WHITE_MATTER))
    fluid = in_fluid * below.clip(MOST_MIXED, 1) + in_grey * below.clip(0, MOST_MIXED)
    white = in_white * above.clip(MOST_MIXED, 1) + in_grey * above.clip(0, MOST_MIXED)
    grey = (labels > 0) - fluid - white
    depth = depth_mm(labels >= GREY_MATTER, float(brain.spacing_mm[0]))
    inner, deep, inside = depth > VENTRICLE_DEPTH_MM, depth > DEEP_MM, depth > 0
    radius = round(LEFTOVER_MM / float(brain.spacing_mm[0]))
    near = sitk.BinaryDilate(sitk.GetImageFromArray((labels > 0).astype(np.uint8)), [radius] * 3)
    rim = (sitk.GetArrayFromImage(near) > 0) & (labels == 0)
    parts = [fluid * inner, fluid * (inside & ~inner), fluid * ~inside]
    parts += [grey * ~deep, grey * deep, white, rim, level * (labels > 0)]
    return torch.from_numpy(np.stack(parts).astype(np.float32))


def _levels(voxels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the normalised brightness, as ``template.intensity`` has it, by the labels."""
    shown = voxels > 0
    if not all((shown & (labels == n)).any() for n in (GREY_MATTER, WHITE_MATTER)):
        raise ValueError("the labels show no grey or no white matter")
    grey, white = (
        float(np.median(voxels[shown & (labels == n)])) for n in (GREY_MATTER, WHITE_MATTER)
    )
    fluid = max(0.0, grey - FLUID_CONTRAST * white)
    values = [0.0, GREY_MATTER_LEVEL, WHITE_MATTER_LEVEL, HIGHEST_LEVEL]
    beyond = white + (white - grey) * (HIGHEST_LEVEL - 1) / (1 - GREY_MATTER_LEVEL)
    return np.interp(voxels, [fluid, grey, white, beyond], values)


def cut_parts(
    parts: torch.Tensor, affine: np.ndarray, protocol: Protocol
) -> tuple[torch.Tensor, np.ndarray]:
    """Return the thick slices (slice, part, y, x) of parts (part, k, j, i), and their affine."""
    whole = (parts[:PARTS].sum(0) > 0).float()
    cut = [cut_thick_slices(part, affine, protocol, within=whole) for part in parts]
    return torch.stack([scan for scan, _ in cut], 1), cut[0][1]
