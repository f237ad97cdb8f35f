"""The one path from a scan to its slices in template space, in training and prediction alike.

A scan becomes a set of slices. Each acquired slice keeps its own plane: its pixels are looked up
at the template's (x, y), and the height z of each pixel above the template's origin goes along, so
that a tilted slice is described exactly and nothing is interpolated between slices. Scans that
were not acquired in axial slices (3D, coronal, sagittal) are averaged into axial slabs instead.

Everything here is torch on the device of the scan, so that a GPU can simulate and train in one go.
Arrays are (k, j, i) or (slice, y, x); affines map (i, j, k) to LPS world coordinates in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.geometry import slice_axis
from BrainAgeLib.template.grid import (
    grid_points_mm,
    grid_xy_mm,
    mid_brain_heights_mm,
    planes_through,
)
from BrainAgeLib.template.intensity import LEAST_COVER, normalise_intensity
from BrainAgeLib.template.template import BRAIN_LEVEL, BRIGHTEST, Template

# The models were trained on what comes of these numbers: whoever changes one trains anew. They and
# those in the functions were set by hand, after the reasons given.
# In-plane blur that every scan is brought to at least: 2.5 mm pixels without aliasing.
IN_PLANE_SIGMA_MM = 1.0
# Thinner neighbours are averaged to about the thickness of routine slices, which is also what
# the network was trained on most.
TARGET_SPACING_MM = 5.0
SLAB_SPACING_MM = 6.0  # as routine slices of 5 mm with gaps of 1 mm
SLAB_TAPS_MM = (-2.0, -1.0, 0.0, 1.0, 2.0)  # that make up 5 mm
SLAB_RANGE_MM = (-66.0, 78.0)  # from below the cerebellum to above the vertex
LEAST_TISSUE = 0.2  # of normalised images: darker is fluid
LEAST_BRAIN_PIXELS = 80  # 5 square centimetres: what is smaller says nothing


@dataclass(frozen=True)
class SliceSet:
    """The slices of one scan; ``scan_maps`` makes of them what the models see.

    ``images``: (slice, y, x) float, normalised: grey matter near 0.7, white matter near 1, CSF and
    background near 0. ``template``: (slice, y, x) float, the template's T1 at the same points, 0-1.
    ``planes``: (slice, 3) where they lie, see ``grid``. ``is_harmonised``: whether the images are
    as the training's own scanner would show them, not as they were acquired.
    """

    images: torch.Tensor
    template: torch.Tensor
    planes: torch.Tensor
    is_harmonised: bool = False

    def __len__(self) -> int:
        return int(self.images.shape[0])

    @property
    def mid_brain_heights_mm(self) -> torch.Tensor:
        """Height (slice,) of each slice at the middle of the brain."""
        return mid_brain_heights_mm(self.planes)

    @property
    def fraction_in_template(self) -> float:
        """Fraction of the pixels of tissue that lie in the template's brain, 0-1."""
        brain = self.images > LEAST_TISSUE
        inside = brain & (self.template > BRAIN_LEVEL)
        return float(inside.sum()) / max(1.0, float(brain.sum()))

    def to(self, device: str) -> SliceSet:
        """Return the same slices on another device."""
        images, template = self.images.to(device), self.template.to(device)
        return replace(self, images=images, template=template, planes=self.planes.to(device))


class TemplateMaps:
    """The template's T1 and tissue priors as tensors on one device."""

    def __init__(self, template: Template, device: torch.device | str = "cpu") -> None:
        maps = (
            template.t1.voxels / BRIGHTEST,
            template.grey_matter.voxels,
            template.white_matter.voxels,
        )
        self.maps = torch.as_tensor(np.stack(maps), dtype=torch.float32, device=device)
        self.world_to_index = np.linalg.inv(template.t1.affine)

    def at(self, points_mm: torch.Tensor) -> torch.Tensor:
        """Return T1, grey and white matter (3, slice, y, x) at template points (slice, y, x, 3)."""
        return sample_volume(self.maps, points_mm, self.world_to_index)


def slices_of_scan(
    scan: torch.Tensor,
    mask: torch.Tensor,
    index_to_template: np.ndarray,
    template: TemplateMaps,
) -> SliceSet:
    """Return the slices of a scan, in template space and with normalised intensities.

    ``scan``, ``mask``: (k, j, i) float tensors on one device; the mask is 1 in the brain.
    ``index_to_template``: 4 x 4 affine from the scan's index to template coordinates in mm.
    """
    values, points = on_the_grid(torch.stack([scan * mask, mask]), index_to_template)
    return normalised(values, points, template)


def normalised(values: torch.Tensor, points_mm: torch.Tensor, template: TemplateMaps) -> SliceSet:
    """Return the slices of what :func:`on_the_grid` gives of a masked scan and its mask."""
    t1, grey_matter, white_matter = template.at(points_mm)
    images = normalise_intensity(values[0], values[1], points_mm, grey_matter, white_matter)
    return SliceSet(images, t1, planes_through(points_mm))


