"""Where the brain's slices jump against the template's: a slice is missing, the rest moved up.

Each slice is compared with the template a little higher and lower than where the registration puts
it. Sound slices fit along a smooth line; behind a missing one they all fit a spacing higher. How
much better they do so is weighed together with how much more the two slices at that place differ
than those before and behind: neither alone tells one missing slice from a brain of another shape.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import torch

from BrainAgeLib.template.grid import grid_xy_mm, heights_mm, mid_brain_heights_mm
from BrainAgeLib.template.slices import LEAST_TISSUE, SliceSet, sample_volume
from BrainAgeLib.template.template import BRIGHTEST, Template

# Set by hand, tried on the scans that the limit was chosen on (``slice_order``).
FROM_MM, TO_MM = -40.0, 62.0  # beyond, slices show too little that the template shows, too
OFFSETS_MM = np.arange(-13.5, 13.6, 1.5)
LEAST_ON_A_SIDE = 4  # slices: what three fit better is chance
LEAST_SPACING_MM = 4.0  # in the template: a step of less is no more than brains differ by
DIFFERENCE_WEIGHT = 1.5
FAINTEST = 0.05  # of white matter
# The smooth lines: a shift, a stretch and a bend, which other brains and registrations have.
SHIFTS_MM = np.arange(-6.0, 6.1, 1.0)
STRETCHES = np.arange(-0.12, 0.121, 0.03)
BENDS_MM = np.array([-1.5, 0.0, 1.5])


@torch.inference_mode()
def largest_step(slices: SliceSet, template: Template) -> float | None:
    """Return how much speaks for a step of one spacing; None for few slices or thin ones.

    It is the gain of the slices' correlations with the template, added up, and 1.5 times the
    logarithm of how much more the neighbours differ there. ``slices``: as acquired, from below to
    above.
    """
    slices = slices.to("cpu")
    heights = mid_brain_heights_mm(slices.planes)
    shown = torch.nonzero((heights > FROM_MM) & (heights < TO_MM))[:, 0]
    if len(shown) < 2 * LEAST_ON_A_SIDE + 1:
        return None
    chosen = slice(int(shown[0]), int(shown[-1]) + 1)
    part = replace(
        slices,
        images=slices.images[chosen],
        template=slices.template[chosen],
        planes=slices.planes[chosen],
    )
    along = heights[chosen].numpy().astype(float)
    spacing_mm = float(np.median(np.diff(along)))
    if spacing_mm < LEAST_SPACING_MM:
        return None
    fit, lines = _correlations(part, template), _lines(along)
    plain = _fitted(fit, lines)
    differ = DIFFERENCE_WEIGHT * _differences(part.images.numpy())
    return max(
        _fitted(fit, lines + spacing_mm * ((np.arange(len(along)) >= first) - 0.5))
        - plain
        + differ[first - 1]
        - (differ[first - 2] + differ[first]) / 2
        for first in range(LEAST_ON_A_SIDE, len(along) - LEAST_ON_A_SIDE + 1)
    )


def _correlations(slices: SliceSet, template: Template) -> np.ndarray:
    """Return how alike slices and template are (offset, slice), the template moved up by each."""
    t1 = torch.as_tensor(template.t1.voxels / BRIGHTEST, dtype=torch.float32)[None]
    to_index = np.linalg.inv(template.t1.affine)
    images = slices.images
    z = heights_mm(slices.planes)
    x, y = (each.expand_as(z) for each in grid_xy_mm(images))
    result = []
    for offset in OFFSETS_MM.tolist():
        known = sample_volume(t1, torch.stack([x, y, z + offset], -1), to_index)[0]
        both = ((images > LEAST_TISSUE) | (known > LEAST_TISSUE)).float()
        one, other = _centred(images, both), _centred(known, both)
        size = (one.square().sum((1, 2)) * other.square().sum((1, 2))).sqrt()
        result.append((one * other).sum((1, 2)) / size.clamp(min=1e-6))
    return torch.stack(result).numpy()


def _centred(images: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """Return images (slice, y, x) less their mean of what is shown, 0 elsewhere."""
    count = shown.sum((1, 2), keepdim=True).clamp(min=1)
    return (images - (images * shown).sum((1, 2), keepdim=True) / count) * shown


def _lines(heights: np.ndarray) -> np.ndarray:
    """Return smooth displacements (line, slice) in mm that a sound scan may have."""
    away = heights - heights.mean()
    bend = (away / np.abs(away).max()) ** 2 - 0.4  # about without a mean
    drawn = itertools.product(SHIFTS_MM, STRETCHES, BENDS_MM)
    return np.array([shift + stretch * away + by * bend for shift, stretch, by in drawn])


def _fitted(fit: np.ndarray, lines: np.ndarray) -> float:
    """Return the correlations (offset, slice), added up along the line on which they are best."""
    place = (lines - OFFSETS_MM[0]) / (OFFSETS_MM[1] - OFFSETS_MM[0])
    place = place.clip(0, len(OFFSETS_MM) - 1.001)
    below = place.astype(int)
    part, slice_ = place - below, np.arange(fit.shape[1])
    values = fit[below, slice_] * (1 - part) + fit[below + 1, slice_] * part
    return float(values.sum(1).max())


def _differences(images: np.ndarray) -> np.ndarray:
    """Return the logarithm of how much neighbours differ, where either shows brain."""
    shown = np.maximum(images[1:], images[:-1]) > FAINTEST
    apart = (np.abs(images[1:] - images[:-1]) * shown).sum((1, 2))
    found: np.ndarray = np.log(np.maximum(apart / np.maximum(1, shown.sum((1, 2))), 1e-6))
    return found
