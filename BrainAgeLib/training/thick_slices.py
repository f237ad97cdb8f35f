"""Cut a 3D brain into the thick slices of a routine 2D scan.

The simulated scan is a real scan in every respect that the network could notice: its own grid,
slice profile, gap, phase, tilt, missing slices, in-plane resolution. What is added to its
brightness (noise, shading, other contrast) is in ``appearance``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.geometry import apply_affine, rotation_about

# Weights of a slice-selective excitation across one slice: flat in the middle, soft edges that
# reach into the gap (a windowed sinc pulse): set by hand. Positions are in slice thicknesses.
PROFILE_POSITIONS = (-0.5, -0.25, 0.0, 0.25, 0.5)
PROFILE_WEIGHTS = (0.55, 1.0, 1.0, 1.0, 0.55)
MARGIN_MM = 4.0  # of the field of view around the brain, in the slices' plane: set by hand


@dataclass(frozen=True)
class Protocol:
    """How a 2D scan is acquired. Angles turn the stack about the world's x, y and z axes.

    ``phase``: where the first slice begins, in spacings, 0-1. ``missing_bottom`` and
    ``missing_top``: slices left out there. The defaults are a routine scan, set by hand.
    """

    plane: str = "axial"
    thickness_mm: float = 5.0
    gap_mm: float = 1.0
    in_plane_mm: float = 2.0
    tilt_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    phase: float = 0.5
    missing_bottom: int = 0
    missing_top: int = 0

    @property
    def spacing_mm(self) -> float:
        """Distance between slice centres."""
        return self.thickness_mm + self.gap_mm


def random_protocol(generator: np.random.Generator) -> Protocol:
    """Draw a protocol from the range that hospitals use: set by hand, wider than the usual one."""
    plane = generator.choice(["axial", "coronal", "sagittal"], p=[0.84, 0.08, 0.08])
    thickness = (
        generator.uniform(2.0, 8.0) if generator.random() < 0.35 else generator.uniform(4, 7)
    )
    tilts = np.clip(generator.normal(0, (9.0, 4.0, 4.0)), -20, 20)
    cut = generator.random(2) < 0.15
    most_cut = round(18 / thickness)
    return Protocol(
        plane=str(plane),
        thickness_mm=float(thickness),
        gap_mm=float(thickness * generator.choice([0.0, 0.1, 0.2, generator.uniform(0, 0.5)])),
        in_plane_mm=float(generator.uniform(1.0, 3.0) if generator.random() < 0.3 else 2.0),
        tilt_degrees=(float(tilts[0]), float(tilts[1]), float(tilts[2])),
        phase=float(generator.random()),
        missing_bottom=int(cut[0] * generator.integers(1, most_cut + 2)),
        missing_top=int(cut[1] * generator.integers(1, most_cut + 2)),
    )


def cut_thick_slices(
    volume: torch.Tensor,
    affine: np.ndarray,
    protocol: Protocol,
    within: torch.Tensor | None = None,
) -> tuple[torch.Tensor, np.ndarray]:
    """Return the scan (k, j, i) that ``protocol`` makes of a volume (k, j, i), and its affine.

    ``volume``: float, background 0. ``affine``: 4 x 4, index to LPS world mm. The field of view
    covers what is not background and a margin around it. Outside the volume the scan is 0.
    ``within``: the volume whose field of view it is, otherwise this one.
    """
    axes = _stack_axes(protocol)
    low, high = _extent(volume if within is None else within, affine, axes)
    spacing = np.array([protocol.in_plane_mm, protocol.in_plane_mm, protocol.spacing_mm])
    margin = np.array([MARGIN_MM, MARGIN_MM, 0.0])
    low, high = low - margin, high + margin
    low[2] += (protocol.phase - 1.0) * protocol.spacing_mm
    size = np.maximum(1, np.ceil((high - low) / spacing).astype(int) + 1)
    low[2] += protocol.missing_bottom * protocol.spacing_mm
    size[2] = max(3, size[2] - protocol.missing_bottom - protocol.missing_top)
    scan_affine = np.eye(4)
    scan_affine[:3, :3] = axes * spacing
    scan_affine[:3, 3] = axes @ low
    to_volume = np.linalg.inv(affine) @ scan_affine
    source = _in_plane_resolution(volume, affine, protocol)
    grid = _sampling_grid(source, to_volume, tuple(int(n) for n in size[::-1]))
    # One thickness along the slices' normal, in the grid's units: -1 to 1 across the volume.
    thickness = to_volume[:3, 2] * protocol.thickness_mm / protocol.spacing_mm
    step = torch.as_tensor(2 * thickness / np.array(volume.shape)[::-1], device=volume.device)
    scan = torch.zeros(grid.shape[:3], device=volume.device)
    for position, weight in zip(PROFILE_POSITIONS, PROFILE_WEIGHTS, strict=True):
        place = grid + (position * step).float()
        sampled = functional.grid_sample(source[None, None], place[None], align_corners=False)
        scan += weight / sum(PROFILE_WEIGHTS) * sampled[0, 0]
    return scan, scan_affine


def _stack_axes(protocol: Protocol) -> np.ndarray:
    """Return the directions (columns) of i, j, k in LPS world coordinates."""
    columns = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}[protocol.plane]
    turned = np.eye(3)
    for axis, degrees in enumerate(protocol.tilt_degrees):
        turned = turned @ rotation_about(axis, degrees)
    return turned[:, columns]


def _extent(
    volume: torch.Tensor, affine: np.ndarray, axes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest coordinate of the object along the stack's axes, in mm."""
    k, j, i = (a.cpu().numpy() for a in torch.nonzero(volume[::2, ::2, ::2], as_tuple=True))
    along = apply_affine(affine, 2.0 * np.stack([i, j, k], -1)) @ axes
    return along.min(0), along.max(0)


