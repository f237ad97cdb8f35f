"""What a training step of the volume network sees: maps of random scans of different people.

Brains are shown as they might have been: moved, deformed, lit a little differently, mirrored. What
the simulated scans differ in is drawn once and kept; this is drawn anew in every step. Volumes
are (scan, z, y, x) on the grid of ``template.grid``, on any device. All random numbers are
torch's own, so that the caller's seed settles them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.template.grid import SPACING_MM
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.scan_maps import TemplateVolume
from BrainAgeLib.training.stored_maps import unpacked

# Standard deviations at a strength of 1, set by hand. Stronger changes lost (docs/model.md).
AFFINE = 0.03  # of the entries of a matrix: rotations, scales and shears
SHIFT_MM = 2.0
WARP_MM = 1.5
WARP_GRID = (5, 6, 5)  # along z, y, x
GAMMA = 0.06
SHADING = 0.03
LARGEST_NOISE = 0.03
LEAST_LEVEL = 0.02  # darker is background

# Of the scans that are drawn of people who have some of other sequences than T1: set by hand.
SEQUENCE_SHARE = 0.35

# Takes people's numbers (person,); returns maps (person, 4, z, y, x).
Draw = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class SequenceScans:
    """Scans of other sequences, shown as a T1, of the people who have any.

    ``volumes``: packed (person who has some, scan, z, y, x). ``places``: (person,) of everybody,
    where each is in ``volumes``; -1 for those who have none.
    """

    volumes: torch.Tensor
    places: torch.Tensor

    def instead_of(self, drawn: torch.Tensor, people: torch.Tensor) -> torch.Tensor:
        """Return packed scans (person, z, y, x), some of these people's of another sequence."""
        device = drawn.device
        places = self.places.to(device)[people]
        chosen = (torch.rand(len(people)).to(device) < SEQUENCE_SHARE) & (places >= 0)
        scans = torch.randint(self.volumes.shape[1], (len(people),)).to(device)
        others = self.volumes[places.clamp(min=0), scans]
        return torch.where(chosen.view(-1, 1, 1, 1), others, drawn)


@dataclass(frozen=True)
class WholeScans:
    """Whole scans from the store, packed (person, scan, z, y, x), on the device that trains.

    ``strength``: of what changes in each step, see ``augmented``. ``shares``: (scan,), how often
    each is drawn of all; None: each as often as the others. ``sequences``: what is drawn instead
    of some of them.
    """

    volumes: torch.Tensor
    strength: float = 0.0
    shares: torch.Tensor | None = None
    sequences: SequenceScans | None = None

    def __call__(self, people: torch.Tensor) -> torch.Tensor:
        """Return one random scan of each person, a little changed and perhaps mirrored."""
        device = self.volumes.device
        people = people.to(device)
        shares = torch.ones(self.volumes.shape[1]) if self.shares is None else self.shares
        scans = torch.multinomial(shares, len(people), replacement=True).to(device)
        drawn = self.volumes[people, scans]
        if self.sequences is not None:
            drawn = self.sequences.instead_of(drawn, people)
        return network_maps(mirrored_at_random(augmented(unpacked(drawn), self.strength)))


def mix(
    maps: torch.Tensor, wanted: torch.Tensor, mixing: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return brains and what is wanted, mixed in pairs (Zhang et al. 2018, arXiv 1710.09412).

    ``maps``: (person, ...), of one or several scans. ``wanted``: (person,) ages, or any number of
    values (person, ...), on the maps' device.
    """
    share = torch.distributions.Beta(mixing, mixing).sample((len(maps),)).to(maps.device)
    other = torch.randperm(len(maps)).to(maps.device)

    def mixed(values: torch.Tensor) -> torch.Tensor:
        wide = share.view(-1, *[1] * (values.ndim - 1))
        return values * wide + values[other] * (1 - wide)

    return mixed(maps), mixed(wanted)


def augmented(volume: TemplateVolume, strength: float) -> TemplateVolume:
    """Return volumes moved, deformed and lit at random; ``seen`` is a fraction then.

    ``strength``: 0 leaves them as they are.
    """
    if strength == 0:
        return volume
    places = _places(len(volume.images), volume.images, strength)
    both = torch.stack([volume.images, volume.seen.to(volume.images.dtype)], 1)
    images, seen = functional.grid_sample(both, places, align_corners=False).unbind(1)
    return TemplateVolume(_lit(images, strength), seen)


def mirrored_at_random(volume: TemplateVolume) -> TemplateVolume:
    """Return volumes of which about half are mirrored left to right."""
    images, seen = volume.images, volume.seen
    turned = (torch.rand(len(images), device=images.device) < 0.5).view(-1, 1, 1, 1)
    return TemplateVolume(
        torch.where(turned, images.flip(-1), images), torch.where(turned, seen.flip(-1), seen)
    )


def _places(count: int, like: torch.Tensor, strength: float) -> torch.Tensor:
    """Return where each voxel is looked up (scan, z, y, x, 3), -1 to 1 along x, y, z.

    Drawn at the corners of a coarse grid: what lies between is linear in the matrix and the warp.
    """
    shape, device = like.shape[1:], like.device
    half_mm = torch.tensor(
        [n * mm / 2 for n, mm in zip(shape, SPACING_MM, strict=True)][::-1], device=device
    )
    ends = [torch.linspace(1 / n - 1, 1 - 1 / n, k) for n, k in zip(shape, WARP_GRID, strict=True)]
    corners = torch.stack(torch.meshgrid(*ends, indexing="ij")[::-1]).to(device) * half_mm.view(
        3, 1, 1, 1
    )
    matrix = torch.eye(3, device=device) + strength * AFFINE * _normal(count, 3, 3, like=like)
    shift = strength * SHIFT_MM * _normal(count, 3, 1, 1, 1, like=like)
    warp = strength * WARP_MM * _normal(count, 3, *WARP_GRID, like=like)
    places_mm = torch.einsum("nij,jzyx->nizyx", matrix, corners) + shift + warp
    return _fine(places_mm / half_mm.view(3, 1, 1, 1), shape).permute(0, 2, 3, 4, 1)


def _lit(images: torch.Tensor, strength: float) -> torch.Tensor:
    count = len(images)
    shading = _fine(strength * SHADING * _normal(count, 1, 3, 3, 3, like=images), images.shape[1:])
    gamma = torch.exp(strength * GAMMA * _normal(count, 1, 1, 1, like=images))
    level = strength * LARGEST_NOISE * torch.rand(count, 1, 1, 1, device=images.device)
    lit = images.clamp(min=LEAST_LEVEL) ** gamma * (1 + shading[:, 0])
    noisy = (lit + level * _normal(*images.shape, like=images)).clamp(0, HIGHEST_LEVEL)
    return torch.where(images > LEAST_LEVEL, noisy, torch.zeros_like(images))


def _normal(*shape: int, like: torch.Tensor) -> torch.Tensor:
    return torch.randn(*shape, device=like.device)


def _fine(coarse: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return functional.interpolate(coarse, shape, mode="trilinear", align_corners=True)
