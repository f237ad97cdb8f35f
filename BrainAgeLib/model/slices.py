"""Age from a few slices, down to a single one: an expert for each height of the brain.

The regional maps need the whole brain; a slice alone cannot be aligned in three dimensions. Each
expert is linear in the tissue of one slice, damped like the experts of ``regional``. What the
experts at the heights that are seen say is put together as jointly Gaussian numbers: the expected
age given these, so that neighbouring slices, which say much the same, do not count twice.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import (
    HIGHEST_SHOWN,
    POOLED,
    spread_over_pixels,
    tissue_shares,
    usual_heights_mm,
)
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.regional import DAMPING
from BrainAgeLib.template import grid
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.template.scan_maps import ScanMaps

# The models were trained with these numbers, which were set by hand.
FIRST_HEIGHT_MM = -40.0
HEIGHT_STEP_MM = 8.0
HEIGHTS = 14  # up to 64 mm
FARTHEST_MM = 8.0  # from an expert's height that a slice may lie
CHANNELS = 4  # three tissues and brightness
ROWS, COLUMNS = GRID_HEIGHT // POOLED, GRID_WIDTH // POOLED // 2
HEIGHT_SCALE_MM = 10.0
LEAST_ERROR_VARIANCE = 1.0  # years squared


class SliceModel(AgeModel):
    """Ages of a few slices. All per height of the brain, from the lowest.

    ``base``: (height,) what an expert says when it sees nothing of use. ``center``: (height,
    value) the mean of the people it was fitted on. ``weights``: (height, value). ``slopes``:
    (height,) per 10 mm above the expert's height. ``offsets``, ``inverse_size``: as in
    ``RegionalModel``. ``mean_said``: (height,), ``covariance``: (height, height) and ``with_age``:
    (height,), of what the experts say of people whom they have not seen.
    """

    reads_whole_brains = False

    base: torch.Tensor
    center: torch.Tensor
    weights: torch.Tensor
    slopes: torch.Tensor
    offsets: torch.Tensor
    inverse_size: torch.Tensor
    mean_said: torch.Tensor
    covariance: torch.Tensor
    with_age: torch.Tensor
    mean_age_years: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        values = CHANNELS * ROWS * COLUMNS
        self.register_buffer("center", torch.zeros(HEIGHTS, values))
        self.register_buffer("weights", torch.zeros(HEIGHTS, values))
        for name in ("base", "slopes", "offsets", "mean_said", "with_age"):
            self.register_buffer(name, torch.zeros(HEIGHTS))
        self.register_buffer("inverse_size", torch.ones(HEIGHTS))
        self.register_buffer("covariance", torch.eye(HEIGHTS))
        self.register_buffer("mean_age_years", torch.zeros(()))

    def age_years(self, maps: ScanMaps) -> float:
        """Return the age of a scan's slices; the mean age when none is at a known height."""
        said = self.said(slice_values(maps.slices.images), maps.slices.mid_brain_heights_mm)
        return float(self.mean_age_years) + float(self.combine(said))

    @torch.inference_mode()
    def contributions(self, maps: ScanMaps, mean_maps: torch.Tensor) -> torch.Tensor:
        """Return what each place adds at the slices' heights, compared with the experts' mean."""
        slices = maps.slices
        numbers = nearest_expert(slices.mid_brain_heights_mm)
        seen = numbers[numbers >= 0].unique()
        result = torch.zeros_like(maps.volume.images)
        if len(seen) == 0:
            return result
        # Each pixel of a tilted slice has a height of its own.
        steps = (grid.heights_mm(slices.planes) - grid.FIRST_HEIGHT_MM) / grid.HEIGHT_STEP_MM
        levels = steps.round().clamp(0, grid.HEIGHT_COUNT - 1).long()
        for share, expert in zip(self.shares(seen), seen.tolist(), strict=True):
            mine = torch.nonzero(numbers == expert)[:, 0]
            for one in mine.tolist():
                added = self._added_by_one(expert, slices.images[one : one + 1])
                result.scatter_add_(0, levels[one : one + 1], share / len(mine) * added)
        return result

    def _added_by_one(self, expert: int, image: torch.Tensor) -> torch.Tensor:
        """Return what each pixel (1, y, x) of one slice adds to what an expert says."""
        channels = slice_channels(image)[0]
        sides = torch.stack([channels[..., :COLUMNS], channels.flip(-1)[..., :COLUMNS]])
        center = self.center[expert].view(CHANNELS, ROWS, COLUMNS)
        weights = self.weights[expert].view(CHANNELS, ROWS, COLUMNS)
        size = (sides.mean(0) - center).square().sum() * self.inverse_size[expert]
        added = (0.5 * torch.exp(-DAMPING * size) * weights * (sides - center)).sum(1)
        return spread_over_pixels(torch.cat([added[0], added[1].flip(-1)], -1)[None])

    def said(self, values: torch.Tensor, heights_mm: torch.Tensor) -> torch.Tensor:
        """Return what each expert says (height,), in years from the mean age; NaN where unseen.

        ``values``: (slice, value). Slices at one expert's height are averaged.
        """
        result = values.new_full((HEIGHTS,), torch.nan)
        number = nearest_expert(heights_mm)
        for height in number[number >= 0].unique().tolist():
            mine = number == height
            above = (heights_mm[mine] - expert_heights_mm(height)) / HEIGHT_SCALE_MM
            result[height] = self.says(height, values[mine], above).mean()
        return result

    def says(self, height: int, values: torch.Tensor, above: torch.Tensor) -> torch.Tensor:
        """Return what one expert says (slice,) of values (slice, value), in years."""
        centered = values - self.center[height]
        size = centered.square().sum(1) * self.inverse_size[height]
        linear = centered @ self.weights[height] + above * self.slopes[height]
        return self.base[height] + torch.exp(-DAMPING * size) * (self.offsets[height] + linear)

    def combine(self, said: torch.Tensor) -> torch.Tensor:
        """Return the expected age given what was said (height,), in years from the mean age."""
        seen = torch.nonzero(~said.isnan())[:, 0]
        if len(seen) == 0:
            return said.new_zeros(())
        return self.shares(seen) @ (said[seen] - self.mean_said[seen])

    def expected_error_years(self, heights_mm: torch.Tensor, age_variance: float) -> float:
        """Return the standard deviation of the age given slices at these heights (slice,).

        That of the jointly Gaussian numbers. ``age_variance``: in years squared, of people about
        whom nothing is known.
        """
        number = nearest_expert(heights_mm)
        seen = number[number >= 0].unique()
        explained = float(self.shares(seen) @ self.with_age[seen]) if len(seen) else 0.0
        return max(age_variance - explained, LEAST_ERROR_VARIANCE) ** 0.5

    def widening(self, maps: ScanMaps, usual_slices: int, age_variance: float) -> float:
        """Return how many times the expected error is that of so many usual slices; at least 1."""
        heights = maps.slices.mid_brain_heights_mm.cpu()
        usual = self.expected_error_years(usual_heights_mm(usual_slices), age_variance)
        return max(1.0, self.expected_error_years(heights, age_variance) / usual)

    def known_heights_mm(self, maps: ScanMaps) -> tuple[float, ...]:
        """Return the heights, lowest first, of the slices near an expert: others do not count."""
        heights = maps.slices.mid_brain_heights_mm
        return tuple(sorted(heights[nearest_expert(heights) >= 0].tolist()))

    def shares(self, seen: torch.Tensor) -> torch.Tensor:
        """Return how much each seen expert (expert,) counts."""
        # On the CPU: not every device knows numbers of 64 bits.
        within = self.covariance[seen][:, seen].cpu().double()
        with_age = self.with_age[seen].cpu().double()
        return torch.linalg.solve(within, with_age).to(self.weights)


