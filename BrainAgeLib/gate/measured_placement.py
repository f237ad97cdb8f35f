"""How a brain lies in the template: what is cut, what the mask leaks or misses, which way is up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.gate.measurements import Placement
from BrainAgeLib.scan.geometry import apply_affine, slice_axis
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.template import Template

SPACING_MM = 4.0
MARGIN_MM = 20.0
# The mask of a sound scan leaves the template's brain by less than this nearly everywhere.
TOLERANCE_MM = 8.0
SKULL_MM = (6.0, 18.0)
TURNS = ((0,), (1,), (0, 1))  # axes (z, y, x) that are reversed


@dataclass(frozen=True)
class TemplateGrid:
    """Points around the template's brain on a grid (z, y, x) that is symmetric about its middle.

    ``points_mm``: (z, y, x, 3) template coordinates. ``t1``: (z, y, x), 0 outside the brain.
    ``outside_mm``: (z, y, x) distance from the brain's surface, negative inside.
    """

    points_mm: np.ndarray
    t1: np.ndarray
    outside_mm: np.ndarray

    @property
    def brain(self) -> np.ndarray:
        """Where the template has brain (z, y, x), bool."""
        return self.outside_mm <= 0


def measure_placement(placed: PlacedScan, template: Template) -> Placement:
    """Return how the brain of a registered scan lies in the template."""
    grid = _grid(template)
    to_index = np.linalg.inv(placed.volume.affine) @ placed.registration.template_to_scan
    index = apply_affine(to_index, grid.points_mm)
    limits = np.array(placed.mask.shape)[::-1]
    below, above = index <= -0.5, index >= limits - 0.5
    in_view = np.array(~(below | above).any(-1))
    i, j, k = np.moveaxis(np.clip(np.rint(index).astype(int), 0, limits - 1), -1, 0)
    in_mask = placed.mask[k, j, i] & in_view
    values = np.where(in_view, placed.volume.voxels[k, j, i], 0.0)
    brain = grid.brain
    seen = brain & in_view
    # An end of the image that is beyond the brain on two sides at once counts with the slices.
    top, bottom = above[..., 2], below[..., 2]
    sides = ~in_view & ~top & ~bottom
    deep = in_view & (grid.outside_mm < -TOLERANCE_MM)
    pattern, turned = _patterns(np.where(in_mask, values, 0.0), in_mask, grid)
    return Placement(
        coverage=_share(seen, brain),
        cut_top=_share(brain & top, brain),
        cut_bottom=_share(brain & bottom, brain),
        cut_sides=_share(brain & sides, brain),
        overlap=2.0 * float((seen & in_mask).sum()) / max(1.0, float(seen.sum() + in_mask.sum())),
        leak_share=_share(in_mask & (grid.outside_mm > TOLERANCE_MM), in_mask),
        missed_share=_share(deep & ~in_mask, deep),
        edge_share=_edge_share(placed),
        pattern=pattern,
        pattern_turned=turned,
        signal_around=_signal_around(values, in_view, in_mask, grid),
        rim_share=_rim_share(values, in_view, in_mask),
    )


@lru_cache(maxsize=1)
def _grid(template: Template) -> TemplateGrid:
    volume = template.t1
    brain = template.brain
    spacing = volume.spacing_mm
    padding = np.ceil((MARGIN_MM + SPACING_MM) / spacing).astype(int)
    padded = np.pad(brain, [(n, n) for n in padding[::-1]]).astype(np.uint8)
    image = sitk.GetImageFromArray(padded)
    image.SetSpacing(spacing.tolist())
    distance = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(
            image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
        )
    )
    occupied = np.argwhere(brain)[:, ::-1]
    low = apply_affine(volume.affine, occupied.min(0).astype(float)) - MARGIN_MM
    high = apply_affine(volume.affine, occupied.max(0).astype(float)) + MARGIN_MM
    count = np.ceil((high - low) / SPACING_MM).astype(int)
    first = (low + high) / 2 - (count - 1) / 2 * SPACING_MM
    axes = [first[n] + SPACING_MM * np.arange(count[n]) for n in range(3)]
    points = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], -1)
    index = np.rint(apply_affine(np.linalg.inv(volume.affine), points)).astype(int) + padding
    i, j, k = np.moveaxis(np.clip(index, 0, np.array(padded.shape)[::-1] - 1), -1, 0)
    t1 = np.pad(volume.voxels, [(n, n) for n in padding[::-1]])
    return TemplateGrid(points, t1[k, j, i], distance[k, j, i])


def _patterns(values: np.ndarray, in_mask: np.ndarray, grid: TemplateGrid) -> tuple[float, float]:
    """Return the correlation inside the brain as registered, and the best when turned about."""
    upright = _correlation(values, in_mask, grid)
    turned = max(
        _correlation(np.flip(values, axes), np.flip(in_mask, axes), grid) for axes in TURNS
    )
    return upright, turned


def _correlation(values: np.ndarray, in_mask: np.ndarray, grid: TemplateGrid) -> float:
    both = in_mask & grid.brain
    if both.sum() < 100:
        return 0.0
    a, b = values[both].astype(float), grid.t1[both].astype(float)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


def _signal_around(
    values: np.ndarray, in_view: np.ndarray, in_mask: np.ndarray, grid: TemplateGrid
) -> float:
    """Return how bright skull and scalp are: the 75th percentile as a share of the brain's median.

    The ring is the upper half of the head, where nothing but skull and scalp is.
    """
    low, high = SKULL_MM
    ring = in_view & ~in_mask & (grid.outside_mm > low) & (grid.outside_mm < high)
    ring &= grid.points_mm[..., 2] > 0
    inside = values[in_mask]
    if ring.sum() < 100 or inside.size == 0:
        return 0.0
    return float(np.quantile(values[ring], 0.75) / max(float(np.median(inside)), 1e-6))


def _rim_share(values: np.ndarray, in_view: np.ndarray, in_mask: np.ndarray) -> float | None:
    """Return how much of a thin rim around the mask is as bright as the brain's middle half.

    Around a brain there is fluid and bone, dark in T1; brain that the mask leaves out is not.
    """
    if not in_mask.any():
        return None
    rim = np.zeros_like(in_mask)
    for axis in range(3):
        for step in (-1, 1):
            rim |= np.roll(in_mask, step, axis)  # the grid has a margin: nothing comes around
    rim &= in_view & ~in_mask
    low, high = np.quantile(values[in_mask], (0.25, 0.75))
    return _share((values[rim] >= low) & (values[rim] <= high), rim[rim])


def _edge_share(placed: PlacedScan) -> float:
    """Return the share of the mask's in-plane outline that lies on the edge of the image."""
    axis = slice_axis(placed.volume.affine, placed.mask.shape)
    mask = np.moveaxis(placed.mask, 0 if axis < 0 else 2 - axis, 0)
    inner = mask.copy()
    inner[:, 1:-1, 1:-1] &= (
        mask[:, :-2, 1:-1] & mask[:, 2:, 1:-1] & mask[:, 1:-1, :-2] & mask[:, 1:-1, 2:]
    )
    inner[:, [0, -1]] = inner[:, :, [0, -1]] = False
    outline = mask & ~inner
    on_edge = np.zeros_like(mask)
    on_edge[:, [0, -1]] = on_edge[:, :, [0, -1]] = True
    return _share(outline & on_edge, outline)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum()) / max(1.0, float(whole.sum()))
