"""How the skull might have been stripped: a brain's edge from loose to tight, and what was left.

Extractors leave the fluid around the brain (FreeSurfer, HD-BET, SynthStrip), cut along the gyri
(BET, labels by hand) or anything between, and some leave dura, eyes or bone. Training shows one
brain in all of these, so that its age does not depend on them. Fluid is told from tissue by the
levels of ``template.intensity``. Arrays are (k, j, i).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.voxel_values import WHITE_MATTER_QUANTILE

# Set by hand, like the numbers in the functions: a closed and filled brain, and how far below its
# surface fluid is that of ventricles.
TISSUE_LEVEL = 0.35  # half of grey matter
CLOSING_MM = 8.0
VENTRICLE_DEPTH_MM = 18.0
LEFTOVER_MM = 4.0  # how far outside the brain something may be left


@dataclass(frozen=True)
class Strip:
    """Where a brain ends.

    ``tightness``: the level below which the edge is taken away; 0 takes nothing, 0.35 is half
    cortex, half fluid. ``wander``: standard deviation of that level over the brain.
    ``keeps_ventricles``: whether fluid deep inside stays. ``leftovers``: what part of a rim of 4 mm
    around the brain stays in the image.
    """

    tightness: float = 0.0
    wander: float = 0.0
    keeps_ventricles: bool = True
    leftovers: float = 0.0


LOOSE = Strip()
TIGHT = Strip(TISSUE_LEVEL, keeps_ventricles=False)


def random_strip(generator: np.random.Generator) -> Strip:
    """Draw a strip: loose, tight or between, some with leftovers."""
    tight, kept, left = generator.random(3)
    return Strip(
        tightness=float(generator.uniform(0.05, 0.6)) if tight < 0.65 else 0.0,
        wander=float(generator.uniform(0.0, 0.2)) if tight < 0.65 else 0.0,
        keeps_ventricles=bool(kept < 0.75),
        leftovers=float(generator.uniform(0.0, 0.8)) if left < 0.3 else 0.0,
    )


def ventricles(levels: torch.Tensor, voxel_mm: float) -> torch.Tensor:
    """Return where fluid lies deep in the brain, bool, of a brain's levels (0 outside)."""
    deep = depth_mm(levels.cpu().numpy() >= TISSUE_LEVEL, voxel_mm) > VENTRICLE_DEPTH_MM
    return torch.from_numpy(deep).to(levels.device) & (levels < TISSUE_LEVEL)


def depth_mm(tissue: np.ndarray, voxel_mm: float) -> np.ndarray:
    """Return how far below the surface of the closed and filled tissue each voxel lies.

    ``tissue``: (k, j, i) bool.
    """
    radius = round(CLOSING_MM / voxel_mm)
    padded = sitk.ConstantPad(
        sitk.GetImageFromArray(tissue.astype(np.uint8)), [radius + 1] * 3, [radius + 1] * 3
    )
    hull = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(padded, [radius] * 3))
    depth = sitk.SignedMaurerDistanceMap(hull, insideIsPositive=True, squaredDistance=False)
    inner = slice(radius + 1, -(radius + 1))
    result: np.ndarray = sitk.GetArrayFromImage(depth)[inner, inner, inner] * voxel_mm
    return result


def kept_by(
    strip: Strip,
    levels: torch.Tensor,
    ventricles_: torch.Tensor,
    generator: np.random.Generator,
) -> torch.Tensor:
    """Return which voxels a strip leaves, bool."""
    threshold = strip.tightness + smooth_field(levels, strip.wander, 5, generator)
    kept = levels >= threshold
    return kept | ventricles_ if strip.keeps_ventricles else kept & ~ventricles_


def with_leftovers(
    volume: torch.Tensor, strip: Strip, voxel_mm: float, generator: np.random.Generator
) -> torch.Tensor:
    """Return the volume with dura, eyes or bone left around the brain here and there."""
    if strip.leftovers == 0.0:
        return volume
    inside = (volume > 0).float()
    width = 2 * round(LEFTOVER_MM / voxel_mm) + 1
    near = functional.max_pool3d(inside[None, None], width, 1, width // 2)[0, 0] > 0
    white = torch.quantile(volume[volume > 0][::7], WHITE_MATTER_QUANTILE)
    chosen = smooth_field(volume, 1.0, 7, generator)
    chosen = chosen > torch.quantile(chosen[near][::7], 1 - strip.leftovers)
    bright = generator.uniform(0.05, 0.6) + smooth_field(volume, 0.15, 9, generator)
    return torch.where(near & chosen & (inside == 0), white * bright.clamp(min=0.02), volume)


def smooth_field(
    like: torch.Tensor, strength: float, nodes: int, generator: np.random.Generator
) -> torch.Tensor:
    """Return a random field (k, j, i) around 0 that is drawn at so many nodes along each axis."""
    coarse = torch.as_tensor(
        generator.normal(0, strength, (1, 1, nodes, nodes, nodes)),
        dtype=torch.float32,
        device=like.device,
    )
    return functional.interpolate(coarse, like.shape, mode="trilinear", align_corners=True)[0, 0]
