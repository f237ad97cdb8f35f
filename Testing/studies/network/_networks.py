"""Kinds of networks and of heads that are compared: the same maps in, an age out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import nn

from BrainAgeLib.model.network import HIDDEN, INPUT_CHANNELS, MIDDLE_LEVEL, VolumeNetwork
from BrainAgeLib.template.grid import HEIGHT_COUNT
from BrainAgeLib.training.network import huber_loss

BINS_YEARS = torch.arange(12.0, 97.0, 2.0)
BIN_SIGMA_YEARS = 3.0
THRESHOLDS_YEARS = torch.arange(18.0, 89.0, 2.0)
SLICE_WIDTHS = (24, 48, 96)


@dataclass(frozen=True)
class Head:
    """How ages become what a network is to give (scan, output), and what it gives ages again."""

    name: str
    outputs: int
    wanted: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    ages_years: Callable[[torch.Tensor], torch.Tensor]


def regression(mean_years: float, spread_years: float) -> Head:
    """One standardised number, as the shipped network gives it."""
    return Head(
        "regression",
        1,
        lambda ages: ((ages - mean_years) / spread_years)[:, None],
        huber_loss,
        lambda found: found[:, 0] * spread_years + mean_years,
    )


def soft_labels() -> Head:
    """A distribution over bins of age (Peng et al. 2021, doi 10.1016/j.media.2020.101871)."""

    def wanted(ages: torch.Tensor) -> torch.Tensor:
        return torch.softmax(-0.5 * ((ages[:, None] - BINS_YEARS) / BIN_SIGMA_YEARS) ** 2, 1)

    return Head(
        "soft labels",
        len(BINS_YEARS),
        wanted,
        lambda found, wanted: functional.kl_div(
            functional.log_softmax(found, 1), wanted, reduction="batchmean"
        ),
        lambda found: torch.softmax(found, 1) @ BINS_YEARS,
    )


def ordinal() -> Head:
    """Is the person older than each threshold? (Niu et al. 2016, doi 10.1109/CVPR.2016.532)."""
    step = float(THRESHOLDS_YEARS[1] - THRESHOLDS_YEARS[0])
    return Head(
        "ordinal",
        len(THRESHOLDS_YEARS),
        lambda ages: torch.sigmoid((ages[:, None] - THRESHOLDS_YEARS) * 4 / step),
        functional.binary_cross_entropy_with_logits,
        lambda found: THRESHOLDS_YEARS[0] - step / 2 + step * torch.sigmoid(found).sum(1),
    )


class Volume(VolumeNetwork):
    """The shipped network with another number of outputs."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.head[-1] = nn.Linear(HIDDEN, outputs)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return (scan, output) of maps (scan, 4, z, y, x)."""
        found: torch.Tensor = self.head(self.gathered(maps))
        return found


class MeanVolume(Volume):
    """The same with the mean of each two voxels instead of the largest."""

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        for place, layer in enumerate(self.features):
            if isinstance(layer, nn.MaxPool3d):
                self.features[place] = nn.AvgPool3d(2, ceil_mode=True)


class Slices(nn.Module):
    """A set of slices: one 2D encoder for all, their heights, attention over the seen ones."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = INPUT_CHANNELS
        for width in SLICE_WIDTHS:
            for step in (2, 1):
                layers += [
                    nn.Conv2d(inputs, width, 3, step, 1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.SiLU(),
                ]
                inputs = width
        self.encoder = nn.Sequential(*layers)
        size = 2 * SLICE_WIDTHS[-1]
        self.height = nn.Parameter(torch.zeros(HEIGHT_COUNT, size))
        self.value = nn.Sequential(nn.Linear(size, size), nn.SiLU(), nn.Dropout(0.3))
        self.attention = nn.Linear(size, 4)
        self.head = nn.Sequential(
            nn.Linear(4 * size, HIDDEN), nn.SiLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, outputs)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return (scan, output) of maps (scan, 4, z, y, x)."""
        count, _, heights = maps.shape[:3]
        seen = maps[:, 3].amax((2, 3)) > 0
        found = self.encoder((maps - MIDDLE_LEVEL).transpose(1, 2).flatten(0, 1))
        features = torch.cat([found.mean((2, 3)), found.amax((2, 3))], 1)
        values = self.value(features.view(count, heights, -1) + self.height)
        scores = self.attention(values).masked_fill(~seen[..., None], -math.inf)
        gathered = torch.softmax(scores, 1).transpose(1, 2) @ values
        result: torch.Tensor = self.head(gathered.flatten(1))
        return result


def dense_network(outputs: int) -> nn.Module:
    """MONAI's DenseNet121 in three dimensions. Raises SystemExit where it is not installed."""
    try:
        from monai.networks.nets import DenseNet121
    except ImportError as error:
        raise SystemExit("the DenseNet needs MONAI: pip install monai") from error
    network: nn.Module = DenseNet121(3, INPUT_CHANNELS, outputs, dropout_prob=0.1)
    return network


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "3D network": Volume,
    "3D network, means of voxels": MeanVolume,
    "slice set": Slices,
    "DenseNet121, 3D": dense_network,
}
# Where the shipped network's rate is too high.
LEARNING_RATES = {"slice set": 1e-3, "DenseNet121, 3D": 5e-4}
