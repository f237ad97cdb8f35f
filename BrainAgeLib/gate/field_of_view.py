"""What a scan shows of the template's brain and of what lies around it.

The scan is looked up, voxel by nearest voxel, at points 4 mm apart: several families of checks
measure on the same few thousand of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.search import correlation
from BrainAgeLib.template.template import Template, distance_outside_mm

# Set by hand; the limits of all families were chosen on what is measured at these points.
SPACING_MM = 4.0
MARGIN_MM = 20.0  # skull and scalp, and somewhat more
# The mask of a sound scan leaves the template's brain by less than this nearly everywhere: at
# most 1.5 % of it lies farther out.
TOLERANCE_MM = 8.0
BONE_MM, BONE_ABOVE_MM = (4.0, 10.0), 20.0  # from the brain; height in the template
FEWEST_POINTS = 100  # that a correlation or a brightness is taken from
LEAST_BRIGHTNESS = float(np.finfo(np.float32).tiny)  # to divide by, in whatever unit voxels are


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


@dataclass(frozen=True)
class FieldOfView:
    """The scan at the points of the grid.

    ``values``: (z, y, x) its brightness, 0 beyond the image. ``in_mask``: (z, y, x) bool.
    ``below``, ``above``: (z, y, x, 3) bool, which points lie beyond the low and the high end of
    the image, by its axes i, j, k.
    """

    grid: TemplateGrid
    values: np.ndarray
    in_mask: np.ndarray
    below: np.ndarray
    above: np.ndarray

    @property
    def in_view(self) -> np.ndarray:
        """Which points (z, y, x) lie in the image, bool."""
        return np.array(~(self.below | self.above).any(-1))

    def pattern(self, turned: tuple[int, ...] = ()) -> float:
        """Return the correlation of scan and template inside the brain alone.

        ``turned``: axes (z, y, x) along which the scan is reversed first. 0 where brain and
        template hardly meet.
        """
        in_mask = np.flip(self.in_mask, turned)
        both = in_mask & self.grid.brain
        if both.sum() < FEWEST_POINTS:
            return 0.0
        values = np.flip(np.where(self.in_mask, self.values, 0.0), turned)
        return correlation(values[both].astype(float), self.grid.t1[both].astype(float))


def around_to_brain(view: FieldOfView) -> float | None:
    """Return the brightness where the skull's bone is over the brain's; None without a skull.

    Medians, above the middle of the brain. In an MR picture bone is dark, in a CT bright.
    """
    grid, (low, high) = view.grid, BONE_MM
    is_bone = (grid.outside_mm > low) & (grid.outside_mm < high) & view.in_view
    is_bone &= grid.points_mm[..., 2] > BONE_ABOVE_MM
    brain, bone = view.values[view.in_mask], view.values[is_bone]
    if len(brain) < FEWEST_POINTS or len(bone) < FEWEST_POINTS or np.median(bone) == 0:
        return None
    return float(np.median(bone)) / max(float(np.median(brain)), LEAST_BRIGHTNESS)


def look_around(placed: PlacedScan, template: Template) -> FieldOfView:
    """Return what a scan shows around the template's brain."""
    grid = template_grid(template)
    to_index = np.linalg.inv(placed.volume.affine) @ placed.registration.template_to_scan
    index = apply_affine(to_index, grid.points_mm)
    limits = np.array(placed.mask.shape)[::-1]
    below, above = index <= -0.5, index >= limits - 0.5
    in_view = ~(below | above).any(-1)
    i, j, k = np.moveaxis(np.clip(np.rint(index).astype(int), 0, limits - 1), -1, 0)
    return FieldOfView(
        grid,
        np.where(in_view, placed.volume.voxels[k, j, i], 0.0),
        placed.mask[k, j, i] & in_view,
        below,
        above,
    )


def fraction_of(part: np.ndarray, whole: np.ndarray) -> float:
    """Return how much of a whole a part of it makes up, 0-1; both are bool."""
    return float(part.sum()) / max(1.0, float(whole.sum()))


@lru_cache(maxsize=1)
def template_grid(template: Template) -> TemplateGrid:
    """Return the points around a template's brain; worked out once."""
    volume = template.t1
    padding = np.ceil((MARGIN_MM + SPACING_MM) / volume.spacing_mm).astype(int)
    around = [(n, n) for n in padding[::-1]]
    distance = distance_outside_mm(np.pad(template.brain, around), volume.spacing_mm)
    occupied = np.argwhere(template.brain)[:, ::-1]
    low = apply_affine(volume.affine, occupied.min(0).astype(float)) - MARGIN_MM
    high = apply_affine(volume.affine, occupied.max(0).astype(float)) + MARGIN_MM
    count = np.ceil((high - low) / SPACING_MM).astype(int)
    first = (low + high) / 2 - (count - 1) / 2 * SPACING_MM
    axes = [first[n] + SPACING_MM * np.arange(count[n]) for n in range(3)]
    points = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], -1)
    index = np.rint(apply_affine(np.linalg.inv(volume.affine), points)).astype(int) + padding
    t1 = np.pad(volume.voxels, around)
    i, j, k = np.moveaxis(np.clip(index, 0, np.array(t1.shape)[::-1] - 1), -1, 0)
    return TemplateGrid(points, t1[k, j, i], distance[k, j, i])
