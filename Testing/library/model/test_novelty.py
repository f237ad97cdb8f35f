from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.brain_maps import CHANNELS
from BrainAgeLib.model.novelty import STRETCHING, TOLD, channel_means, typical_of, unpacked


@pytest.fixture
def means() -> torch.Tensor:
    return 0.3 + 0.01 * torch.randn(4000, len(TOLD), generator=torch.Generator().manual_seed(4))


def maps_with(means: torch.Tensor) -> torch.Tensor:
    """Return maps (1, channel, cell) whose cells scatter around these means of what is told."""
    everything = torch.zeros(CHANNELS)
    everything[TOLD] = means
    scatter = torch.tensor([-0.2, 0.2, 0.0])
    return (everything[:, None] + scatter)[None]


def test_the_stretching_is_not_looked_at(means: torch.Tensor) -> None:
    maps = maps_with(means[0])
    stretched = maps.clone()
    stretched[:, list(STRETCHING)] += 1.0
    assert channel_means(maps)[0].tolist() == pytest.approx(means[0].tolist())
    assert torch.equal(channel_means(stretched), channel_means(maps))


def test_one_in_a_hundred_healthy_scans_is_over_the_limit(means: torch.Tensor) -> None:
    typical = typical_of(means)
    over = [typical.novelty(maps_with(one)) > 1 for one in means]
    assert sum(over) / len(over) == pytest.approx(0.01, abs=0.001)


def test_one_channel_that_is_off_is_enough(means: torch.Tensor) -> None:
    typical = typical_of(means)
    assert typical.novelty(maps_with(typical.center)) < 1e-3
    shifted = typical.center.clone()
    shifted[2] += 12 * 0.01
    assert typical.novelty(maps_with(shifted)) > 2


def test_it_comes_back_from_disk(means: torch.Tensor) -> None:
    typical = typical_of(means)
    again = unpacked(typical.packed())
    assert again.limit == pytest.approx(typical.limit)
    assert torch.equal(again.center, typical.center)
    assert torch.equal(again.precision, typical.precision)