def slice_channels(images: torch.Tensor) -> torch.Tensor:
    """Return tissue and brightness (slice, channel, y, x) of images (slice, y, x), pooled."""
    tissues = tissue_shares(images[:, None])[:, :, 0]
    channels = torch.cat([tissues, images.clamp(0, HIGHEST_SHOWN)[:, None]], 1)
    return functional.avg_pool2d(channels, POOLED)


def slice_values(images: torch.Tensor) -> torch.Tensor:
    """Return what the experts see (slice, value) of images (slice, y, x); both sides averaged."""
    channels = slice_channels(images)
    return ((channels + channels.flip(-1)) / 2)[..., :COLUMNS].flatten(1)


def expert_heights_mm(number: int) -> float:
    """Return the height that an expert stands for."""
    return FIRST_HEIGHT_MM + HEIGHT_STEP_MM * number


def nearest_expert(heights_mm: torch.Tensor) -> torch.Tensor:
    """Return the number of the nearest expert (slice,), or -1 where none is near."""
    number = torch.round((heights_mm - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM).clamp(0, HEIGHTS - 1)
    distance = (heights_mm - (FIRST_HEIGHT_MM + HEIGHT_STEP_MM * number)).abs()
    return torch.where(distance <= FARTHEST_MM, number, number * 0 - 1).long()
