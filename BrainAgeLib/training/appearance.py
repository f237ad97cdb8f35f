"""What makes one scanner's image of a brain differ from another's: contrast, shading, noise."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional

WHITE_MATTER_QUANTILE = 0.9  # of the brain's voxels in a T1 image


def change_appearance(
    scan: torch.Tensor, generator: np.random.Generator, torch_generator: torch.Generator
) -> torch.Tensor:
    """Return the scan (k, j, i), background 0, as another T1 protocol might have shown it."""
    inside = scan > 0
    white = torch.quantile(scan[inside][::7], WHITE_MATTER_QUANTILE).clamp(min=1e-6)
    image = _other_contrast(scan / white, generator)
    image = image * _shading(scan, generator)
    if generator.random() < 0.5:
        gains = 1 + generator.uniform(0, 0.04) * torch.randn(
            len(scan), 1, 1, generator=torch_generator, device=scan.device
        )
        image = image * gains
    level = float(generator.uniform(0.0, 0.06))
    # The magnitude of a complex signal: Rician noise.
    noise = level * torch.randn((2, *scan.shape), generator=torch_generator, device=scan.device)
    return torch.where(inside, torch.sqrt((image + noise[0]) ** 2 + noise[1] ** 2), image * 0)


def _other_contrast(image: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Remap brightness on a monotone curve through CSF, grey and white matter."""
    csf = generator.uniform(0.1, 0.45)
    grey = generator.uniform(0.62, 0.88)  # spin echo at 1.5 T comes to about 0.85
    known = torch.tensor([0.0, 0.28, 0.74, 1.0, 1.3], device=image.device)
    wanted = torch.tensor(
        [0.0, min(csf, grey - 0.1), grey, 1.0, 1.0 + 0.3 * generator.uniform(0.6, 1.2)],
        device=image.device,
        dtype=torch.float32,
    )
    upper = torch.bucketize(image, known).clamp(1, len(known) - 1)
    slope = (wanted[1:] - wanted[:-1]) / (known[1:] - known[:-1])
    return wanted[upper - 1] + (image - known[upper - 1]) * slope[upper - 1]


def _shading(scan: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Return a smooth field around 1: what a coil leaves."""
    strength = generator.uniform(0.0, 0.25)
    coarse = torch.as_tensor(
        generator.normal(0, strength, (1, 1, 3, 3, 3)), dtype=torch.float32, device=scan.device
    )
    field = functional.interpolate(coarse, scan.shape, mode="trilinear", align_corners=True)[0, 0]
    return torch.exp(field)


def disturb_mask(
    mask: torch.Tensor, in_plane_mm: float, generator: np.random.Generator
) -> torch.Tensor:
    """Return the brain mask (k, j, i) with a boundary that wanders, as a brain extractor's does."""
    if generator.random() < 0.3:
        return mask
    wander = torch.as_tensor(
        generator.normal(0, 0.28, (1, 1, 5, 8, 8)), dtype=torch.float32, device=mask.device
    )
    wander = functional.interpolate(wander, mask.shape, mode="trilinear", align_corners=True)[0, 0]
    width = 2 * round(3.0 / in_plane_mm) + 1
    soft = functional.avg_pool2d(mask[:, None], width, 1, width // 2)[:, 0]
    threshold = 0.5 + wander + generator.uniform(-0.25, 0.15)
    return (soft > threshold.clamp(0.05, 0.95)).float()


def registration_error(generator: np.random.Generator) -> np.ndarray:
    """Return a small random affine (4 x 4, mm) about the brain's middle in template space.

    Points of the brain move by about 1.1 mm (root mean square). Registering simulated thick
    slices instead of the 3D volume moves them by 0.8 mm (median,
    ``Testing/studies/registration_error.py``); the masks of real heads add to that.
    """
    matrix = np.eye(3) + generator.normal(0, 0.0075, (3, 3))
    center = np.array([0.0, 18.0, 4.0])
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = center - matrix @ center + generator.normal(0, 0.5, 3)
    return affine
