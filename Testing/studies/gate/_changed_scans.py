"""One scan stored, held and cut in other ways, for ``invariance.py``."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import SimpleITK as sitk
import torch
from PIL import Image

from BrainAgeLib.scan.geometry import Volume, apply_affine, sitk_from_volume, slice_axis
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices

AXES = ("pitch", "roll", "yaw")  # about the world's x, y and z
TURNS_DEGREES = [(axis, degrees) for axis in range(3) for degrees in (-15, 15)]
LARGE_PITCHES_DEGREES = [(0, -30), (0, 30)]
FAR_AWAY_MM = (60.0, -50.0, 90.0)
EMPTY_MM = 60.0
CUTS_MM = (0.0, 10.0, 20.0)
JPEG_QUALITIES = (75, 50, 30, 15)
UNMOVED = np.eye(4)
WHITE_QUANTILE = 0.9995  # what is brighter is clipped in eight bits


@dataclass(frozen=True)
class Changed:
    """A changed scan. ``world``: 4 x 4, where the head went, LPS mm. ``group``: how it was done."""

    group: str
    name: str
    volume: Volume
    world: np.ndarray


def all_orientations(volume: Volume) -> list[sitk.Image]:
    """Return the 48 ways to store the axes of one scan, the same in the world."""
    return [
        sitk_from_volume(_stored(volume, axes, flips))
        for axes in permutations(range(3))
        for flips in product((False, True), repeat=3)
    ]


def _stored(volume: Volume, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    voxels = volume.voxels.transpose(2, 1, 0).transpose(axes)
    affine = volume.affine.copy()
    affine[:3, :3] = volume.affine[:3, list(axes)]
    for axis, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (voxels.shape[axis] - 1)
            affine[:3, axis] *= -1
            voxels = np.flip(voxels, axis)
    return Volume(np.ascontiguousarray(voxels.transpose(2, 1, 0)), affine)


def turned_heads(volume: Volume, middle_mm: np.ndarray) -> list[Changed]:
    """Return the head turned about ``middle_mm``, by its header and by moving its voxels."""
    found = []
    for axis, degrees in TURNS_DEGREES + LARGE_PITCHES_DEGREES:
        world = _turn(axis, degrees, middle_mm)
        name = f"{AXES[axis]} {degrees:+d}"
        by_header = Volume(volume.voxels, world @ volume.affine)
        found.append(Changed("turned in the header", name, by_header, world))
        found.append(Changed("turned and resampled", name, _resampled(volume, world), world))
    return sorted(found, key=lambda changed: changed.group)


def tilted_acquisitions(volume: Volume) -> list[Changed]:
    """Return a 3D scan cut into thick slices, straight first, then tilted; nothing of a 2D scan."""
    if slice_axis(volume.affine, volume.voxels.shape) >= 0:
        return []
    found = []
    for axis, degrees in [(0, 0), *TURNS_DEGREES, *LARGE_PITCHES_DEGREES]:
        tilt = [0.0, 0.0, 0.0]
        tilt[axis] = float(degrees)
        protocol = Protocol(tilt_degrees=(tilt[0], tilt[1], tilt[2]))
        cut, affine = cut_thick_slices(torch.as_tensor(volume.voxels), volume.affine, protocol)
        name = f"{AXES[axis]} {degrees:+d}" if degrees else "straight"
        found.append(Changed("cut in 5+1 mm", name, Volume(cut.numpy(), affine), np.eye(4)))
    return found


def moved_and_cut(volume: Volume, mask: np.ndarray) -> list[Changed]:
    """Return the scan at another place, in more empty space, and with less of neck and head."""
    far_away = np.eye(4)
    far_away[:3, 3] = FAR_AWAY_MM
    moved = Volume(volume.voxels, far_away @ volume.affine)
    found = [Changed("moved", "origin far away", moved, far_away)]
    for name, axis, at_end in (
        ("empty below", 2, False),
        ("empty above", 2, True),
        ("empty in front", 1, False),
        ("empty to the left", 0, True),
    ):
        more = _with_empty_space(volume, axis, at_end)
        found.append(Changed("moved", f"{EMPTY_MM:.0f} mm {name}", more, np.eye(4)))
    for at_end, what in ((False, "bottom"), (True, "top")):
        for millimetres in CUTS_MM:
            count = round(millimetres / volume.spacing_mm[2])
            cut = _cut_along_z(volume, mask, count, at_end)
            name = f"{count * volume.spacing_mm[2]:.0f} mm of the brain's {what} cut"
            found.append(Changed("cut", name, cut, np.eye(4)))
    return found


def packed_lossily(volume: Volume) -> list[Changed]:
    """Return the scan as archives may keep it: eight bits, its slices packed by JPEG."""
    white = np.quantile(volume.voxels, WHITE_QUANTILE)
    slices = (volume.voxels / white * 255).clip(0, 255).round().astype(np.uint8)
    found = [
        Changed("packed", "eight bits", volume.with_voxels(slices.astype(np.float32)), UNMOVED)
    ]
    for quality in JPEG_QUALITIES:
        files = [io.BytesIO() for _ in slices]
        for one, file in zip(slices, files, strict=True):
            Image.fromarray(one).save(file, "JPEG", quality=quality)
        ratio = slices.size / sum(file.tell() for file in files)
        kept = np.stack([np.asarray(Image.open(file)) for file in files]).astype(np.float32)
        found.append(
            Changed("packed", f"JPEG, 1 to {ratio:.0f}", volume.with_voxels(kept), UNMOVED)
        )
    return found


def _turn(axis: int, degrees: float, middle_mm: np.ndarray) -> np.ndarray:
    """Return the rotation (4 x 4) about an axis of the world through a point."""
    angle, (a, b) = np.deg2rad(degrees), [n for n in range(3) if n != axis]
    world = np.eye(4)
    world[a, a] = world[b, b] = np.cos(angle)
    world[a, b], world[b, a] = -np.sin(angle), np.sin(angle)
    world[:3, 3] = middle_mm - world[:3, :3] @ middle_mm
    return world


def _resampled(volume: Volume, world: np.ndarray) -> Volume:
    """Return the scan with the head moved by ``world`` and the axes as they were; none is cut."""
    size = np.array(volume.voxels.shape)[::-1]
    corners = np.array(list(product(*((0, n - 1) for n in size))), float)
    index = apply_affine(np.linalg.inv(volume.affine) @ world @ volume.affine, corners)
    low, high = np.floor(index.min(0)), np.ceil(index.max(0))
    affine = volume.affine.copy()
    affine[:3, 3] = apply_affine(volume.affine, low)
    grid = Volume(np.zeros((high - low + 1).astype(int)[::-1], np.float32), affine)
    back = np.linalg.inv(world)
    transform = sitk.AffineTransform(back[:3, :3].ravel().tolist(), back[:3, 3].tolist())
    image = sitk.Resample(
        sitk_from_volume(volume), sitk_from_volume(grid), transform, sitk.sitkLinear, 0.0
    )
    return grid.with_voxels(sitk.GetArrayFromImage(image))


def _with_empty_space(volume: Volume, axis: int, at_end: bool) -> Volume:
    """Return the scan with so much background at one end of an axis (0-2 for i, j, k)."""
    count = round(EMPTY_MM / volume.spacing_mm[axis])
    padding = [(0, 0)] * 3
    padding[2 - axis] = (0, count) if at_end else (count, 0)
    affine = volume.affine.copy()
    if not at_end:
        affine[:3, 3] -= count * affine[:3, axis]
    return Volume(np.pad(volume.voxels, padding), affine)


def _cut_along_z(volume: Volume, mask: np.ndarray, count: int, at_end: bool) -> Volume:
    """Return the scan without what is beyond the brain on that side and ``count`` slices of it."""
    with_brain = np.flatnonzero(mask.any((1, 2)))
    if at_end:
        return Volume(volume.voxels[: with_brain[-1] + 1 - count], volume.affine)
    first = with_brain[0] + count
    affine = volume.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    return Volume(volume.voxels[first:], affine)
