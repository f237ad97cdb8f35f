"""What each place of a few slices adds to the age; see ``saliency`` for what the values mean."""

from __future__ import annotations

import torch

from BrainAgeLib.model.brain_maps import POOLED
from BrainAgeLib.model.regional_model import DAMPING
from BrainAgeLib.model.slice_model import (
    CHANNELS,
    COLUMNS,
    ROWS,
    SliceModel,
    nearest_expert,
    slice_channels,
)
from BrainAgeLib.template.grid import FIRST_HEIGHT_MM, HEIGHT_COUNT, HEIGHT_STEP_MM, heights_mm
from BrainAgeLib.template.slices import SliceSet


@torch.inference_mode()
def slices_saliency(model: SliceModel, slices: SliceSet) -> torch.Tensor:
    """Return what each place (z, y, x) adds to the slice model's age, at the slices' heights."""
    numbers = nearest_expert(slices.mid_brain_heights_mm)
    seen = numbers[numbers >= 0].unique()
    result = slices.images.new_zeros((HEIGHT_COUNT, *slices.images.shape[1:]))
    if len(seen) == 0:
        return result
    shares = model.shares(seen)
    # Each pixel of a tilted slice has a height of its own.
    levels = ((heights_mm(slices.planes) - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM).round()
    levels = levels.clamp(0, HEIGHT_COUNT - 1).long()
    for share, expert in zip(shares, seen.tolist(), strict=True):
        mine = torch.nonzero(numbers == expert)[:, 0]
        for one in mine.tolist():
            added = _added_by_one(model, expert, slices.images[one : one + 1])
            result.scatter_add_(0, levels[one : one + 1], share / len(mine) * added[None])
    return result


def _added_by_one(model: SliceModel, expert: int, image: torch.Tensor) -> torch.Tensor:
    """Return what each pixel (y, x) of one slice adds to what an expert says."""
    channels = slice_channels(image)[0]
    sides = torch.stack([channels[..., :COLUMNS], channels.flip(-1)[..., :COLUMNS]])
    center = model.center[expert].view(CHANNELS, ROWS, COLUMNS)
    weights = model.weights[expert].view(CHANNELS, ROWS, COLUMNS)
    size = (sides.mean(0) - center).square().sum() * model.inverse_size[expert]
    added = (0.5 * torch.exp(-DAMPING * size) * weights * (sides - center)).sum(1)
    whole = torch.cat([added[0], added[1].flip(-1)], -1)
    pixels = whole.repeat_interleave(POOLED, 0).repeat_interleave(POOLED, 1)
    return pixels / float(POOLED**2)
