"""Age from a few slices, down to a single one: an expert for each height of the brain.

The regional maps need the whole brain; a slice alone is aligned in its plane. Each expert is linear
in what one aligned slice shows: coarsely, its tissue and brightness where its outline lies on the
template's; finely, the fluid and white matter of each place and how much the place had to be
stretched. It is damped like the experts of ``regional``. What the experts at the heights that are
seen say is put together as jointly Gaussian numbers: the expected age given these, so that
neighbouring slices, which say much the same, do not count twice.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import HIGHEST_SHOWN, POOLED, tissue_shares, usual_heights_mm
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.regional import DAMPING
from BrainAgeLib.template import grid
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.scan_maps import ScanMaps
from BrainAgeLib.template.slice_alignment import AlignedSlices, aligned_slices

# The models were trained with these numbers, which were set by hand.
FIRST_HEIGHT_MM = -40.0
HEIGHT_STEP_MM = 8.0
HEIGHTS = 14  # up to 64 mm
FARTHEST_MM = 8.0  # from an expert's height that a slice may lie
# Channels, rows and columns of half of what is seen coarsely (10 mm) and finely (5 mm). Coarse
# pixels are an odd number across: both sides have the middle one.
COARSELY = 2 * POOLED
COARSE = (4, GRID_HEIGHT // COARSELY, (GRID_WIDTH // COARSELY + 1) // 2)
FINE = (3, GRID_HEIGHT // POOLED, GRID_WIDTH // POOLED // 2)
COARSE_VALUES, FINE_VALUES = math.prod(COARSE), math.prod(FINE)
COARSE_WEIGHT = 2.0  # a coarse pixel stands for four fine ones
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
        values = COARSE_VALUES + FINE_VALUES
        self.register_buffer("center", torch.zeros(HEIGHTS, values))
        self.register_buffer("weights", torch.zeros(HEIGHTS, values))
        for name in ("base", "slopes", "offsets", "mean_said", "with_age"):
            self.register_buffer(name, torch.zeros(HEIGHTS))
        self.register_buffer("inverse_size", torch.ones(HEIGHTS))
        self.register_buffer("covariance", torch.eye(HEIGHTS))
        self.register_buffer("mean_age_years", torch.zeros(()))

    def age_years(self, maps: ScanMaps) -> float:
        """Return the age of a scan's slices; the mean age when none is at a known height."""
        values = maps.features(slice_features)
        said = self.said(values, maps.slices.mid_brain_heights_mm)
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
        aligned = maps.features(alignment)
        sides = sided_values(aligned)
        for share, expert in zip(self.shares(seen), seen.tolist(), strict=True):
            mine = torch.nonzero(numbers == expert)[:, 0]
            for one in mine.tolist():
                there = aligned.in_scan(one, *self._added_by_one(expert, sides[:, one]))
                result.scatter_add_(0, levels[one : one + 1], share / len(mine) * there[None])
        return result

    def _added_by_one(self, expert: int, sides: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what each pixel (y, x) of a slice adds: of what is seen coarsely, and finely.

        ``sides``: (2, value) what each half of the slice shows.
        """
        away = sides - self.center[expert]
        size = away.mean(0).square().sum() * self.inverse_size[expert]
        added = 0.5 * torch.exp(-DAMPING * size) * self.weights[expert] * away
        coarse, fine = added.split((COARSE_VALUES, FINE_VALUES), 1)
        return _spread(coarse.view(2, *COARSE), COARSELY), _spread(fine.view(2, *FINE), POOLED)

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


def alignment(maps: ScanMaps) -> AlignedSlices:
    """Return a scan's slices aligned to the template."""
    return aligned_slices(maps.slices, harmonised(maps.slices))


def slice_features(maps: ScanMaps) -> torch.Tensor:
    """Return what the experts see (slice, value) of a scan's slices."""
    return slice_values(maps.features(alignment))


def slice_values(aligned: AlignedSlices) -> torch.Tensor:
    """Return what the experts see (slice, value); both sides averaged."""
    return sided_values(aligned).mean(0)


def sided_values(aligned: AlignedSlices) -> torch.Tensor:
    """Return what each half shows (2, slice, value): the half with low x first."""
    tissues = tissue_shares(aligned.placed[:, None])[:, :, 0]
    shown = aligned.placed.clamp(0, HIGHEST_SHOWN)[:, None]
    coarse = functional.avg_pool2d(torch.cat([tissues, shown], 1), COARSELY) * COARSE_WEIGHT
    stretch = aligned.deformed.log_stretch
    csf, _, white_matter = tissue_shares(aligned.deformed.levels)[:, :, 0].unbind(1)
    amounts = torch.stack([csf, white_matter], 1) * stretch.exp()
    fine = functional.avg_pool2d(torch.cat([amounts, stretch], 1), POOLED)
    halves = [
        torch.stack([values[..., :columns], values.flip(-1)[..., :columns]]).flatten(2)
        for values, (_, _, columns) in ((coarse, COARSE), (fine, FINE))
    ]
    return torch.cat(halves, 2)


def _spread(halves: torch.Tensor, pooled: int) -> torch.Tensor:
    """Return what halves (2, channel, row, column) hold on the pixels (y, x); the sum stays."""
    added = halves.sum(1)
    whole = added.new_zeros(GRID_HEIGHT // pooled, GRID_WIDTH // pooled)
    columns = added.shape[2]
    whole[:, :columns] += added[0]
    whole[:, -columns:] += added[1].flip(-1)
    return functional.interpolate(whole[None, None], scale_factor=pooled)[0, 0] / pooled**2


def expert_heights_mm(number: int) -> float:
    """Return the height that an expert stands for."""
    return FIRST_HEIGHT_MM + HEIGHT_STEP_MM * number


def nearest_expert(heights_mm: torch.Tensor) -> torch.Tensor:
    """Return the number of the nearest expert (slice,), or -1 where none is near."""
    number = torch.round((heights_mm - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM).clamp(0, HEIGHTS - 1)
    distance = (heights_mm - (FIRST_HEIGHT_MM + HEIGHT_STEP_MM * number)).abs()
    return torch.where(distance <= FARTHEST_MM, number, number * 0 - 1).long()
