"""Age from regional maps: many small experts, each for one region and one kind of map.

An expert is linear in its region's maps, damped where they are unlike anybody's: an outlier of a
region pulls its expert towards the mean age instead of far away. The age is the mean age plus the
experts' differences from it, each with a weight that is never negative; experts that say nothing
new have the weight 0. Every part of the age has a place, so the model can be looked into.

The regions are boxes of three sizes that tile the template's brain; left and right are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch

from BrainAgeLib.model.brain_maps import (
    CHANNELS,
    GROUPS,
    region_cells,
    regional_features,
    sided_maps,
    spread_over_pixels,
)
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.template.scan_maps import ScanMaps

# Set by hand; what the experts come to beside other models is in docs/model.md. Cells are 4 x 5 x
# 5 mm along z, y and x; half the brain has 37 x 38 x 15.
BOXES = ((13, 19, 15), (13, 19, 8), (19, 19, 15))
LEAST_CELLS = 20  # smaller boxes are left out
DAMPING = 0.15  # a brain of the usual size of difference speaks with 93 % of its weight


@dataclass(frozen=True)
class Expert:
    """Where an expert looks: the cells (cell,) of its box and its channels."""

    cells: torch.Tensor
    channels: slice

    @property
    def size(self) -> int:
        """How many values it sees."""
        return len(range(CHANNELS)[self.channels]) * len(self.cells)


@cache
def experts() -> tuple[Expert, ...]:
    """Return all experts in a fixed order."""
    places = torch.nonzero(region_cells("cpu"))
    everyone: list[Expert] = []
    for box in BOXES:
        numbers = places // torch.tensor(box)
        codes = numbers[:, 0] * 10_000 + numbers[:, 1] * 100 + numbers[:, 2]
        members = [torch.nonzero(codes == code)[:, 0] for code in codes.unique()]
        everyone += [
            Expert(cells, channels)
            for channels in GROUPS
            for cells in members
            if len(cells) >= LEAST_CELLS
        ]
    return tuple(everyone)


class RegionalModel(AgeModel):
    """Ages of regional maps (scan, channel, cell).

    ``center``: (channel, cell) the mean of the people it was fitted on. ``weights``: (expert,
    channel, cell), 0 outside of the expert's place. ``offsets``, ``shares``: (expert,).
    ``inverse_size``: (expert,), half of one over the mean square of the expert's maps.
    ``mean_age_years``: scalar. Only experts with a share are kept.
    """

    reads_whole_brains = True
    kept_features = (regional_features,)

    center: torch.Tensor
    weights: torch.Tensor
    offsets: torch.Tensor
    shares: torch.Tensor
    inverse_size: torch.Tensor
    numbers: torch.Tensor
    mean_age_years: torch.Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        everyone = experts()
        cells = int(region_cells("cpu").sum())
        self.register_buffer("center", torch.zeros(CHANNELS, cells))
        most = max(expert.size for expert in everyone)
        self.register_buffer("weights", torch.zeros(count, most))
        self.register_buffer("offsets", torch.zeros(count))
        self.register_buffer("shares", torch.zeros(count))
        self.register_buffer("inverse_size", torch.ones(count))
        self.register_buffer("numbers", torch.zeros(count, dtype=torch.int32))
        self.register_buffer("mean_age_years", torch.zeros(()))
        self._everyone = everyone

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the ages (scan,) in years of maps (scan, channel, cell)."""
        centered = maps - self.center
        age = self.mean_age_years.expand(len(maps))
        for number in range(len(self.shares)):
            damped, says = self._says(number, self.values(number, centered))
            age = age + self.shares[number] * damped * says
        return age

    def age_years(self, maps: ScanMaps) -> float:
        """Return the age of one scan."""
        return float(self(maps.features(regional_features)))

    @torch.inference_mode()
    def contributions(self, maps: ScanMaps, mean_maps: torch.Tensor) -> torch.Tensor:
        """Return what each place adds, compared with the mean of the people of the fit.

        The experts' offsets have no place and are left out.
        """
        if maps.aligned is None:
            raise ValueError("the scan is not aligned to the template")
        weights = self.weights_of_scan(maps.features(regional_features)[0])
        sides = sided_maps(maps.aligned)[:, 0]
        added = (0.5 * weights * (sides - self.center)).sum(1)
        cells = region_cells(str(added.device))
        halves = added.new_zeros((2, *cells.shape))
        halves[:, cells] = added
        whole = torch.cat([halves[0], halves[1].flip(-1)], -1)
        return maps.aligned.in_scan(spread_over_pixels(whole))

    @property
    def parameter_count(self) -> int:
        """How many weights the kept experts have."""
        return sum(self._sizes())

    def packed(self) -> dict[str, torch.Tensor]:
        """Return all tensors; of the weights those that the experts use, one after the other."""
        rows = zip(self.weights, self._sizes(), strict=True)
        nothing = self.weights.new_zeros(0)  # where ages were learnt by no expert
        used = torch.cat([nothing, *(row[:size] for row, size in rows)])
        return super().packed() | {"weights": used}

    @classmethod
    def unpacked(cls, tensors: Mapping[str, torch.Tensor]) -> RegionalModel:
        """Return the model of as many experts as the tensors have."""
        if len(tensors["shares"]) > len(experts()):
            raise ValueError("there are not so many experts")
        model = cls(len(tensors["shares"]))
        model.numbers.copy_(tensors["numbers"])
        weights = torch.zeros_like(model.weights)
        parts = tensors["weights"].split_with_sizes(model._sizes())
        for row, part in zip(weights, parts, strict=True):
            row[: len(part)] = part
        return model.filled({**tensors, "weights": weights})

    def weights_of_scan(self, maps: torch.Tensor) -> torch.Tensor:
        """Return by how many years each value (channel, cell) of one scan's maps moves the age.

        The age is ``mean_age_years`` plus the sum of these weights times what the maps differ from
        ``center``, plus the experts' damped offsets; the damping is that of this scan.
        """
        centered = maps[None] - self.center
        result = torch.zeros_like(maps)
        for number in range(len(self.shares)):
            expert = self._everyone[int(self.numbers[number])]
            values = self.values(number, centered)
            damped, _ = self._says(number, values)
            weights = self.shares[number] * damped * self.weights[number, : values.shape[1]]
            place = result[expert.channels]
            place[:, expert.cells] += weights.reshape(len(place), -1)
        return result

    def values(self, number: int, centered: torch.Tensor) -> torch.Tensor:
        """Return what one of the kept experts sees (scan, value) of centered maps."""
        expert = self._everyone[int(self.numbers[number])]
        return centered[:, expert.channels][:, :, expert.cells].flatten(1)

    def _sizes(self) -> list[int]:
        """Return how many values each of the kept experts sees."""
        return [self._everyone[int(number)].size for number in self.numbers]

    def _says(self, number: int, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        size = values.square().sum(1) * self.inverse_size[number]
        says = self.offsets[number] + values @ self.weights[number, : values.shape[1]]
        return torch.exp(-DAMPING * size), says
