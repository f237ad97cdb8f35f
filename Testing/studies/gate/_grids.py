"""Changes of the grid of a sound scan: its spacing, its slices, its orientation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.geometry import Volume
from Testing.studies.gate._case import Case, with_voxels


def rescaled(factors: tuple[float, float, float]) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        affine = case.volume.affine.copy()
        affine[:3, :3] *= factors
        return replace(case, volume=Volume(case.volume.voxels, affine), mask=None)

    return make


def sheared(degrees: float) -> Callable[[Case], Case]:
    """Shift each slice back against the one below, as a header that forgets an oblique stack."""

    def make(case: Case) -> Case:
        volume, shift = case.volume, np.tan(np.deg2rad(degrees))
        per_slice = shift * volume.spacing_mm[2] / volume.spacing_mm[1]
        middle = (len(volume.voxels) - 1) / 2
        voxels = np.stack(
            [
                shifted(picture, (number - middle) * per_slice, 0.0)
                for number, picture in enumerate(volume.voxels)
            ]
        )
        return with_voxels(case, voxels)

    return make


def cut(axis: int, share: float, at_end: bool) -> Callable[[Case], Case]:
    """Leave out a share of what holds signal, from one end of axis i, j or k."""

    def make(case: Case) -> Case:
        volume = case.volume
        occupied = np.flatnonzero(case.mask.any(tuple(n for n in range(3) if n != 2 - axis)))
        count = round(share * (occupied[-1] - occupied[0] + 1))
        part = [slice(None)] * 3
        affine = volume.affine.copy()
        if at_end:
            part[2 - axis] = slice(0, occupied[-1] + 1 - count)
        else:
            part[2 - axis] = slice(occupied[0] + count, None)
            affine[:3, 3] += (occupied[0] + count) * affine[:3, axis]
        voxels = np.ascontiguousarray(volume.voxels[tuple(part)])
        return replace(case, volume=Volume(voxels, affine), mask=None)

    return make


def middle(share: float) -> Callable[[Case], Case]:
    """Keep a share of the slices that hold signal, those in the middle."""

    def make(case: Case) -> Case:
        occupied = np.flatnonzero(case.mask.any((1, 2)))
        count = round(share * len(occupied))
        first = int(occupied[0]) + (len(occupied) - count) // 2
        affine = case.volume.affine.copy()
        affine[:3, 3] += first * affine[:3, 2]
        voxels = np.ascontiguousarray(case.volume.voxels[first : first + count])
        return replace(case, volume=Volume(voxels, affine), mask=None)

    return make


def thinned(step: int) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        affine = case.volume.affine.copy()
        affine[:3, 2] *= step
        voxels = np.ascontiguousarray(case.volume.voxels[::step])
        return replace(case, volume=Volume(voxels, affine), mask=None)

    return make


def flipped(*axes: int) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = np.ascontiguousarray(np.flip(case.volume.voxels, axes))
        return with_voxels(case, voxels)

    return make


def exchanged(case: Case) -> Case:
    """Call axial slices coronal."""
    volume = case.volume
    voxels = np.ascontiguousarray(volume.voxels.transpose(1, 0, 2))
    affine = np.eye(4)
    affine[:3, :3] = np.diag(volume.spacing_mm[[0, 2, 1]])
    affine[:3, 3] = volume.affine[:3, 3]
    return replace(case, volume=Volume(voxels, affine), mask=None)


def shifted(picture: np.ndarray, rows: float, columns: float) -> np.ndarray:
    """Return a picture moved by whole and part pixels, 0 where nothing is known."""
    height, width = picture.shape
    theta = torch.tensor([[[1, 0, -2 * columns / width], [0, 1, -2 * rows / height]]])
    grid = functional.affine_grid(theta.float(), [1, 1, height, width], align_corners=False)
    source = torch.as_tensor(picture, dtype=torch.float32)[None, None]
    return functional.grid_sample(source, grid, align_corners=False)[0, 0].numpy()


def exchanged_in_pairs(case: Case) -> Case:
    """Exchange the first slice with the second, the third with the fourth and so on."""
    count = len(case.volume.voxels) // 2 * 2
    order = np.arange(count).reshape(-1, 2)[:, ::-1].ravel()
    voxels = case.volume.voxels.copy()
    voxels[:count] = voxels[order]
    return with_voxels(case, voxels)


def without_slices(count: int) -> Callable[[Case], Case]:
    """Take slices out of the middle and move the rest up, as if they had never been there."""

    def make(case: Case) -> Case:
        half = len(case.volume.voxels) // 2
        voxels = np.delete(case.volume.voxels, np.arange(half, half + count), 0)
        return replace(case, volume=Volume(voxels, case.volume.affine), mask=None)

    return make
