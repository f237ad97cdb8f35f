"""What comes of a scan in template space: its slices, harmonised, their volume, its alignment.

All that depends on the template is done when this is made; the models read their inputs in it.

Between two acquired slices a value is interpolated only where they are near enough to each other;
where no slice is near, nothing is invented: the volume is 0 there, and ``seen`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from BrainAgeLib.template.alignment import AlignedVolume, align_to_template, aligned
from BrainAgeLib.template.grid import grid_heights_mm, heights_mm
from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.template.target import template_target

# The models were trained on what comes of these numbers, which like those in the functions were set
# by hand.
LARGEST_GAP_MM = 15.0  # between slice centres: routine scans have up to 12
REACH = 0.6  # how far a slice speaks for what lies beyond it, in spacings
LONE_SLICE_MM = 6.0  # the spacing that a slice without neighbours is taken to have
# The models for whole brains say something only when the slices cover the brain without a hole:
# routine scans have up to 12 mm between slice centres. Set by hand.
COVERED_FROM_MM, COVERED_TO_MM = -36.0, 60.0
# What is brighter is shown as brain, what is darker was not acquired; of levels: set by hand.
LEAST_SHOWN, MOST_OF_NOTHING = 0.1, 0.02
LARGEST_HOLE_MM = LARGEST_GAP_MM - 1.0  # so that all of a brain without a hole is interpolated


Kept = TypeVar("Kept")  # tensors, or what has them and a ``to`` as they do


@dataclass(frozen=True)
class TemplateVolume:
    """``images``: (z, y, x) float, levels as in ``SliceSet``. ``seen``: (z, y, x) bool."""

    images: torch.Tensor
    seen: torch.Tensor

    def to(self, device: str) -> TemplateVolume:
        """Return the same volume on another device."""
        return TemplateVolume(self.images.to(device), self.seen.to(device))


@dataclass(frozen=True)
class ScanMaps:
    """One scan as the models see it.

    ``slices``: as they were acquired, which the models of few slices read. ``acquired``: these on
    the template's grid. ``volume``: the same as the training's own scanner would show it.
    ``covers_brain``: whether the slices leave no hole in it. ``aligned``: None where they do, and
    for scans of a store of training, which keeps what was read in it. ``known``: what has been
    worked out of the scan, by the function that does so.
    """

    slices: SliceSet
    volume: TemplateVolume
    acquired: TemplateVolume
    covers_brain: bool
    aligned: AlignedVolume | None = None
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def filled_in(self) -> float:
        """What part of the brain that is shown was not acquired, 0-1: more if stripped tight."""
        shown = self.volume.seen & (self.volume.images > LEAST_SHOWN)
        filled = shown & (self.acquired.images <= MOST_OF_NOTHING)
        return float(filled.sum()) / max(1.0, float(shown.sum()))

    @torch.inference_mode()
    def features(self, make: Callable[[ScanMaps], Kept]) -> Kept:
        """Return ``make`` of this scan: worked out once, whoever asks."""
        if make not in self.known:
            self.known[make] = make(self)
        found: Kept = self.known[make]
        return found

    def to(self, device: str) -> ScanMaps:
        """Return the same maps on a device; these themselves where they are there."""
        if self.volume.images.device == torch.device(device):
            return self
        return ScanMaps(
            self.slices.to(device),
            self.volume.to(device),
            self.acquired.to(device),
            self.covers_brain,
            None if self.aligned is None else self.aligned.to(device),
            {make: values.to(device) for make, values in self.known.items()},
        )


# What a model reads in one scan.
Features = Callable[[ScanMaps], torch.Tensor]


@torch.inference_mode()
def maps_of_scan(slices: SliceSet) -> ScanMaps:
    """Return what the models see of a set of slices. Raises ValueError for an empty set."""
    if len(slices) == 0:
        raise ValueError("there is no slice to predict from")
    covers, volume = covers_the_brain(slices), volume_of_slices(harmonised(slices))
    alignment = aligned_volumes([volume]) if covers else None
    return ScanMaps(slices, volume, volume_of_slices(slices), covers, alignment)


def volume_of_slices(slices: SliceSet) -> TemplateVolume:
    """Return the volume that a set of slices shows; see the module's text."""
    order = torch.argsort(slices.planes[:, 0])
    images, planes = slices.images[order], slices.planes[order]
    size = images.shape[1:]
    heights = heights_mm(planes).flatten(1).T.contiguous()
    values = images.flatten(1).T
    if len(planes) == 1:
        # A neighbour far away: it is never near enough to be looked at.
        heights = torch.cat([heights, heights + 1e3], 1)
        values = torch.cat([values, values * 0], 1)
    wanted = grid_heights_mm(images).expand(len(heights), -1).contiguous()
    upper = torch.searchsorted(heights, wanted).clamp(1, heights.shape[1] - 1)
    low, high = heights.gather(1, upper - 1), heights.gather(1, upper)
    gap = high - low
    share = ((wanted - low) / gap).clamp(0, 1)
    between = torch.lerp(values.gather(1, upper - 1), values.gather(1, upper), share)
    joined = gap <= LARGEST_GAP_MM
    reach = REACH * torch.where(joined, gap, gap * 0 + LONE_SLICE_MM)
    near_low, near_high = (wanted - low).abs() < reach, (wanted - high).abs() < reach
    lone = torch.where(near_low, values.gather(1, upper - 1), values.gather(1, upper))
    inside = joined & (wanted > low - reach) & (wanted < high + reach)
    seen = inside | (~joined & (near_low | near_high))
    volume = torch.where(joined, between, lone) * seen
    return TemplateVolume(volume.T.reshape(-1, *size), seen.T.reshape(-1, *size))


@torch.inference_mode()
def aligned_volumes(volumes: Sequence[TemplateVolume]) -> AlignedVolume:
    """Return several volumes aligned to the template, at once."""
    images = torch.stack([volume.images for volume in volumes])
    seen = torch.stack([volume.seen for volume in volumes])
    return aligned(images, align_to_template(template_target(str(images.device)), images, seen))


def covers_the_brain(slices: SliceSet) -> bool:
    """Say whether the slices leave no hole in the middle of the brain."""
    heights = torch.sort(slices.mid_brain_heights_mm.cpu()).values
    if len(heights) < 2 or heights[0] > COVERED_FROM_MM or heights[-1] < COVERED_TO_MM:
        return False
    return float((heights[1:] - heights[:-1]).max()) <= LARGEST_HOLE_MM
