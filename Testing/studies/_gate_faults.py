"""Faults of graded strength, made in sound scans, for the study of the gate's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.imaging.geometry import Volume

# Brightness of background, CSF, grey matter, white matter and what is brighter: T1 with white
# matter at 1, and what other sequences make of them.
T1_LEVELS = (0.0, 0.28, 0.74, 1.0, 1.3)
OTHER_LEVELS = {
    "T2-like": (0.0, 2.0, 1.0, 0.7, 0.5),
    "FLAIR-like": (0.0, 0.2, 1.15, 0.95, 0.9),
    "PD-like": (0.0, 1.05, 1.1, 0.9, 0.8),
    "CT-like": (0.0, 0.2, 1.0, 0.85, 0.85),
    "inverted": (0.0, 1.02, 0.56, 0.3, 0.05),
}


@dataclass(frozen=True)
class Case:
    """A scan on its way to the gate.

    ``white``: brightness of white matter. ``mask``: the brain (k, j, i), bool; a fault that changes
    the picture sets it to None, to be found anew. ``move``: 4 x 4, put after the registration, mm.
    """

    volume: Volume
    white: float
    mask: Any = None
    move: np.ndarray | None = None


@dataclass(frozen=True)
class Fault:
    """``grade`` is in the unit that ``unit`` names; ``gross`` marks what no scan may pass with.

    ``needs_head``: only a head with its skull can have it.
    """

    kind: str
    grade: float | str
    unit: str
    make: Callable[[Case], Case]
    gross: bool = False
    needs_head: bool = False

    @property
    def name(self) -> str:
        """What rows are kept by."""
        return f"{self.kind} {self.grade}"


def all_faults() -> tuple[Fault, ...]:
    """Return every fault, in the order of the tables."""
    return tuple(
        fault
        for family in (_contrasts, _geometry, _crops, _turns, _artefacts, _misplacements, _masks)
        for fault in family()
    )


def _contrasts() -> Iterator[Fault]:
    for name, levels in OTHER_LEVELS.items():
        yield Fault("contrast", name, "", _remapped(levels), gross=True)
    for share in (0.25, 0.5, 0.75):
        grey, white = T1_LEVELS[2] + share * 0.26, 1.0
        flat = (0.0, 0.28 + share * 0.5, grey, white, 1.2)
        yield Fault(
            "flat contrast", share, "share of the grey-white contrast lost", _remapped(flat)
        )
    for factor in (1.5, 2.0):
        yield Fault(
            "contrast agent", factor, "brightness of vessels, white matter 1", _vessels(factor)
        )
    yield Fault("values below zero", "z-scores", "", _standardised, gross=True)


def _geometry() -> Iterator[Fault]:
    for factor in (0.5, 0.67, 0.75, 0.8, 0.9, 1.1, 1.25, 1.33, 1.5, 2.0):
        gross = not 0.76 < factor < 1.24
        yield Fault("slice spacing", factor, "header / true", _rescaled((1, 1, factor)), gross)
    for factor in (0.75, 0.9, 1.1, 1.25):
        gross = not 0.76 < factor < 1.24
        yield Fault("pixel size", factor, "header / true", _rescaled((factor, factor, 1)), gross)
    for factor in (0.75, 1.25):
        yield Fault("one pixel axis", factor, "header / true", _rescaled((factor, 1, 1)), True)
        yield Fault("all voxel axes", factor, "header / true", _rescaled((factor,) * 3), True)
    for degrees in (5.0, 10.0, 20.0):
        yield Fault("shear", degrees, "degrees", _sheared(degrees), degrees >= 20)


def _crops() -> Iterator[Fault]:
    for share in (0.1, 0.2, 0.3, 0.5, 0.7):
        yield Fault("top cut", share, "share of the height", _cut(2, share, True), share >= 0.5)
        yield Fault("bottom cut", share, "share of the height", _cut(2, share, False), share >= 0.5)
    for share in (0.1, 0.25, 0.4):
        yield Fault("side cut", share, "share of the width", _cut(0, share, True), share >= 0.4)
    for step in (2, 3, 4):
        yield Fault("slices left out", step, "every nth kept", _thinned(step), step >= 4)


def _turns() -> Iterator[Fault]:
    yield Fault("orientation", "upside down", "", _flipped(0), gross=True)
    yield Fault("orientation", "back to front", "", _flipped(1), gross=True)
    yield Fault("orientation", "upside down, back to front", "", _flipped(0, 1), gross=True)
    yield Fault("orientation", "axes exchanged", "", _exchanged, gross=True)
    yield Fault("left and right", "exchanged", "", _flipped(2))


def _artefacts() -> Iterator[Fault]:
    for level in (0.05, 0.1, 0.2, 0.4):
        yield Fault("noise", level, "share of white matter", _noisy(level), level >= 0.4)
    for level in (0.1, 0.2, 0.4):
        yield Fault("ghosts", level, "share of the signal", _ghosted(level), level >= 0.4)
    for millimetres in (1.0, 3.0, 6.0):
        yield Fault("motion between slices", millimetres, "mm", _moving(millimetres))
    for spread in (0.05, 0.1, 0.2):
        yield Fault("slice brightness", spread, "standard deviation", _uneven(spread))
    for spread in (0.2, 0.4, 0.8):
        yield Fault("shading", spread, "SD of the logarithm", _shaded(spread), spread >= 0.8)


def _misplacements() -> Iterator[Fault]:
    for millimetres in (5.0, 10.0, 20.0, 40.0):
        yield Fault(
            "registration shifted", millimetres, "mm", _moved(millimetres), millimetres >= 20
        )
    for degrees in (5.0, 10.0, 20.0):
        yield Fault("registration turned", degrees, "degrees", _pitched(degrees), degrees >= 20)


def _masks() -> Iterator[Fault]:
    for millimetres in (4.0, 8.0, 12.0):
        gross = millimetres >= 12
        yield Fault("mask too large", millimetres, "mm", _mask_grown(millimetres), gross, True)
        yield Fault("mask too small", millimetres, "mm", _mask_grown(-millimetres), gross)
    yield Fault("mask lacks", "the lower third", "", _mask_cut, gross=True)


def _with_voxels(case: Case, voxels: np.ndarray) -> Case:
    changed = case.volume.with_voxels(voxels.astype(np.float32))
    return replace(case, volume=changed, mask=None)


def _generator() -> np.random.Generator:
    return np.random.default_rng(11)


def _remapped(levels: tuple[float, ...]) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = np.interp(
            case.volume.voxels / case.white, (*T1_LEVELS, 4.0), (*levels, levels[-1])
        )
        return _with_voxels(case, voxels)

    return make


def _vessels(factor: float) -> Callable[[Case], Case]:
    """Fill grooves of the surface and the large sinuses: dark places near the brain's surface."""

    def make(case: Case) -> Case:
        voxels = case.volume.voxels / case.white
        noise = torch.as_tensor(_generator().normal(size=(1, 1, *voxels.shape)))
        width = 2 * max(1, round(3.0 / float(case.volume.spacing_mm[0]))) + 1
        smooth = functional.avg_pool3d(noise, (1, width, width), 1, (0, width // 2, width // 2))
        smooth = (smooth / smooth.std())[0, 0].numpy()
        painted = (voxels > 0.05) & (voxels < 0.75) & (smooth > 1.0)
        return _with_voxels(case, np.where(painted, factor, voxels) * case.white)

    return make


def _standardised(case: Case) -> Case:
    voxels = case.volume.voxels
    inside = voxels[voxels > 0]
    scored = np.where(voxels > 0, (voxels - inside.mean()) / inside.std(), 0.0)
    return replace(_with_voxels(case, scored), white=1.0)


def _rescaled(factors: tuple[float, float, float]) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        affine = case.volume.affine.copy()
        affine[:3, :3] *= factors
        return replace(case, volume=Volume(case.volume.voxels, affine))

    return make


def _sheared(degrees: float) -> Callable[[Case], Case]:
    """Shift each slice back against the one below, as a header that forgets an oblique stack."""

    def make(case: Case) -> Case:
        volume, shift = case.volume, np.tan(np.deg2rad(degrees))
        per_slice = shift * volume.spacing_mm[2] / volume.spacing_mm[1]
        middle = (len(volume.voxels) - 1) / 2
        voxels = np.stack(
            [
                _shifted(picture, (number - middle) * per_slice, 0.0)
                for number, picture in enumerate(volume.voxels)
            ]
        )
        return _with_voxels(case, voxels)

    return make


def _cut(axis: int, share: float, at_end: bool) -> Callable[[Case], Case]:
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


def _thinned(step: int) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        affine = case.volume.affine.copy()
        affine[:3, 2] *= step
        voxels = np.ascontiguousarray(case.volume.voxels[::step])
        return replace(case, volume=Volume(voxels, affine), mask=None)

    return make


def _flipped(*axes: int) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = np.ascontiguousarray(np.flip(case.volume.voxels, axes))
        return _with_voxels(case, voxels)

    return make


def _exchanged(case: Case) -> Case:
    """Call axial slices coronal."""
    volume = case.volume
    voxels = np.ascontiguousarray(volume.voxels.transpose(1, 0, 2))
    affine = np.eye(4)
    affine[:3, :3] = np.diag(volume.spacing_mm[[0, 2, 1]])
    affine[:3, 3] = volume.affine[:3, 3]
    return replace(case, volume=Volume(voxels, affine), mask=None)


def _noisy(level: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        voxels = case.volume.voxels
        noise = level * case.white * _generator().normal(size=(2, *voxels.shape))
        noisy = np.sqrt((voxels + noise[0]) ** 2 + noise[1] ** 2)
        return _within(case, noisy)

    return make


def _ghosted(level: float) -> Callable[[Case], Case]:
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
    return _with_voxels(case, settled)


def _moving(millimetres: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        volume, generator = case.volume, _generator()
        shifts = generator.normal(0, millimetres, (len(volume.voxels), 2))
        pixels = shifts / volume.spacing_mm[[1, 0]]
        pairs = zip(volume.voxels, pixels, strict=True)
        moved = np.stack([_shifted(picture, *by) for picture, by in pairs])
        return _with_voxels(case, moved)

    return make


def _shifted(picture: np.ndarray, rows: float, columns: float) -> np.ndarray:
    """Return a picture moved by whole and part pixels, 0 where nothing is known."""
    height, width = picture.shape
    theta = torch.tensor([[[1, 0, -2 * columns / width], [0, 1, -2 * rows / height]]])
    grid = functional.affine_grid(theta.float(), [1, 1, height, width], align_corners=False)
    source = torch.as_tensor(picture, dtype=torch.float32)[None, None]
    return functional.grid_sample(source, grid, align_corners=False)[0, 0].numpy()


def _uneven(spread: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        gains = np.exp(_generator().normal(0, spread, (len(case.volume.voxels), 1, 1)))
        return _with_voxels(case, case.volume.voxels * gains)

    return make


def _shaded(spread: float) -> Callable[[Case], Case]:
    """Multiply by the exponential of a smooth field of that standard deviation in the image."""

    def make(case: Case) -> Case:
        shape = case.volume.voxels.shape
        coarse = torch.as_tensor(_generator().normal(size=(1, 1, 3, 3, 3)))
        field = functional.interpolate(coarse, shape, mode="trilinear", align_corners=True)[0, 0]
        field = field.numpy() - float(field.mean())
        voxels = case.volume.voxels * np.exp(spread * field / field.std())
        return _with_voxels(case, voxels)

    return make


def _moved(millimetres: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        move = np.eye(4)
        move[:3, 3] = millimetres / np.sqrt(3)
        return replace(case, move=move)

    return make


def _pitched(degrees: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        angle, center = np.deg2rad(degrees), np.array([0.0, 18.0, 4.0])
        move = np.eye(4)
        move[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        move[:3, 3] = center - move[:3, :3] @ center
        return replace(case, move=move)

    return make


def _mask_grown(millimetres: float) -> Callable[[Case], Case]:
    def make(case: Case) -> Case:
        radius = max(1, round(abs(millimetres) / float(case.volume.spacing_mm[0])))
        grown = torch.as_tensor(case.mask if millimetres > 0 else ~case.mask).float()[:, None]
        size = 2 * radius + 1
        grown = functional.max_pool2d(grown, size, 1, radius)[:, 0] > 0.5
        changed = grown.numpy() if millimetres > 0 else ~grown.numpy()
        return replace(case, mask=changed)

    return make


def _mask_cut(case: Case) -> Case:
    slices = np.flatnonzero(case.mask.any((1, 2)))
    changed = case.mask.copy()
    changed[: slices[0] + (slices[-1] - slices[0]) // 3] = False
    return replace(case, mask=changed)
