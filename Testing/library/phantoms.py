"""Brains made from the bundled template: nothing to download, and every point's place is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.scan.geometry import Volume, apply_affine, sitk_from_volume
from BrainAgeLib.template.template import BRAIN_CENTER_MM, load_template
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices

ROUTINE_PROTOCOL = Protocol(tilt_degrees=(-8.0, 2.0, -3.0))


def template_brain() -> Volume:
    """Return the template's brain, background 0, at 2 mm."""
    return load_template().t1


def coarse_brain(spacing_voxels: int = 2) -> Volume:
    """Return the template's brain with only every second voxel along each axis."""
    brain = template_brain()
    affine = brain.affine.copy()
    affine[:3, :3] *= spacing_voxels
    step = slice(None, None, spacing_voxels)
    return Volume(np.ascontiguousarray(brain.voxels[step, step, step]), affine)


def coarse_labels() -> Volume:
    """Return the tissues of :func:`coarse_brain`: 1 fluid, 2 grey, 3 white matter."""
    template, brain = load_template(), coarse_brain()
    grey, white = (
        volume.voxels[::2, ::2, ::2] for volume in (template.grey_matter, template.white_matter)
    )
    labels = np.select([brain.voxels <= 0, white > 0.5, grey > 0.4], [0, 3, 2], 1)
    return Volume(labels.astype(np.float32), brain.affine)


def thick_slices_of(volume: Volume, protocol: Protocol = ROUTINE_PROTOCOL) -> Volume:
    """Return the thick-slice scan that a protocol makes of a brain, in the same world."""
    scan, affine = cut_thick_slices(torch.from_numpy(volume.voxels), volume.affine, protocol)
    return Volume(scan.numpy(), affine)


def rigid_motion(
    degrees: Sequence[float] = (0.0, 0.0, 0.0), shift_mm: Sequence[float] = (0.0, 0.0, 0.0)
) -> np.ndarray:
    """Return the 4 x 4 LPS motion that turns about x, y, z through the template's center."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter(BRAIN_CENTER_MM)
    transform.SetRotation(*np.deg2rad(degrees).tolist())
    transform.SetTranslation(tuple(shift_mm))
    motion = np.eye(4)
    motion[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    motion[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    return motion


def moved(volume: Volume, motion: np.ndarray) -> Volume:
    """Return the same voxels elsewhere in the world."""
    return Volume(volume.voxels, motion @ volume.affine)


def brain_points_mm() -> np.ndarray:
    """Return points (point, 3) all over the template's brain, LPS mm."""
    brain = template_brain()
    k, j, i = np.nonzero(brain.voxels[::5, ::5, ::5] > 25)
    return apply_affine(brain.affine, 5.0 * np.stack([i, j, k], -1))


def rms_distance_mm(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far two 4 x 4 transforms move the points of the brain apart."""
    points = brain_points_mm()
    apart = apply_affine(one, points) - apply_affine(other, points)
    return float(np.sqrt((apart**2).sum(1).mean()))


def write_volume(volume: Volume, path: Path) -> Path:
    """Write a volume as an image file; return its path."""
    sitk.WriteImage(sitk_from_volume(volume), str(path))
    return path
