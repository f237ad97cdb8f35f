"""Small deformations that bring a registered brain onto the template, from coarse to fine.

Demons with symmetric forces (Thirion 1998, doi 10.1016/S1361-8415(98)80022-4; Vercauteren et al.
2009, doi 10.1016/j.neuroimage.2008.10.040): the displacement follows the gradients of both images
and is smoothed in each step, so that it stays invertible where brains are alike. What the template
has to be stretched by to fit the brain says where the brain has shrunk; what is left after the
deformation says what its tissue looks like.

Everything runs in torch on the device of the volumes, several scans at once, and is deterministic.
Volumes are (scan, channel, z, y, x) on the grid of ``grid``; a single slice is one with one z.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional

from BrainAgeLib.template.grid import SPACING_MM, smooth
from BrainAgeLib.template.target import brain_region

# The models were trained on what comes of these numbers and of those in the functions: all were set
# by hand.
LARGEST_STEP = 1.5  # voxels
NOISE = 0.02  # of white matter: keeps flat regions from being pushed about
INVERSION_ROUNDS = 4  # of a fixed point, for pictures alone


@dataclass(frozen=True)
class Level:
    """One resolution: the grid, steps, and the widths that a step and the field are smoothed by."""

    shape: tuple[int, int, int]
    steps: int
    step_sigma_mm: float
    field_sigma_mm: float

    def shape_of(self, depth: int) -> tuple[int, int, int]:
        """Return the grid of volumes with so many z: a single slice stays one."""
        return (min(self.shape[0], depth), *self.shape[1:])


# Set by hand: wide steps find what is far, narrow ones what is near.
LEVELS = (
    Level((13, 20, 16), 20, 6.0, 6.0),
    Level((19, 38, 30), 25, 4.0, 4.0),
    Level((25, 50, 40), 8, 3.0, 3.0),
)


@dataclass(frozen=True)
class AlignedVolume:
    """Scans whose every place lies where the template has it.

    ``levels``: (scan, z, y, x), as in ``SliceSet``. ``log_stretch``: (scan, z, y, x), logarithm of
    how many times larger a place is in the scan than in the template, less its mean over the brain:
    how large a brain came out of the affine registration depends on its strip and contrast.
    ``displacement``: (scan, 3, z, y, x), see ``align_to_template``.
    """

    levels: torch.Tensor
    log_stretch: torch.Tensor
    displacement: torch.Tensor

    def to(self, device: str) -> AlignedVolume:
        """Return the same on another device."""
        return AlignedVolume(
            self.levels.to(device), self.log_stretch.to(device), self.displacement.to(device)
        )

    def of_scan(self, number: int) -> AlignedVolume:
        """Return one of the scans, as the only one."""
        own = slice(number, number + 1)
        return AlignedVolume(self.levels[own], self.log_stretch[own], self.displacement[own])

    def in_scan(self, values: torch.Tensor) -> torch.Tensor:
        """Return values (z, y, x) at the places of the one scan from those of the template."""
        forward = resize_displacement(self.displacement, tuple(values.shape))
        backward = -forward
        for _ in range(INVERSION_ROUNDS):
            backward = -warp(forward, backward)
        return warp(values[None, None], backward)[0, 0]


def aligned(images: torch.Tensor, displacement: torch.Tensor) -> AlignedVolume:
    """Return images (scan, z, y, x) aligned by their displacements (scan, 3, z, y, x)."""
    fields = resize_displacement(displacement, tuple(images.shape[1:]))
    levels = warp(images[:, None], fields)[:, 0]
    stretch = log_jacobian(fields)
    brain = brain_region(str(images.device))
    stretch = stretch - stretch[:, brain].mean(1).view(-1, 1, 1, 1)
    return AlignedVolume(levels, stretch, displacement)


@torch.inference_mode()
def align_to_template(
    target: torch.Tensor, volumes: torch.Tensor, seen: torch.Tensor
) -> torch.Tensor:
    """Return the displacement (scan, 3, z, y, x) in voxels of the last level's grid.

    A point p of the template lies at p + displacement(p) in the scan; components are z, y, x.
    ``target``: (z, y, x), or (scan, z, y, x) where each has its own. ``volumes``, ``seen``: (scan,
    z, y, x); unseen places pull at nothing.
    """
    fixed = target.reshape(-1, 1, *target.shape[-3:])
    moving, weight = volumes[:, None], seen[:, None].float()
    depth = volumes.shape[1]
    field = volumes.new_zeros((len(volumes), 3, *LEVELS[0].shape_of(depth)))
    for level in LEVELS:
        shape = level.shape_of(depth)
        spacing = _spacing_mm(volumes.shape[1:], shape)
        coarser = [max(0.0, 0.4 * (a / b - 1)) for a, b in zip(spacing, SPACING_MM, strict=True)]
        small = [_resize(smooth(image, coarser), shape) for image in (fixed, moving)]
        field = _demons(
            small[0], small[1], _resize(weight, shape), spacing, level,
            resize_displacement(field, shape),
        )  # fmt: skip
    return field


def resize_displacement(field: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a displacement (scan, 3, z, y, x) on a grid of another shape, in its voxels."""
    ratio = [(new - 1) / max(1, old - 1) for new, old in zip(shape, field.shape[2:], strict=True)]
    return _resize(field, shape) * field.new_tensor(ratio).view(1, 3, 1, 1, 1)


def warp(volumes: torch.Tensor, field: torch.Tensor) -> torch.Tensor:
    """Return volumes (scan, channel, z, y, x) looked up at displaced places (scan, 3, z, y, x)."""
    identity = torch.eye(3, 4, device=field.device)[None]
    depth, *size = field.shape[2:]
    # PyTorch warns of grids with one z; the first of two is its place, too.
    grid = functional.affine_grid(identity, [1, 1, max(2, depth), *size], align_corners=True)
    grid = grid[:, :depth]
    reach = field.new_tensor([2.0 / max(1, n - 1) for n in field.shape[2:]]).view(1, 3, 1, 1, 1)
    places = grid + (field * reach).flip(1).permute(0, 2, 3, 4, 1)
    return functional.grid_sample(volumes, places, align_corners=True, padding_mode="border")


def log_jacobian(field: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the local change of volume (scan, z, y, x), template to scan."""
    columns = torch.stack([_gradient(field[:, n : n + 1]) for n in range(3)], 1)
    columns = columns + torch.eye(3, device=field.device).view(1, 3, 3, 1, 1, 1)
    (a, b, c), (d, e, f), (g, h, i) = ([columns[:, m, n] for n in range(3)] for m in range(3))
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return torch.log(determinant.clamp(min=0.1))


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
        spacing * (many - 1) / (few - 1) if few > 1 else spacing
        for spacing, many, few in zip(SPACING_MM, full, shape, strict=True)
    ]
