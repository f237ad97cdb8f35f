"""Single slices brought onto the template in their own planes.

A few slices cannot be registered in three dimensions; they lie where whoever placed them says, in
the atlas that was at hand and at its scale. So each is moved, turned, stretched and sheared in its
plane until it lies on the template's (Gauss-Newton steps on the squared differences of
brightness, Lucas and Kanade 1981), then deformed as whole brains are (``alignment``). What is
compared is the slice as the training's own scanner shows it, which strip and contrast change less;
since that is shown by the template's tissues at the same places, a slice that lies far off is shown
once more when it has been moved. What is moved is the slice as it was acquired. How high a slice
lies is not looked for, nor what a slice lacks: that is drawn in from what is beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.template.alignment import (
    AlignedVolume,
    align_to_template,
    log_jacobian,
    resize_displacement,
    warp,
)
from BrainAgeLib.template.grid import (
    FIRST_HEIGHT_MM,
    GRID_FIRST_XY_MM,
    GRID_HEIGHT,
    GRID_SPACING_MM,
    GRID_WIDTH,
    HEIGHT_STEP_MM,
    plane_points_mm,
    smooth,
)
from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.slices import LEAST_TISSUE, SliceSet, sample_volume
from BrainAgeLib.template.target import template_target

# The models were trained on what comes of these numbers and of those in the functions: all were set
# by hand.
STAGES = ((8.0, 12), (4.0, 10), (2.5, 8))  # blur in mm, steps: what is far first, then what is near
SCALES = (0.75, 1.3)  # of the first guess
NEAR_MM = 4.0  # five of six slices of the training's own registered scans are moved less
MOST_MOVED_MM = 20.0  # farther is no placement but a failure
RADIUS_MM = 50.0  # so that a change of scale counts as one of place
DAMPING = 1e-3  # of the steps' mean curvature
_GRID_TO_MM = np.diag([GRID_SPACING_MM, GRID_SPACING_MM, HEIGHT_STEP_MM, 1.0])
_GRID_TO_MM[:3, 3] = (*GRID_FIRST_XY_MM, FIRST_HEIGHT_MM)
_HALF_MM = (GRID_WIDTH * GRID_SPACING_MM / 2, GRID_HEIGHT * GRID_SPACING_MM / 2)


@dataclass(frozen=True)
class AlignedSlices:
    """Slices that lie where the template has them.

    ``placed``: (slice, y, x) levels as acquired, after moving and stretching as a whole.
    ``deformed``: these after deformation, as volumes (slice, 1, y, x); its stretch is less its mean
    over the template's brain in the plane. ``matrices``: (slice, 2, 3), see :func:`placed_by`.
    """

    placed: torch.Tensor
    deformed: AlignedVolume
    matrices: torch.Tensor

    def to(self, device: str) -> AlignedSlices:
        """Return the same on another device."""
        return AlignedSlices(
            self.placed.to(device), self.deformed.to(device), self.matrices.to(device)
        )

    def in_scan(self, number: int, whole: torch.Tensor, deformed: torch.Tensor) -> torch.Tensor:
        """Return amounts (y, x) at a scan's own places in one slice; their sum stays.

        ``whole``: at places of ``placed``; ``deformed``: at those of ``deformed``. What a place has
        is spread over all that it is stretched to.
        """
        own = self.deformed.of_scan(number)
        stretch = log_jacobian(resize_displacement(own.displacement, (1, *deformed.shape)))[0].exp()
        there = whole + own.in_scan(deformed / stretch)[0]
        back = torch.linalg.inv(_square(self.matrices[number : number + 1].cpu().double()))
        moved = placed_by(there[None, None], back[:, :2].to(there))[0, 0]
        return moved * float(torch.linalg.det(back[0]))


@torch.inference_mode()
def aligned_slices(slices: SliceSet, shown: SliceSet) -> AlignedSlices:
    """Return slices aligned to the template, each in its own plane.

    ``shown``: the same slices, harmonised. Raises ValueError for an empty set.
    """
    if len(slices) == 0:
        raise ValueError("there is no slice to align")
    target = template_planes(slices.planes)
    matrices, shown_there = _placed(target, slices, shown)
    placed = placed_by(slices.images[:, None], matrices)
    seen = torch.ones_like(target)[:, None]
    field = align_to_template(target[:, None], shown_there[:, None], seen)
    full = resize_displacement(field, (1, *target.shape[1:]))
    levels = warp(placed[:, :, None], full)[:, 0]
    stretch = log_jacobian(full)
    brain = (target > LEAST_TISSUE).float()[:, None]
    mean = (stretch * brain).sum((1, 2, 3)) / brain.sum((1, 2, 3)).clamp(min=1.0)
    stretch = stretch - mean.view(-1, 1, 1, 1)
    return AlignedSlices(placed[:, 0], AlignedVolume(levels, stretch, field), matrices)


def _placed(
    target: torch.Tensor, slices: SliceSet, shown: SliceSet
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the matrices (slice, 2, 3) of slices, and what is shown (slice, y, x) there."""
    matrices = placing(target, shown.images)
    there = placed_by(shown.images[:, None], matrices)[:, 0]
    far = torch.nonzero(_farthest_mm(matrices) > NEAR_MM)[:, 0]
    if len(far):
        images = placed_by(slices.images[far, None], matrices[far])[:, 0]
        moved = SliceSet(images, target[far], slices.planes[far], slices.is_harmonised)
        again = harmonised(moved).images
        rest = placing(target[far], again)
        both = (_square(matrices[far]) @ _square(rest))[:, :2]
        works = _farthest_mm(both) <= MOST_MOVED_MM
        nearer = placed_by(again[:, None], rest)[:, 0]
        there[far[works]], matrices[far[works]] = nearer[works], both[works]
    return matrices, there


