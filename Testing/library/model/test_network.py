"""The volume network takes maps with or without holes and says an age in years."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.network import NetworkSettings, VolumeNetwork
from Testing.library.model_folders import MAP_SHAPE, small_network


@pytest.fixture(scope="module")
def network():
    """Return an untrained network."""
    return small_network(1)


def noise(count, seed=0):
    """Return maps of some scans of noise in which everything was seen."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand((count, 4, *MAP_SHAPE), generator=generator)
    maps[:, 3] = 1.0
    return maps


@torch.inference_mode()
def test_one_age_for_each_scan_whatever_its_company(network):
    maps = noise(3)

    together = network(maps)

    assert together.shape == (3,)
    assert together.tolist() == pytest.approx(
        [float(network(maps[n : n + 1])) for n in range(3)], abs=1e-4
    )
    assert together.std() > 1e-4


@torch.inference_mode()
def test_ages_are_years_around_the_people_it_was_trained_on(network):
    maps = noise(2)
    both = (network(maps) + network(maps.flip(-1))) / 2

    ages = network.ages_years(maps)

    assert ages.tolist() == pytest.approx((both * 18.0 + 50.0).tolist(), abs=1e-4)


@torch.inference_mode()
def test_a_mirrored_brain_has_the_same_age(network):
    maps = noise(1)

    assert float(network.ages_years(maps.flip(-1))) == pytest.approx(
        float(network.ages_years(maps)), abs=1e-5
    )
    # It is the averaging that makes it so, not a blind network.
    assert abs(float(network(maps.flip(-1)) - network(maps))) > 1e-5


@pytest.mark.parametrize("channel", range(4))
@torch.inference_mode()
def test_every_map_counts(network, channel):
    maps = noise(1)
    changed = maps.clone()
    changed[:, channel] *= 0.3

    assert abs(float(network(changed) - network(maps))) > 1e-5


@torch.inference_mode()
def test_where_something_lies_matters(network):
    one, other = noise(1), noise(1)
    one[..., 10:14, 10:14, 4:8] = 0.0
    other[..., 26:30, 24:28, 18:22] = 0.0

    assert abs(float(network(one) - network(other))) > 1e-5


@torch.inference_mode()
def test_a_brain_of_which_nothing_was_seen_is_no_accident(network):
    assert network.ages_years(torch.zeros(1, 4, *MAP_SHAPE)).isfinite().all()


@pytest.mark.parametrize(
    "shape",
    [
        {"widths": (4, 4, 8)},
        {"widths": (4, 0, 8, 8)},
        {"widths": (4, 4, 8, 10**6)},
        {"layout_channels": 0},
        {"dropout": 3.0},
    ],
)
def test_a_network_that_cannot_be(shape):
    with pytest.raises(ValueError, match="cannot be"):
        NetworkSettings(**shape)


@pytest.mark.parametrize("widths", [(2, 3, 4, 5), (8, 4, 4, 2)])
@torch.inference_mode()
def test_widths_are_those_of_the_settings(widths):
    network = VolumeNetwork(NetworkSettings(widths, layout_channels=1)).eval()

    kernels = [p for p in network.features.parameters() if p.ndim == 5]
    assert [kernel.shape[0] for kernel in kernels] == [*widths]
    assert network(noise(1)).shape == (1,)


def test_every_weight_is_trained():
    network = small_network(1).train()

    network(noise(3)).sum().backward()

    untouched = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []


@pytest.mark.parametrize(
    "settings", [NetworkSettings((2, 3, 4, 5), 1), NetworkSettings((8, 4, 4, 2), 3)]
)
@torch.inference_mode()
def test_a_network_is_put_together_as_it_was_taken_apart(settings):
    network = VolumeNetwork(settings).eval()

    other = VolumeNetwork.unpacked(network.packed())

    assert torch.equal(other(noise(1)), network(noise(1)))
    assert other.parameter_count == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("missing", ["layout.weight", "head.1.weight", "age_center_years"])
def test_a_network_without_some_weights_is_none(network, missing):
    packed = network.packed()
    del packed[missing]

    with pytest.raises((KeyError, RuntimeError)):
        VolumeNetwork.unpacked(packed)
