"""The volume network: tissue maps of a brain in template space to an age.

A small 3D convolutional network in the manner of SFCN (Peng et al. 2021, doi
10.1016/j.media.2020.101871): in each stage a convolution, between stages the largest of each two
voxels along every axis. Its maps say which places were seen at all, so that it takes any
number of slices. The brain is registered, so where a feature lies means something: a few channels
keep their layout beside the averages and maxima of all.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from BrainAgeLib.model.brain_maps import POOLED
from BrainAgeLib.model.card import STAGES, NetworkSettings
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT

INPUT_CHANNELS = 4  # three tissues and what was seen
MIDDLE_LEVEL = 0.3  # about the mean of the maps in the brain
HIDDEN = 64
HALVINGS = STAGES - 1  # one between each two stages


class VolumeNetwork(nn.Module):
    """See the module's text. Nothing limits the ages that can come out."""

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
        """Return standardised ages (scan,) of maps (scan, 4, z, y, x)."""
        standardised: torch.Tensor = self.head(self.gathered(maps))[:, 0]
        return standardised

    def gathered(self, maps: torch.Tensor) -> torch.Tensor:
        """Return what the head sees (scan, value)."""
        found = self.features(maps - MIDDLE_LEVEL)
        means, most = found.mean((2, 3, 4)), found.amax((2, 3, 4))
        return torch.cat([means, most, self.layout(found).flatten(1)], 1)

    def age_years(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the ages (scan,) in years: the mean of a brain and its mirror image."""
        both = (self(maps) + self(maps.flip(-1))) / 2
        return both.float() * self.age_scale_years + self.age_center_years


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm3d(outputs), nn.SiLU()
    )