def template_planes(planes: torch.Tensor) -> torch.Tensor:
    """Return what the template shows (slice, y, x) in planes (slice, 3), as ``template_target``."""
    target = template_target(str(planes.device))
    return sample_volume(target[None], plane_points_mm(planes), np.linalg.inv(_GRID_TO_MM))[0]


def placed_by(images: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Return images (slice, channel, y, x) looked up where matrices (slice, 2, 3) say.

    A place in the result, x and y in mm from the picture's middle, is looked up at matrix (x, y,
    1). Outside of the picture there is nothing.
    """
    half = images.new_tensor(_HALF_MM)
    scaled = torch.cat([matrices[:, :, :2] * half, matrices[:, :, 2:]], 2) / half[:, None]
    grid = functional.affine_grid(scaled, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def placing(target: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return the matrices (slice, 2, 3) that bring images (slice, y, x) onto the target's.

    An image that they do not bring nearer, or far away only, stays where it is.
    """
    matrices = _first_guess(target, images)
    for blur_mm, steps in STAGES:
        sigmas = [0.0, blur_mm / GRID_SPACING_MM, blur_mm / GRID_SPACING_MM]
        fixed, moving = smooth(target[:, None], sigmas), smooth(images[:, None], sigmas)
        for _ in range(steps):
            matrices = _better(matrices, fixed, moving)
    stays = torch.eye(2, 3, device=images.device).expand_as(matrices)
    nearer = _likeness(target, images, matrices) > _likeness(target, images, stays)
    works = nearer & (_farthest_mm(matrices) <= MOST_MOVED_MM)
    return torch.where(works[:, None, None], matrices, stays)


def _places_mm(like: torch.Tensor) -> torch.Tensor:
    """Return x and y (y, x, 2) of the pixels in mm from the picture's middle."""
    x = (torch.arange(GRID_WIDTH, device=like.device) + 0.5) * GRID_SPACING_MM - _HALF_MM[0]
    y = (torch.arange(GRID_HEIGHT, device=like.device) + 0.5) * GRID_SPACING_MM - _HALF_MM[1]
    return torch.stack([x.expand(GRID_HEIGHT, -1), y[:, None].expand(-1, GRID_WIDTH)], -1)


def _first_guess(target: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return the matrices that bring the brain's middle and extent onto the target's."""
    places = _places_mm(images)
    middles, extents = [], []
    for one in (target, images):
        brain = (one > LEAST_TISSUE).float()[..., None]
        count = brain.sum((1, 2)).clamp(min=1.0)
        middles.append((brain * places).sum((1, 2)) / count)
        away = places - middles[-1][:, None, None]
        extents.append(((brain * away.square()).sum((1, 2)) / count).sqrt().clamp(min=1.0))
    scales = (extents[1] / extents[0]).clamp(*SCALES)
    moved = middles[1] - scales * middles[0]
    return torch.cat([torch.diag_embed(scales), moved[:, :, None]], 2)


def _better(matrices: torch.Tensor, fixed: torch.Tensor, moving: torch.Tensor) -> torch.Tensor:
    """Return the matrices after one step for images (slice, 1, y, x)."""
    moved = placed_by(moving, matrices)
    along_y, along_x = torch.gradient(moved[:, 0], spacing=GRID_SPACING_MM, dim=(1, 2))
    x, y = (_places_mm(moved) / RADIUS_MM).unbind(-1)
    parts = [along_x * x, along_x * y, along_x, along_y * x, along_y * y, along_y]
    slopes = torch.stack(parts, -1).flatten(1, 2)
    wanted = slopes.transpose(1, 2) @ (fixed - moved).flatten(1)[:, :, None]
    # Solved on the CPU: not every device can.
    curvature = (slopes.transpose(1, 2) @ slopes).cpu().double()
    held = DAMPING * curvature.diagonal(dim1=1, dim2=2).mean(1) + torch.finfo(torch.float32).eps
    curvature = curvature + held[:, None, None] * torch.eye(6)
    step = torch.linalg.solve(curvature, wanted.cpu().double())[:, :, 0].to(matrices)
    change = step.view(-1, 2, 3) / step.new_tensor([RADIUS_MM, RADIUS_MM, 1.0])
    change = change + torch.eye(2, 3, device=step.device)
    return (_square(matrices) @ _square(change))[:, :2]


def _square(matrices: torch.Tensor) -> torch.Tensor:
    """Return matrices (slice, 3, 3) of (slice, 2, 3)."""
    last = matrices.new_tensor([0.0, 0.0, 1.0]).expand(len(matrices), 1, 3)
    return torch.cat([matrices, last], 1)


def _likeness(target: torch.Tensor, images: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Return the correlation (slice,) of images, looked up where matrices say, with the target."""
    there = placed_by(images[:, None], matrices)[:, 0].flatten(1)
    here = target.flatten(1)
    here, there = here - here.mean(1, keepdim=True), there - there.mean(1, keepdim=True)
    product: torch.Tensor = functional.cosine_similarity(here, there, dim=1)
    return product


def _farthest_mm(matrices: torch.Tensor) -> torch.Tensor:
    """Return how far (slice,) a place at a brain's edge is moved at most."""
    half_width, half_length = RADIUS_MM, 1.3 * RADIUS_MM
    edge = [[half_width, 0, 1], [-half_width, 0, 1], [0, half_length, 1], [0, -half_length, 1]]
    places = matrices.new_tensor([*edge, [0, 0, 1]])
    moved = torch.einsum("sij,pj->spi", matrices, places) - places[:, :2]
    return moved.norm(dim=-1).amax(1)
