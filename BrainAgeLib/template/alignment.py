"""Small deformations that bring a registered brain onto the template, from coarse to fine.

Demons with symmetric forces (Thirion 1998, doi 10.1016/S1361-8415(98)80022-4; Vercauteren et al.
2009, doi 10.1016/j.neuroimage.2008.10.040): the displacement follows the gradients of both images
and is smoothed in each step, so that it stays invertible where brains are alike. What the template
has to be stretched by to fit the brain says where the brain has shrunk; what is left after the
deformation says what its tissue looks like.

Everything runs in torch on the device of the volumes, several scans at once, and is deterministic.
Volumes are (scan, channel, z, y, x) on the grid of ``grid``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as functional

from BrainAgeLib.template.grid import SPACING_MM

# The models were trained on what comes of these numbers and of those in the functions: all were set
# by hand.
LARGEST_STEP = 1.5  # voxels
NOISE = 0.02  # of white matter: keeps flat regions from being pushed about


@dataclass(frozen=True)
class Level:
    """One resolution: the grid, steps, and the widths that a step and the field are smoothed by."""

    shape: tuple[int, int, int]
    steps: int
    step_sigma_mm: float
    field_sigma_mm: float


# Set by hand: wide steps find what is far, narrow ones what is near.
LEVELS = (
    Level((13, 20, 16), 20, 6.0, 6.0),
    Level((19, 38, 30), 25, 4.0, 4.0),
    Level((25, 50, 40), 8, 3.0, 3.0),
)


@torch.inference_mode()
def align_to_template(
    target: torch.Tensor, volumes: torch.Tensor, seen: torch.Tensor
) -> torch.Tensor:
    """Return the displacement (scan, 3, z, y, x) in voxels of the last level's grid.

    A point p of the template lies at p + displacement(p) in the scan; components are z, y, x.
    ``target``: (z, y, x). ``volumes``, ``seen``: (scan, z, y, x); unseen places pull at nothing.
    """
    fixed, moving, weight = target[None, None], volumes[:, None], seen[:, None].float()
    field = volumes.new_zeros((len(volumes), 3, *LEVELS[0].shape))
    for level in LEVELS:
        spacing = _spacing_mm(target.shape, level.shape)
        coarser = [max(0.0, 0.4 * (a / b - 1)) for a, b in zip(spacing, SPACING_MM, strict=True)]
        small = [_resize(smooth(image, coarser), level.shape) for image in (fixed, moving)]
        field = _demons(
            small[0], small[1], _resize(weight, level.shape), spacing, level,
            resize_displacement(field, level.shape),
        )  # fmt: skip
    return field


def resize_displacement(field: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a displacement (scan, 3, z, y, x) on a grid of another shape, in its voxels."""
    ratio = [(new - 1) / (old - 1) for new, old in zip(shape, field.shape[2:], strict=True)]
    return _resize(field, shape) * field.new_tensor(ratio).view(1, 3, 1, 1, 1)


def warp(volumes: torch.Tensor, field: torch.Tensor) -> torch.Tensor:
    """Return volumes (scan, channel, z, y, x) looked up at displaced places (scan, 3, z, y, x)."""
    identity = torch.eye(3, 4, device=field.device)[None]
    grid = functional.affine_grid(identity, [1, 1, *field.shape[2:]], align_corners=True)
    reach = field.new_tensor([2.0 / (n - 1) for n in field.shape[2:]]).view(1, 3, 1, 1, 1)
    places = grid + (field * reach).flip(1).permute(0, 2, 3, 4, 1)
    return functional.grid_sample(volumes, places, align_corners=True, padding_mode="border")


def log_jacobian(field: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the local change of volume (scan, z, y, x), template to scan."""
    columns = torch.stack([_gradient(field[:, n : n + 1]) for n in range(3)], 1)
    columns = columns + torch.eye(3, device=field.device).view(1, 3, 3, 1, 1, 1)
    (a, b, c), (d, e, f), (g, h, i) = ([columns[:, m, n] for n in range(3)] for m in range(3))
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return torch.log(determinant.clamp(min=0.1))


def smooth(volumes: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    """Return volumes (..., z, y, x) blurred by Gaussians of these widths in voxels, edges kept.

    Each axis is one product with a matrix, which is much faster here than a convolution.
    """
    *lead, depth, height, width = volumes.shape
    for axis, size in ((2, width), (1, height), (0, depth)):
        if sigmas[axis] < 0.3:
            continue
        matrix = _blur(size, round(sigmas[axis], 6)).to(volumes.device)
        if axis == 2:
            volumes = volumes @ matrix.T
        elif axis == 1:
            volumes = matrix @ volumes
        else:
            flat = volumes.reshape(*lead, depth, height * width)
            volumes = (matrix @ flat).reshape(*lead, depth, height, width)
    return volumes


@lru_cache(maxsize=64)
def _blur(size: int, sigma: float) -> torch.Tensor:
    """Return the matrix (size, size) of a Gaussian blur that repeats the edge's values."""
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (offsets.double() / sigma) ** 2)
    kernel /= kernel.sum()
    columns = (torch.arange(size)[:, None] + offsets).clamp(0, size - 1)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, columns, kernel.expand(size, -1)).float()


def _demons(
    fixed: torch.Tensor,
    moving: torch.Tensor,
    weight: torch.Tensor,
    spacing_mm: list[float],
    level: Level,
    field: torch.Tensor,
) -> torch.Tensor:
    """Return the displacement after the level's steps."""
    spacing = field.new_tensor(spacing_mm).view(1, 3, 1, 1, 1)
    step_sigmas = [level.step_sigma_mm / s for s in spacing_mm]
    field_sigmas = [level.field_sigma_mm / s for s in spacing_mm]
    mean_spacing_mm = sum(spacing_mm) / 3
    fixed_gradient = _gradient(fixed) / spacing
    for _ in range(level.steps):
        moved = warp(moving, field)
        gradient = 0.5 * (fixed_gradient + _gradient(moved) / spacing)
        difference = (fixed - moved) * weight
        scale = gradient.square().sum(1, keepdim=True)
        scale = scale + (difference / (2 * mean_spacing_mm)) ** 2 + NOISE**2
        step = gradient * difference / scale / spacing
        length = step.square().sum(1, keepdim=True).sqrt()
        step = smooth(step * (LARGEST_STEP / length.clamp(min=LARGEST_STEP)), step_sigmas)
        field = smooth(warp(field, step) + step, field_sigmas)
    return field


def _gradient(volumes: torch.Tensor) -> torch.Tensor:
    """Return central differences (scan, 3, z, y, x) of (scan, 1, z, y, x), per voxel."""
    padded = functional.pad(volumes, [1] * 6, mode="replicate")
    middle = slice(1, -1)
    return 0.5 * torch.cat(
        [
            padded[:, :, 2:, middle, middle] - padded[:, :, :-2, middle, middle],
            padded[:, :, middle, 2:, middle] - padded[:, :, middle, :-2, middle],
            padded[:, :, middle, middle, 2:] - padded[:, :, middle, middle, :-2],
        ],
        1,
    )


def _resize(volumes: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    return functional.interpolate(volumes, shape, mode="trilinear", align_corners=True)


def _spacing_mm(full: torch.Size, shape: tuple[int, ...]) -> list[float]:
    return [
        spacing * (many - 1) / (few - 1)
        for spacing, many, few in zip(SPACING_MM, full, shape, strict=True)
    ]
