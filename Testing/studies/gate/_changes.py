"""Changes that make a sound scan a faulty one; each function returns what makes the change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.template.template import BRAIN_CENTER_MM
from Testing.studies.gate._case import Case, with_voxels
from Testing.studies.gate._grids import shifted

# Brightness of background, CSF, grey matter, white matter and what is brighter in T1 scans.
T1_LEVELS = (0.0, 0.28, 0.74, 1.0, 1.3)


def _generator() -> np.random.Generator:
    return np.random.default_rng(11)


def remapped(levels: tuple[float, ...]) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = np.interp(
            case.volume.voxels / case.white, (*T1_LEVELS, 4.0), (*levels, levels[-1])
        )
        return with_voxels(case, voxels)

    return make


def vessels(factor: float) -> Callable[[Case], Case]:
    """Fill grooves of the surface and the large sinuses: dark places near the brain's surface."""

    def make(case: Case) -> Case:
        voxels = case.volume.voxels / case.white
        noise = torch.as_tensor(_generator().normal(size=(1, 1, *voxels.shape)))
        width = 2 * max(1, round(3.0 / float(case.volume.spacing_mm[0]))) + 1
        smooth = functional.avg_pool3d(noise, (1, width, width), 1, (0, width // 2, width // 2))
        smooth = (smooth / smooth.std())[0, 0].numpy()
        painted = (voxels > 0.05) & (voxels < 0.75) & (smooth > 1.0)
        return with_voxels(case, np.where(painted, factor, voxels) * case.white)

    return make


def standardised(case: Case) -> Case:
    voxels = case.volume.voxels
    inside = voxels[voxels > 0]
    scored = np.where(voxels > 0, (voxels - inside.mean()) / inside.std(), 0.0)
    return replace(with_voxels(case, scored), white=1.0)


def noisy(level: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = case.volume.voxels
        noise = level * case.white * _generator().normal(size=(2, *voxels.shape))
        noisy = np.sqrt((voxels + noise[0]) ** 2 + noise[1] ** 2)
        return _within(case, noisy)

    return make


def ghosted(level: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = case.volume.voxels
        shift = voxels.shape[1] // 3
        ghost = np.roll(voxels, shift, 1) - np.roll(voxels, -shift, 1) * 0.5
        return _within(case, np.abs(voxels + level * ghost))

    return make


def _within(case: Case, voxels: np.ndarray) -> Case:
    """Keep a background of exactly 0, which says that the skull was removed."""
    empty = (case.volume.voxels == 0).mean() > 0.4
    settled = np.where(case.volume.voxels > 0, voxels, 0.0) if empty else voxels
    return with_voxels(case, settled)


def moving(millimetres: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        volume, generator = case.volume, _generator()
        shifts = generator.normal(0, millimetres, (len(volume.voxels), 2))
        pixels = shifts / volume.spacing_mm[[1, 0]]
        pairs = zip(volume.voxels, pixels, strict=True)
        moved = np.stack([shifted(picture, *by) for picture, by in pairs])
        return with_voxels(case, moved)

    return make


def uneven(spread: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        gains = np.exp(_generator().normal(0, spread, (len(case.volume.voxels), 1, 1)))
        return with_voxels(case, case.volume.voxels * gains)

    return make


def shaded(spread: float) -> Callable[[Case], Case]:
    """Multiply by the exponential of a smooth field of that standard deviation in the image."""

    def make(case: Case) -> Case:
        shape = case.volume.voxels.shape
        coarse = torch.as_tensor(_generator().normal(size=(1, 1, 3, 3, 3)))
        field = functional.interpolate(coarse, shape, mode="trilinear", align_corners=True)[0, 0]
        field = field.numpy() - float(field.mean())
        voxels = case.volume.voxels * np.exp(spread * field / field.std())
        return with_voxels(case, voxels)

    return make


def moved(millimetres: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        move = np.eye(4)
        move[:3, 3] = millimetres / np.sqrt(3)
        return replace(case, move=move)

    return make


def pitched(degrees: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        angle, center = np.deg2rad(degrees), np.array(BRAIN_CENTER_MM)
        move = np.eye(4)
        move[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        move[:3, 3] = center - move[:3, :3] @ center
        return replace(case, move=move)

    return make


def mask_grown(millimetres: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        radius = max(1, round(abs(millimetres) / float(case.volume.spacing_mm[0])))
        grown = torch.as_tensor(case.mask if millimetres > 0 else ~case.mask).float()[:, None]
        size = 2 * radius + 1
        grown = functional.max_pool2d(grown, size, 1, radius)[:, 0] > 0.5
        changed = grown.numpy() if millimetres > 0 else ~grown.numpy()
        return replace(case, mask=changed)

    return make


def mask_cut(case: Case) -> Case:
    slices = np.flatnonzero(case.mask.any((1, 2)))
    changed = case.mask.copy()
    changed[: slices[0] + (slices[-1] - slices[0]) // 3] = False
    return replace(case, mask=changed)
