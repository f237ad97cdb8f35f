"""A kind of model that nobody ships: older where a brain is brighter."""

from __future__ import annotations

import torch

from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.template.scan_maps import ScanMaps


class Brightness(AgeModel):
    """``years``: of a black brain, and what is added for each unit of mean brightness."""

    reads_whole_brains = True

    def __init__(self, black: float = 0.0, added: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("years", torch.tensor([black, added]))

    def age_years(self, maps: ScanMaps) -> float:
        """Return the age of a scan."""
        return float(self.years[0] + self.years[1] * maps.volume.images.mean())

    def contributions(self, maps: ScanMaps, mean_maps: torch.Tensor) -> torch.Tensor:
        """Return what each place adds."""
        return self.years[1] * maps.volume.images / maps.volume.images.numel()
