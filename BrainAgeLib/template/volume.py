"""From a set of slices to a volume on the grid of the template.

Between two acquired slices a value is interpolated only where they are near enough to each other;
where no slice is near, nothing is invented: the volume is 0 there, and ``seen`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as functional

from BrainAgeLib.template.grid import grid_heights_mm, grid_points_mm, heights_mm
from BrainAgeLib.template.intensity import normalise_intensity
from BrainAgeLib.template.slices import SliceSet, TemplateMaps
from BrainAgeLib.template.template import BRAIN_LEVEL, load_template

# The models were trained on what comes of these numbers, which like those in the functions were set
# by hand.
LARGEST_GAP_MM = 15.0  # between slice centres: routine scans have up to 12
REACH = 0.6  # how far a slice speaks for what lies beyond it, in spacings
LONE_SLICE_MM = 6.0  # the spacing that a slice without neighbours is taken to have
# The template is seen through slices about as thick as a scan's.
TEMPLATE_TAPS_MM = (-2.0, 0.0, 2.0)


@dataclass(frozen=True)
class TemplateVolume:
    """``images``: (z, y, x) float, levels as in ``SliceSet``. ``seen``: (z, y, x) bool."""

    images: torch.Tensor
    seen: torch.Tensor

    def to(self, device: str) -> TemplateVolume:
        """Return the same volume on another device."""
        return TemplateVolume(self.images.to(device), self.seen.to(device))


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


@cache
def template_target(device: str) -> torch.Tensor:
    """Return the template (z, y, x) as a scan of average thickness shows it, in the same levels."""
    maps = TemplateMaps(load_template(), device)
    points = grid_points_mm(grid_heights_mm(maps.maps))
    seen = torch.zeros((3, *points.shape[:-1]), device=points.device)
    for tap_mm in TEMPLATE_TAPS_MM:
        offset = points.new_tensor([0.0, 0.0, tap_mm])
        seen += maps.at(points + offset) / len(TEMPLATE_TAPS_MM)
    brain = (seen[0] > BRAIN_LEVEL).float()
    return normalise_intensity(seen[0] * brain, brain, points, seen[1], seen[2])


@cache
def brain_region(device: str) -> torch.Tensor:
    """Return where brains lie on the grid (z, y, x), bool: the template's brain and its edge."""
    brain = (template_target(device) > 0.2).float()
    return functional.max_pool3d(brain[None, None], 3, 1, 1)[0, 0] > 0
