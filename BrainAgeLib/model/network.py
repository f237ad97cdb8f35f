"""The volume network: tissue maps of a brain in template space to an age.

A small 3D convolutional network in the manner of SFCN (Peng et al. 2021, doi
10.1016/j.media.2020.101871): in each stage a convolution, between stages the largest of each two
voxels along every axis. Its maps say which places were seen at all, so that it takes any
number of slices. The brain is registered, so where a feature lies means something: a few channels
keep their layout beside the averages and maxima of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from BrainAgeLib.model.brain_maps import POOLED, network_features, spread_over_pixels
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT
from BrainAgeLib.template.scan_maps import ScanMaps

INPUT_CHANNELS = 4  # three tissues and what was seen
MIDDLE_LEVEL = 0.3  # about the mean of the maps in the brain: set by hand
# These and the settings below: chosen in the trials of docs/model.md, or set by hand. A wider
# network made the same error there.
HIDDEN = 64
STAGES = 4
HALVINGS = STAGES - 1  # one between each two stages
MOST_CHANNELS = 2048  # of a stage; ten times what the bundled model has
# Of the integral, by the midpoint rule. Twelve steps change a map of 2 years by 0.03 at most (three
# real T1 scans), and take six times the time.
WAY_STEPS = 2


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of a network. ``widths``: channels of the stages."""

    widths: tuple[int, ...] = (24, 32, 64, 96)
    layout_channels: int = 16
    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Raise ValueError for a network that cannot be."""
        within = [0 < width <= MOST_CHANNELS for width in self.widths]
        if len(self.widths) != STAGES or not all(within):
            raise ValueError(f"widths cannot be {list(self.widths)}")
        if not 0 < self.layout_channels <= MOST_CHANNELS:
            raise ValueError(f"layout_channels cannot be {self.layout_channels}")
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout cannot be {self.dropout}")


class VolumeNetwork(AgeModel):
    """See the module's text. Nothing limits the ages that can come out."""

    reads_whole_brains = True

    age_center_years: torch.Tensor
    age_scale_years: torch.Tensor

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or NetworkSettings()
        first, second, third, fourth = settings.widths
        self.features = nn.Sequential(
            _stage(INPUT_CHANNELS, first),
            nn.MaxPool3d(2, ceil_mode=True),
            _stage(first, second),
            nn.MaxPool3d(2, ceil_mode=True),
            _stage(second, third),
            nn.MaxPool3d(2, ceil_mode=True),
            _stage(third, fourth),
        )
        self.layout = nn.Conv3d(fourth, settings.layout_channels, 1)
        sizes = (HEIGHT_COUNT, GRID_HEIGHT // POOLED, GRID_WIDTH // POOLED)
        places = math.prod(math.ceil(size / 2**HALVINGS) for size in sizes)
        self.head = nn.Sequential(
            nn.Dropout(settings.dropout),
            nn.Linear(2 * fourth + settings.layout_channels * places, HIDDEN),
            nn.SiLU(),
            nn.Dropout(settings.dropout),
            nn.Linear(HIDDEN, 1),
        )
        self.register_buffer("age_center_years", torch.zeros(()))
        self.register_buffer("age_scale_years", torch.ones(()))
        # On a CPU this halves the time of a scan.
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return standardised ages (scan,) of maps (scan, 4, z, y, x), see ``network_maps``."""
        standardised: torch.Tensor = self.head(self.gathered(maps))[:, 0]
        return standardised

    def gathered(self, maps: torch.Tensor) -> torch.Tensor:
        """Return what the head sees (scan, value)."""
        channels = self.features(maps - MIDDLE_LEVEL)
        means, most = channels.mean((2, 3, 4)), channels.amax((2, 3, 4))
        return torch.cat([means, most, self.layout(channels).flatten(1)], 1)

    def ages_years(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the ages (scan,) in years: the mean of a brain and its mirror image."""
        # At once: on a CPU, two brains take a third of the time of one after the other.
        both = self(torch.cat([maps, maps.flip(-1)])).view(2, -1).mean(0)
        return both.float() * self.age_scale_years + self.age_center_years

    @torch.inference_mode()
    def age_years(self, maps: ScanMaps) -> float:
        """Return the age of one scan."""
        return float(self.ages_years(maps.features(network_features)))

    def contributions(self, maps: ScanMaps, mean_maps: torch.Tensor) -> torch.Tensor:
        """Return what each place adds: integrated gradients from the mean brain to the scan.

        Sundararajan et al. 2017, arXiv 1703.01365, along the straight way.
        """
        scan = maps.features(network_features)
        seen = scan[:, 3:]
        start = torch.cat([mean_maps[None] * seen, seen], 1)
        way = (torch.arange(WAY_STEPS, device=scan.device) + 0.5) / WAY_STEPS
        # All steps at once take half the time of one after the other.
        places = torch.lerp(start, scan, way.view(-1, 1, 1, 1, 1))
        with torch.enable_grad():
            places = places.detach().requires_grad_(True)
            (gradients,) = torch.autograd.grad(self.ages_years(places).sum(), places)
        return spread_over_pixels(((scan - start)[0] * gradients.mean(0)).sum(0))

    @property
    def parameter_count(self) -> int:
        """How many weights were trained."""
        return sum(weights.numel() for weights in self.parameters())

    @classmethod
    def unpacked(cls, tensors: Mapping[str, torch.Tensor]) -> VolumeNetwork:
        """Return the network of these weights, which tell its shape."""
        widths = [len(tensors[f"features.{2 * stage}.0.weight"]) for stage in range(STAGES)]
        settings = NetworkSettings(tuple(widths), len(tensors["layout.weight"]))
        return cls(settings).filled(tensors)


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm3d(outputs), nn.SiLU()
    )
