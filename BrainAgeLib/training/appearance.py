"""What makes one scanner's image of a brain differ from another's: contrast, shading, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

WHITE_MATTER_QUANTILE = 0.9  # of the brain's voxels in a T1 image


@dataclass(frozen=True)
class AppearanceRange:
    """How far simulated scans differ in appearance from the scan that they are cut from.

    ``other_contrast``: share of scans with another T1 contrast. ``shading``: largest standard
    deviation of the logarithm of the coil's field. ``slice_gain``: largest standard deviation of
    the slices' brightness. ``noise``: largest noise, as a share of white matter. ``mask_wander``:
    how far the brain mask's edge moves.
    """

    other_contrast: float
    shading: float
    slice_gain: float
    noise: float
    mask_wander: float


# Training sees other scanners than its own.
TRAINING = AppearanceRange(0.6, 0.2, 0.04, 0.05, 0.15)
# Judging asks what thick slices cost on the same scanner: everyday noise and a mask that is not
# exactly that of the 3D scan. deepbet's mask of a thick-slice scan has a Dice overlap of 0.99 with
# its mask of the 3D scan.
EVALUATION = AppearanceRange(0.0, 0.08, 0.01, 0.03, 0.05)


def change_appearance(
    scan: torch.Tensor,
    range_: AppearanceRange,
    generator: np.random.Generator,
    torch_generator: torch.Generator,
) -> torch.Tensor:
    """Return the scan (k, j, i), background 0, as another T1 protocol might have shown it."""
    inside = scan > 0
    white = torch.quantile(scan[inside][::7], WHITE_MATTER_QUANTILE).clamp(min=1e-6)
    image = scan / white
    if generator.random() < range_.other_contrast:
        image = _other_contrast(image, generator)
    image = image * _shading(scan, generator.uniform(0.0, range_.shading), generator)
    gains = torch.randn(len(scan), 1, 1, generator=torch_generator, device=scan.device)
    image = image * (1 + generator.uniform(0.0, range_.slice_gain) * gains)
    level = float(generator.uniform(0.0, range_.noise))
    # The magnitude of a complex signal: Rician noise.
    noise = level * torch.randn((2, *scan.shape), generator=torch_generator, device=scan.device)
    return torch.where(inside, torch.sqrt((image + noise[0]) ** 2 + noise[1] ** 2), image * 0)


def _other_contrast(image: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Remap brightness on a monotone curve through CSF, grey and white matter."""
    csf = generator.uniform(0.15, 0.42)
    grey = generator.uniform(0.66, 0.87)  # spin echo at 1.5 T comes to about 0.85
    known = torch.tensor([0.0, 0.28, 0.74, 1.0, 1.3], device=image.device)
    wanted = torch.tensor(
        [0.0, csf, grey, 1.0, 1.0 + 0.3 * generator.uniform(0.7, 1.2)],
        device=image.device,
        dtype=torch.float32,
    )
    upper = torch.bucketize(image, known).clamp(1, len(known) - 1)
    slope = (wanted[1:] - wanted[:-1]) / (known[1:] - known[:-1])
    return wanted[upper - 1] + (image - known[upper - 1]) * slope[upper - 1]


def _shading(scan: torch.Tensor, strength: float, generator: np.random.Generator) -> torch.Tensor:
    """Return a smooth field around 1: what a coil leaves."""
    coarse = torch.as_tensor(
        generator.normal(0, strength, (1, 1, 3, 3, 3)), dtype=torch.float32, device=scan.device
    )
    field = functional.interpolate(coarse, scan.shape, mode="trilinear", align_corners=True)[0, 0]
    return torch.exp(field)


def disturb_mask(
    mask: torch.Tensor, in_plane_mm: float, wander: float, generator: np.random.Generator
) -> torch.Tensor:
    """Return the brain mask (k, j, i) with a boundary that wanders, as a brain extractor's does.

    ``wander``: standard deviation, as a share of a 6 mm wide edge.
    """
    coarse = torch.as_tensor(
        generator.normal(0, wander, (1, 1, 5, 8, 8)), dtype=torch.float32, device=mask.device
    )
    moved = functional.interpolate(coarse, mask.shape, mode="trilinear", align_corners=True)[0, 0]
    width = 2 * round(3.0 / in_plane_mm) + 1
    soft = functional.avg_pool2d(mask[:, None], width, 1, width // 2)[:, 0]
    threshold = 0.5 + moved + generator.normal(0, wander)
    return ((soft > threshold.clamp(0.05, 0.95)) & (mask > 0)).to(mask.dtype)


def registration_error(generator: np.random.Generator) -> np.ndarray:
    """Return a small random affine (4 x 4, mm) about the brain's middle in template space.

    Points of the brain move by about 1.1 mm (root mean square). Registering simulated thick
    slices instead of the 3D volume moves them by 0.6 mm (median,
    ``Testing/studies/registration_error.py``); the masks of real heads add to that.
    """
    matrix = np.eye(3) + generator.normal(0, 0.0075, (3, 3))
    center = np.array([0.0, 18.0, 4.0])
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = center - matrix @ center + generator.normal(0, 0.5, 3)
    return affine
