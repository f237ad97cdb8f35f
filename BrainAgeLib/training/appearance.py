"""What makes one scanner's image of a brain differ from another's: contrast, shading, noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.voxel_values import WHITE_MATTER_QUANTILE
from BrainAgeLib.template.template import BRAIN_CENTER_MM
from BrainAgeLib.training.strips import smooth_field


@dataclass(frozen=True)
class ContrastRange:
    """T1 contrasts: how bright a scan shows the tissues, white matter being 1.

    ``grey``: of grey matter. ``fluid_below``: by how much fluid is darker. ``top``: what is
    brighter than white matter, 1 being as it was. ``unevenness``: largest standard deviation of a
    tissue's brightness from place to place, drawn at ``nodes`` points along each axis;
    ``uneven_fluid``: of fluid's. ``bending``: by what part brightness in the middle of two tissues
    becomes rarer or more frequent, at most.
    """

    grey: tuple[float, float]
    fluid_below: tuple[float, float]
    top: tuple[float, float]
    unevenness: float
    nodes: tuple[int, int] = (3, 3)
    uneven_fluid: float = 0.0
    bending: float = 0.0


# Set by hand, like the numbers in the functions, to hold the T1 scans of many scanners. Spin echo
# at 1.5 T comes to about 0.85 of white matter, the brightest of IXI to 0.87. What fluid is darker
# by is 0.43-0.57 on the scanners at hand.
USUAL_CONTRASTS = ContrastRange((0.55, 0.88), (0.36, 0.66), (0.7, 1.2), 0.07)
# What harmonisation is taught on is wider still, and uneven over shorter distances.
ALL_CONTRASTS = ContrastRange((0.5, 0.9), (0.3, 0.7), (0.3, 1.5), 0.1, (3, 7), 0.05, 0.8)


@dataclass(frozen=True)
class AppearanceRange:
    """How far simulated scans differ in appearance from the scan that they are cut from.

    ``other_contrast``: share of scans with another T1 contrast, which also differs from place to
    place. ``sharpening``: range of how much finer detail is raised in the slices' plane; negative
    is blurred. ``distortion_mm``: largest root mean square of how far places in the brain are
    moved by gradients that are not linear. ``shading``: largest standard deviation of the
    logarithm of the coil's field. ``slice_gain``: largest standard deviation of the slices'
    brightness. ``noise``: largest noise, as a share of white matter. ``mask_wander``: how far the
    brain mask's edge moves. ``contrast``: of such scans. ``shading_nodes``: range of how many
    points along each axis the coil's field is drawn at.
    """

    other_contrast: float
    sharpening: tuple[float, float]
    distortion_mm: float
    shading: float
    slice_gain: float
    noise: float
    mask_wander: float
    contrast: ContrastRange = USUAL_CONTRASTS
    shading_nodes: tuple[int, int] = (3, 3)


# Training sees other scanners than its own. The ranges were set by hand; what wider ones brought is
# in docs/model.md.
TRAINING = AppearanceRange(0.9, (-0.5, 1.0), 2.0, 0.25, 0.04, 0.05, 0.2)
HARMONISATION = AppearanceRange(
    0.92, (-0.6, 1.1), 2.0, 0.25, 0.05, 0.06, 0.2, ALL_CONTRASTS, (3, 6)
)
# Measuring asks what thick slices cost on the same scanner: everyday noise and a mask that is not
# exactly that of the 3D scan. deepbet's mask of a thick-slice scan has a Dice overlap of 0.99 with
# its mask of the 3D scan.
EVALUATION = AppearanceRange(0.0, (0.0, 0.0), 0.0, 0.08, 0.01, 0.03, 0.05)


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
        image = _other_contrast(image, range_.contrast, generator)
    image = _sharpened(image, inside, generator.uniform(*range_.sharpening))
    nodes = _count_in(range_.shading_nodes, generator)
    # What a coil leaves.
    coil = smooth_field(scan, generator.uniform(0.0, range_.shading), nodes, generator)
    image = image * torch.exp(coil)
    gains = torch.randn(len(scan), 1, 1, generator=torch_generator, device=scan.device)
    image = image * (1 + generator.uniform(0.0, range_.slice_gain) * gains)
    level = float(generator.uniform(0.0, range_.noise))
    # The magnitude of a complex signal: Rician noise.
    noise = level * torch.randn((2, *scan.shape), generator=torch_generator, device=scan.device)
    return torch.where(inside, torch.sqrt((image + noise[0]) ** 2 + noise[1] ** 2), image * 0)


def _other_contrast(
    image: torch.Tensor, range_: ContrastRange, generator: np.random.Generator
) -> torch.Tensor:
    """Remap brightness on a monotone curve through CSF, grey and white matter.

    Grey and white matter are not equally bright everywhere: relaxation times differ between the
    cortices, the deep grey matter and the tracts, and each sequence shows that in its own way.
    """
    uneven = generator.uniform(0.0, range_.unevenness)
    nodes = _count_in(range_.nodes, generator)
    white = 1 + smooth_field(image, uneven, nodes, generator)
    middle = generator.uniform(*range_.grey)
    grey = middle + smooth_field(image, uneven, nodes, generator)
    fluid = torch.full_like(image, max(0.03, middle - generator.uniform(*range_.fluid_below)))
    if range_.uneven_fluid > 0:
        strength = generator.uniform(0.0, range_.uneven_fluid)
        fluid = (fluid + smooth_field(image, strength, 5, generator)).clamp(min=0.02)
    grey = torch.minimum(torch.maximum(grey, fluid + 0.1), white - 0.05)
    top = white + 0.3 * generator.uniform(*range_.top)
    wanted = torch.stack([torch.zeros_like(image), fluid, grey, white, top])
    known = torch.tensor([0.0, 0.28, 0.74, 1.0, 1.3], device=image.device)
    upper = torch.bucketize(image, known).clamp(1, len(known) - 1)
    share = (image - known[upper - 1]) / (known[upper] - known[upper - 1])
    share = _bent(share, upper, range_.bending, generator)
    low, high = (wanted.gather(0, n[None])[0] for n in (upper - 1, upper))
    return low + share * (high - low)


def _bent(
    share: torch.Tensor, upper: torch.Tensor, bending: float, generator: np.random.Generator
) -> torch.Tensor:
    """Return how far between two tissues brightness lies, rarer or more frequent in the middle."""
    if bending == 0 or generator.random() > 0.6:
        return share
    between = share.new_zeros(4)  # below fluid, fluid to grey, grey to white matter, above
    between[1:3] = torch.from_numpy(generator.uniform(-bending, bending, 2))
    wave = torch.sin(2 * math.pi * share.clamp(0, 1)) / (2 * math.pi)
    return share - between[upper - 1] * wave


def _count_in(limits: tuple[int, int], generator: np.random.Generator) -> int:
    low, high = limits
    return low if low == high else int(generator.integers(low, high + 1))


def _sharpened(image: torch.Tensor, inside: torch.Tensor, amount: float) -> torch.Tensor:
    """Return the image with finer detail raised in the slices' plane, or blurred below 0."""
    weight = functional.avg_pool2d(inside[:, None].float(), 3, 1, 1)
    blurred = functional.avg_pool2d(image[:, None], 3, 1, 1) / weight.clamp(min=0.1)
    return (image + amount * (image - blurred[:, 0])).clamp(min=0.0)