def on_the_grid(
    stacked: torch.Tensor, index_to_template: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the slices (channel, slice, y, x) that hold brain, and their points in mm.

    ``stacked``: (channel, k, j, i), the second channel being the mask.
    """
    axis = slice_axis(index_to_template, tuple(stacked.shape[1:]))
    if axis == 2 and is_axial(index_to_template):
        values, points = _acquired_slices(stacked, index_to_template)
    else:
        values, points = _axial_slabs(stacked, index_to_template)
    kept = (values[1] > LEAST_COVER).sum((1, 2)) >= LEAST_BRAIN_PIXELS
    return values[:, kept], points[kept]


def is_axial(index_to_template: np.ndarray) -> bool:
    """Say whether the slices' normal is within 45 degrees of the template's z axis."""
    normal = np.cross(index_to_template[:3, 0], index_to_template[:3, 1])
    return bool(abs(normal[2]) > math.sqrt(0.5) * np.linalg.norm(normal))


def _acquired_slices(
    stacked: torch.Tensor, affine: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Look the acquired slices (channel, k, j, i) up at the grid, each in its own plane."""
    stacked, affine = _average_neighbours(stacked, affine)
    stacked = _blur_in_plane(stacked, affine)
    _, count, rows, columns = stacked.shape
    x, y = grid_xy_mm(stacked)
    k = torch.arange(count, device=stacked.device, dtype=torch.float32)[:, None, None]
    inverse = np.linalg.inv(affine[:2, :2])
    along_x = x - affine[0, 3] - affine[0, 2] * k
    along_y = y - affine[1, 3] - affine[1, 2] * k
    i = inverse[0, 0] * along_x + inverse[0, 1] * along_y
    j = inverse[1, 0] * along_x + inverse[1, 1] * along_y
    z = affine[2, 0] * i + affine[2, 1] * j + affine[2, 2] * k + affine[2, 3]
    place = torch.stack([(2 * i + 1) / columns - 1, (2 * j + 1) / rows - 1], -1)
    values = functional.grid_sample(stacked.transpose(0, 1), place, align_corners=False)
    points = torch.stack([x.expand_as(z), y.expand_as(z), z], -1)
    return values.transpose(0, 1), points


def _average_neighbours(
    stacked: torch.Tensor, affine: np.ndarray
) -> tuple[torch.Tensor, np.ndarray]:
    """Average thin neighbouring slices to about the thickness of routine ones."""
    spacing_mm = abs(np.cross(affine[:3, 0], affine[:3, 1]) @ affine[:3, 2]) / np.linalg.norm(
        np.cross(affine[:3, 0], affine[:3, 1])
    )
    group = max(1, int(TARGET_SPACING_MM / spacing_mm + 0.4))
    count = stacked.shape[1] // group
    if group == 1 or count < 1:
        return stacked, affine
    cut = stacked[:, : count * group]
    averaged = cut.reshape(cut.shape[0], count, group, *cut.shape[2:]).mean(2)
    moved = affine.copy()
    moved[:3, 3] += affine[:3, 2] * (group - 1) / 2
    moved[:3, 2] *= group
    return averaged, moved


def _blur_in_plane(stacked: torch.Tensor, affine: np.ndarray) -> torch.Tensor:
    """Blur rows and columns to the in-plane resolution that all scans share."""
    for axis, dimension in ((0, 3), (1, 2)):
        pixel_mm = float(np.linalg.norm(affine[:3, axis]))
        # A pixel is itself a box of that width, whose standard deviation is 1 / sqrt(12) of it.
        sigma = math.sqrt(max(0.0, IN_PLANE_SIGMA_MM**2 - (0.29 * pixel_mm) ** 2)) / pixel_mm
        if sigma > 0.3:
            stacked = _gaussian(stacked, sigma, dimension)
    return stacked


def _gaussian(stacked: torch.Tensor, sigma: float, dimension: int) -> torch.Tensor:
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=stacked.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    # A product with a matrix takes a fourth of the time of a convolution of one channel.
    places = torch.arange(stacked.shape[dimension], device=stacked.device)
    away = (places - places[:, None]).abs()
    matrix = (kernel / kernel.sum())[(away + radius).clamp(max=2 * radius)] * (away <= radius)
    return stacked @ matrix if dimension == 3 else matrix @ stacked


def _axial_slabs(stacked: torch.Tensor, affine: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Average a volume (channel, k, j, i) into axial slabs of the template."""
    heights = torch.arange(*SLAB_RANGE_MM, SLAB_SPACING_MM, device=stacked.device)
    points = grid_points_mm(heights)
    to_index = np.linalg.inv(affine)
    values = torch.zeros((stacked.shape[0], *points.shape[:-1]), device=stacked.device)
    for tap_mm in SLAB_TAPS_MM:
        offset = torch.tensor([0.0, 0.0, tap_mm], device=stacked.device)
        values += sample_volume(stacked, points + offset, to_index) / len(SLAB_TAPS_MM)
    return values, points


def sample_volume(
    volume: torch.Tensor, points_mm: torch.Tensor, world_to_index: np.ndarray
) -> torch.Tensor:
    """Return linear samples (channel, slice, y, x) of (channel, k, j, i) at points in mm."""
    matrix = torch.as_tensor(world_to_index[:3, :3].T, dtype=torch.float32, device=volume.device)
    offset = torch.as_tensor(world_to_index[:3, 3], dtype=torch.float32, device=volume.device)
    size = torch.tensor(volume.shape[:0:-1], device=volume.device)
    place = (2 * (points_mm @ matrix + offset) + 1) / size - 1
    return functional.grid_sample(volume[None], place[None], align_corners=False)[0]
