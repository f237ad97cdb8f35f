"""The template as a scan shows it: what brains are aligned to, and where brains lie."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as functional

from BrainAgeLib.template.grid import grid_heights_mm, grid_points_mm
from BrainAgeLib.template.intensity import normalise_intensity
from BrainAgeLib.template.slices import TemplateMaps
from BrainAgeLib.template.template import BRAIN_LEVEL, load_template

# The models were trained on what comes of these numbers, which like those in the functions were set
# by hand.
# The template is seen through slices about as thick as a scan's.
TEMPLATE_TAPS_MM = (-2.0, 0.0, 2.0)


@cache
def template_maps(device: str) -> TemplateMaps:
    """Return the template on a device."""
    return TemplateMaps(load_template(), device)


@cache
def template_target(device: str) -> torch.Tensor:
    """Return the template (z, y, x) as a scan of average thickness shows it, in the same levels."""
    maps = template_maps(device)
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