def distort(
    volumes: torch.Tensor, voxel_mm: float, largest_mm: float, generator: np.random.Generator
) -> torch.Tensor:
    """Return 3D volumes (volume, k, j, i) of one brain as gradients that are not linear show it.

    The displacement is a polynomial of second and third order about the volume's middle; its
    linear part would be taken back by the registration. Its root mean square within the brain is
    drawn up to ``largest_mm``.
    """
    strength_mm = generator.uniform(0.0, largest_mm)
    if strength_mm == 0.0:
        return volumes
    volume = volumes[0]
    identity = torch.eye(3, 4, device=volume.device)[None]
    places = functional.affine_grid(identity, [1, 1, *volume.shape], align_corners=False)[0]
    x, y, z = places.unbind(-1)
    terms = torch.stack([x * x, y * y, z * z, x * y, x * z, y * z, x**3, y**3, z**3], -1)
    factors = torch.as_tensor(
        generator.normal(0, 1, (terms.shape[-1], 3)), dtype=torch.float32, device=volume.device
    )
    moved = terms @ factors
    inside = moved[volume > 0]
    moved = (moved - inside.mean(0)) / inside.square().sum(-1).mean().sqrt().clamp(min=1e-6)
    size = torch.tensor(volume.shape[::-1], device=volume.device)
    places = places + moved * strength_mm * 2 / (voxel_mm * size)
    return functional.grid_sample(volumes[None], places[None], align_corners=False)[0]


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
    ``Testing/studies/gate/registration_error.py``); the masks of real heads add to that.
    """
    matrix = np.eye(3) + generator.normal(0, 0.0075, (3, 3))
    center = np.array(BRAIN_CENTER_MM)
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = center - matrix @ center + generator.normal(0, 0.5, 3)
    return affine
