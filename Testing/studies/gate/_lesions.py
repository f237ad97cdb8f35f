"""Lesions, operations and failures that are put into sound scans, for the study of regions.

All are simulated: shapes with irregular borders and brightness by the tissue that they stand for.
Real ones look more varied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.template.template import distance_outside_mm
from BrainAgeLib.training.strips import smooth_field

WHITE_QUANTILE = 0.85  # of the brain's brightness
# Brightness of fluid and of swollen white matter, of white matter's. Set by hand, as all numbers
# of the shapes below are, after what such lesions look like in T1 scans.
FLUID, SWOLLEN = 0.28, 0.74
OEDEMA_MM = 12.0
MASS_EFFECT = 0.5  # of the mass's volume pushes brain aside, the rest grows into it
NODES = 17  # of the random fields that make borders and texture uneven


@dataclass(frozen=True)
class Site:
    """A scan in which something is to be put.

    ``voxels``: (k, j, i) float. ``places_mm``, ``points_mm``: (k, j, i, 3), where each voxel lies
    in the scan and in the template. ``depth_mm``: (k, j, i) below the brain's surface, negative
    outside. ``white``: brightness of white matter.
    """

    voxels: torch.Tensor
    places_mm: torch.Tensor
    points_mm: torch.Tensor
    depth_mm: torch.Tensor
    white: float
    affine: np.ndarray
    generator: np.random.Generator

    @property
    def brain(self) -> torch.Tensor:
        """Where brain is (k, j, i), bool."""
        return self.depth_mm > 0

    def uneven(self, strength: float) -> torch.Tensor:
        """Return a random field (k, j, i) around 0."""
        return smooth_field(self.voxels, strength, NODES, self.generator)

    def moved(self, source_mm: torch.Tensor) -> torch.Tensor:
        """Return the voxels (k, j, i) looked up at other places (k, j, i, 3) of the scan."""
        inverse = torch.as_tensor(np.linalg.inv(self.affine), dtype=torch.float32)
        index = source_mm @ inverse[:3, :3].T + inverse[:3, 3]
        size = torch.tensor(self.voxels.shape).flip(0)
        place = (2 * index + 1) / size - 1
        looked_up = functional.grid_sample(
            self.voxels[None, None], place[None], align_corners=False
        )
        return looked_up[0, 0]


Make = Callable[[Site, float], torch.Tensor]


def site_of(
    volume: Volume, brain: np.ndarray, scan_to_template: np.ndarray, seed: list[int]
) -> Site:
    """Return a scan as lesions are put into it. ``brain``: (k, j, i) bool."""
    index = np.stack(np.meshgrid(*map(np.arange, volume.voxels.shape), indexing="ij"), -1)
    places = apply_affine(volume.affine, index[..., ::-1].astype(float))
    voxels = torch.as_tensor(volume.voxels, dtype=torch.float32)
    return Site(
        voxels,
        torch.as_tensor(places, dtype=torch.float32),
        torch.as_tensor(apply_affine(scan_to_template, places), dtype=torch.float32),
        torch.as_tensor(-distance_outside_mm(brain, volume.spacing_mm), dtype=torch.float32),
        float(torch.quantile(voxels[torch.as_tensor(brain)][::7], WHITE_QUANTILE)),
        volume.affine,
        np.random.default_rng(seed),
    )


def _middle(site: Site, low_mm: float, high_mm: float, aside_mm: float = 10.0) -> torch.Tensor:
    """Return a random place (3,) of the brain at such a depth, on one side."""
    fits = (site.depth_mm > low_mm) & (site.depth_mm <= high_mm)
    fits &= site.points_mm[..., 0].abs() > aside_mm
    if not fits.any():
        fits = site.brain & (site.points_mm[..., 0].abs() > aside_mm)
    choices = torch.nonzero(fits)
    k, j, i = choices[int(site.generator.integers(len(choices)))]
    return site.places_mm[k, j, i]


def _from(site: Site, middle: torch.Tensor) -> torch.Tensor:
    """Return how far each voxel (k, j, i) lies from a place, by an uneven measure."""
    away = site.places_mm - middle
    stretch = torch.as_tensor(site.generator.uniform(0.85, 1.15, 3), dtype=torch.float32)
    stretch = stretch / stretch.prod() ** (1 / 3)
    return (away * stretch).norm(dim=-1) * (1 + site.uneven(0.12))


def _inside(distance_mm: torch.Tensor, radius_mm: float | torch.Tensor) -> torch.Tensor:
    """Return 1 within a radius and 0 without, with a border of about 2 mm."""
    return torch.sigmoid((radius_mm - distance_mm) / 0.7)


def _mass(levels: Callable[[Site, torch.Tensor, float], torch.Tensor]) -> Make:
    """Return what makes a mass with oedema that pushes the brain aside."""

    def make(site: Site, size_mm: float) -> torch.Tensor:
        radius = size_mm / 2
        middle = _middle(site, min(0.5 * radius, 14.0), 40.0)
        distance = _from(site, middle)
        away = site.places_mm - middle
        beyond = (distance / radius).clamp(min=1.0)
        # Brain gives way less the farther it is, and not at the skull.
        share = MASS_EFFECT * torch.exp(-((beyond - 1) ** 2)) * (site.depth_mm / 12).clamp(0, 1)
        shrink = (1 - share * beyond**-3).clamp(min=0.1) ** (1 / 3)
        voxels = site.moved(middle + away * shrink[..., None])
        voxels = torch.where(site.brain, voxels, site.voxels)
        swollen = torch.exp(-(((distance - radius).clamp(min=0) / OEDEMA_MM) ** 2))
        too_bright = (voxels - SWOLLEN * site.white).clamp(min=0)
        voxels = voxels - swollen * site.brain * too_bright
        painted = site.white * levels(site, distance, radius)
        share = _inside(distance, radius) * site.brain
        return torch.lerp(voxels, painted, share)

    return make


def _dark(site: Site, _distance: torch.Tensor, _radius: float) -> torch.Tensor:
    return 0.52 + site.uneven(0.05)


def _bright(site: Site, _distance: torch.Tensor, _radius: float) -> torch.Tensor:
    return 1.2 + site.uneven(0.1)


def _like_grey(site: Site, _distance: torch.Tensor, _radius: float) -> torch.Tensor:
    return 0.7 + site.uneven(0.05)


def _mixed(site: Site, distance: torch.Tensor, radius: float) -> torch.Tensor:
    """A dark, dead middle within a rim like grey matter with bright spots."""
    rim = 0.72 + site.uneven(0.2)
    return torch.lerp(rim, torch.full_like(rim, 0.35), _inside(distance, 0.65 * radius))


def _cavity(site: Site, size_mm: float) -> torch.Tensor:
    """Fluid where an operation took brain out, open to the surface."""
    radius = size_mm / 2
    distance = _from(site, _middle(site, 0.3 * radius, 0.6 * radius))
    fluid = site.white * (FLUID + site.uneven(0.03))
    return torch.lerp(site.voxels, fluid, _inside(distance, radius) * site.brain)


def _infarct(site: Site, size_mm: float) -> torch.Tensor:
    """Old: cortex and what lies below are gone and hold fluid and scar."""
    distance = _from(site, _middle(site, 2.0, 12.0, aside_mm=20.0))
    scar = site.white * (0.45 + site.uneven(0.1))
    return torch.lerp(site.voxels, scar, _inside(distance, size_mm / 2) * site.brain)


def _part_missing(site: Site, size_mm: float) -> torch.Tensor:
    """Nothing at all where brain, bone and scalp were: a hole, or a failed brain extraction."""
    distance = _from(site, _middle(site, 0.0, 6.0, aside_mm=15.0))
    return site.voxels * (1 - _inside(distance, size_mm / 2))


def _outwards(site: Site) -> tuple[float, torch.Tensor]:
    """Return a side and the direction (k, j, i, 3) from the middle of its half of the brain."""
    side = float(site.generator.choice([-1.0, 1.0]))
    half = site.brain & (site.points_mm[..., 0] * side > 0)
    away = site.places_mm - site.places_mm[half].mean(0)
    return side, functional.normalize(away, dim=-1)


def _bulging(site: Site, size_mm: float) -> torch.Tensor:
    """Brain that bulges out of a hole in the skull, by a quarter of the hole's width."""
    middle = _middle(site, 0.0, 4.0, aside_mm=20.0)
    away = (site.places_mm - middle).norm(dim=-1)
    outwards = functional.normalize(middle - site.places_mm[site.brain].mean(0), dim=0)
    by_mm = size_mm / 4 * torch.exp(-((away / (size_mm / 2)) ** 2))
    return site.moved(site.places_mm - by_mm[..., None] * outwards)


