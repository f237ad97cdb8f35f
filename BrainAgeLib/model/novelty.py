"""How unlike the training data a scan is, in a few numbers that hardly depend on the brain's age.

The mean of each channel of the regional maps over the whole brain says how much of each tissue the
program sees; that of the stretching is taken out of every brain and says nothing. The others differ
little between healthy brains. Another scanner's contrast, which shifts the line between grey and
white matter, shows in them at once, and so do masks that are too wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from BrainAgeLib.model.brain_maps import CHANNELS, GROUPS

STRETCHING = range(CHANNELS)[GROUPS[2]]
TOLD = [channel for channel in range(CHANNELS) if channel not in STRETCHING]
# Set by hand; what a novelty over 1 is worth is measured in docs/quality.md.
SHARE_UNDER_ONE = 0.99  # of the simulated scans of healthy people
RIDGE = 0.01  # of the variance: some channels nearly follow from others


@dataclass(frozen=True)
class Typical:
    """The healthy people's channel means.

    ``center``: (channel,), their mean over simulated scans. ``precision``: (channel, channel), the
    inverse of their covariance. ``limit``: the Mahalanobis distance that all but 1 % stay under.
    """

    center: torch.Tensor
    precision: torch.Tensor
    limit: float

    def novelty(self, regional: torch.Tensor) -> float:
        """Return the distance of maps (1, channel, cell) from the healthy; 1 is the limit."""
        means = channel_means(regional).cpu()
        return float(_distance(means, self.center, self.precision)[0]) / self.limit

    def packed(self) -> torch.Tensor:
        """Return all of it as one tensor (channel + 2, channel)."""
        limit = torch.full_like(self.center, self.limit)
        return torch.cat([torch.stack([self.center, limit]), self.precision])


def unpacked(values: torch.Tensor) -> Typical:
    """Return what :meth:`Typical.packed` packed."""
    values = values.float().cpu()
    return Typical(values[0], values[2:], float(values[1, 0]))


def channel_means(regional: torch.Tensor) -> torch.Tensor:
    """Return what is looked at (scan, channel) of regional maps (scan, channel, cell)."""
    return regional.float().mean(-1)[:, TOLD]


def typical_of(means: torch.Tensor) -> Typical:
    """Return what is typical of channel means (scan, channel)."""
    center = means.mean(0)
    covariance = torch.cov((means - center).double().T)
    covariance += RIDGE * torch.diag(covariance.diagonal())
    precision = torch.linalg.inv(covariance).float()
    distances = _distance(means, center, precision)
    return Typical(center, precision, float(torch.quantile(distances, SHARE_UNDER_ONE)))


def _distance(means: torch.Tensor, center: torch.Tensor, precision: torch.Tensor) -> torch.Tensor:
    """Return the Mahalanobis distance (scan,) of channel means (scan, channel)."""
    away = means - center
    return ((away @ precision) * away).sum(-1).clamp(min=0).sqrt()