def _in_plane_resolution(
    volume: torch.Tensor, affine: np.ndarray, protocol: Protocol
) -> torch.Tensor:
    """Blur the volume to pixels that are coarser than its own voxels."""
    voxel_mm = float(np.linalg.norm(affine[:3, 0]))
    # A pixel is itself a box of that width, whose standard deviation is 1 / sqrt(12) of it.
    variance = (0.29 * protocol.in_plane_mm) ** 2 - (0.29 * voxel_mm) ** 2
    sigma = np.sqrt(max(0.0, variance)) / voxel_mm
    if sigma < 0.2:
        return volume
    tap = float(np.exp(-0.5 / sigma**2))
    kernel = torch.tensor([tap, 1.0, tap], device=volume.device) / (1 + 2 * tap)
    blurred = volume[None, None]
    for dimension in range(3):
        shape, padding = [1, 1, 1, 1, 1], [0, 0, 0]
        shape[2 + dimension], padding[dimension] = 3, 1
        blurred = functional.conv3d(blurred, kernel.reshape(shape), padding=padding)
    return blurred[0, 0]


def _sampling_grid(
    volume: torch.Tensor, index_map: np.ndarray, shape: tuple[int, ...]
) -> torch.Tensor:
    """Return where (k, j, i, 3) in the volume, -1 to 1 across it, each new voxel lies.

    ``index_map``: 4 x 4, from the new index (i, j, k) to the volume's.
    """
    size = np.array(volume.shape)[::-1]
    new_size = np.array(shape)[::-1]
    # affine_grid speaks of coordinates from -1 to 1 across the outer faces of both grids.
    to_new = np.eye(4)
    to_new[:3, :3] = np.diag(new_size / 2)
    to_new[:3, 3] = (new_size - 1) / 2
    from_old = np.eye(4)
    from_old[:3, :3] = np.diag(2 / size)
    from_old[:3, 3] = 1 / size - 1
    theta = torch.as_tensor(
        (from_old @ index_map @ to_new)[None, :3], dtype=torch.float32, device=volume.device
    )
    return functional.affine_grid(theta, [1, 1, *shape], align_corners=False)[0]