def _subdural(level: float) -> Make:
    """Return what makes a collection of that thickness over one half of the brain."""

    def make(site: Site, size_mm: float) -> torch.Tensor:
        side, outwards = _outwards(site)
        x, y, z = site.points_mm.unbind(-1)
        # Over the convexity, thinner towards its edges.
        place = torch.sigmoid((x * side - 12) / 6) * torch.sigmoid((z + 5) / 6)
        place = place * torch.exp(-((y / 60.0) ** 4))
        thickness = size_mm * place
        give = torch.exp(-(site.depth_mm - thickness).clamp(min=0) / 35.0)
        voxels = site.moved(site.places_mm + (thickness * give)[..., None] * outwards)
        voxels = torch.where(site.brain, voxels, site.voxels)
        share = _inside(site.depth_mm, thickness) * site.brain * (thickness > 1.0)
        return torch.lerp(voxels, site.white * (level + site.uneven(0.05)), share)

    return make


def _dimmed(site: Site, percent: float) -> torch.Tensor:
    """One half of the head darker, as a broken coil leaves it."""
    side = float(site.generator.choice([-1.0, 1.0]))
    return site.voxels * (1 - percent / 100 * torch.sigmoid(site.points_mm[..., 0] * side / 8.0))


@dataclass(frozen=True)
class Lesion:
    """``sizes``: in ``unit``. ``is_focal``: a lesion of that many mm that the bars speak of."""

    kind: str
    sizes: tuple[float, ...]
    make: Make
    unit: str = "mm"
    is_focal: bool = True


SIZES_MM = (20.0, 30.0, 40.0, 50.0, 60.0)
LESIONS = (
    Lesion("dark mass with oedema", SIZES_MM, _mass(_dark)),
    Lesion("bright mass with oedema", SIZES_MM, _mass(_bright)),
    Lesion("mass like grey matter, with oedema", SIZES_MM, _mass(_like_grey)),
    Lesion("mixed mass with oedema", SIZES_MM, _mass(_mixed)),
    Lesion("cavity of an operation", SIZES_MM, _cavity),
    Lesion("old infarct", SIZES_MM, _infarct),
    Lesion("part of the brain missing", SIZES_MM, _part_missing),
    Lesion("brain bulging out", (30.0, 50.0, 70.0), _bulging, is_focal=False),
    Lesion("dark subdural collection", (8.0, 12.0, 18.0), _subdural(0.4), is_focal=False),
    Lesion("bright subdural collection", (8.0, 12.0, 18.0), _subdural(1.0), is_focal=False),
    Lesion("one half dimmed", (15.0, 30.0, 50.0), _dimmed, "%", is_focal=False),
)
