"""The network takes any number of slices and says how likely each age is."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.model.network import NetworkSettings, SliceSetNetwork
from Testing.library.model_folders import SMALL_NETWORK, small_network


@pytest.fixture(scope="module")
def network():
    """Return an untrained network."""
    return small_network(1)


def scans(count, slices, seed=0):
    """Return images, template and planes of some scans of noise."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, slices, GRID_HEIGHT, GRID_WIDTH)
    planes = torch.randn(count, slices, 3, generator=generator) * torch.tensor([40.0, 0.1, 0.1])
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator), planes


def all_present(count, slices):
    """Return a mask without padding."""
    return torch.ones(count, slices, dtype=torch.bool)


@pytest.mark.parametrize("slices", [1, 3, 12])
@torch.inference_mode()
def test_one_distribution_for_each_scan(network, slices):
    output = network(*scans(2, slices), all_present(2, slices))

    assert output.shape == (2, SMALL_NETWORK.bins)
    assert output.exp().sum(1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


@torch.inference_mode()
def test_padding_in_a_batch_does_not_change_a_scan(network):
    images, template, planes = scans(2, 8)
    present = all_present(2, 8)
    present[0, 5:] = False
    images[0, 5:], template[0, 5:], planes[0, 5:] = 1e3, -1e3, 500.0

    together = network.age_years(network(images, template, planes, present))
    alone = network.age_years(
        network(images[:1, :5], template[:1, :5], planes[:1, :5], all_present(1, 5))
    )

    assert float(together[0]) == pytest.approx(float(alone[0]), abs=1e-4)


@torch.inference_mode()
def test_the_order_of_a_batch_does_not_matter(network):
    images, template, planes = scans(3, 4)
    present = all_present(3, 4)

    straight = network(images, template, planes, present)
    backwards = network(images.flip(0), template.flip(0), planes.flip(0), present)

    assert torch.allclose(straight, backwards.flip(0), atol=1e-5)


@pytest.mark.parametrize("changed", [0, 1, 2])
@torch.inference_mode()
def test_image_template_and_place_all_count(network, changed):
    given = list(scans(1, 4))
    before = network(*given, all_present(1, 4))

    given[changed] = given[changed] * 0.5

    assert (network(*given, all_present(1, 4)) - before).abs().max() > 1e-4


def test_age_is_the_mean_of_the_distribution(network):
    shares = torch.zeros(2, SMALL_NETWORK.bins)
    shares[0, 0] = 1.0
    shares[1, [10, 20]] = torch.tensor([0.25, 0.75])

    ages = network.age_years(shares.log())

    # Bins lie 2 years apart from 6 on.
    assert ages.tolist() == pytest.approx([6.0, 0.25 * 26 + 0.75 * 46])


def test_bins_are_those_of_the_settings():
    settings = NetworkSettings(widths=(4, 8), heads=2, bins=11, youngest_bin=10.0, oldest_bin=60.0)

    bins = SliceSetNetwork(settings).bin_ages_years

    assert bins.tolist() == pytest.approx([10.0 + 5.0 * n for n in range(11)])


def test_settings_are_plain_values_for_a_card():
    assert SMALL_NETWORK.as_dict() == {
        "widths": [4, 8, 8, 8],
        "heads": 2,
        "dropout": 0.2,
        "youngest_bin": 6.0,
        "oldest_bin": 102.0,
        "bins": 49,
    }


@torch.inference_mode()
def test_tokens_of_slices_hold_all_that_the_scan_is_judged_by(network):
    images, template, planes = scans(2, 5)
    present = all_present(2, 5)

    tokens = network.encode(images, template, planes)
    alone = network.encode(images[:, 2:3], template[:, 2:3], planes[:, 2:3])

    whole = network(images, template, planes, present)
    assert torch.allclose(network.pool(tokens, present), whole, atol=1e-5)
    assert torch.allclose(tokens[:, 2:3], alone, atol=1e-5)


@torch.inference_mode()
def test_each_slice_alone_says_how_likely_each_age_is(network):
    each = network.judge_slices(network.encode(*scans(2, 5)))

    assert each.shape == (2, 5, SMALL_NETWORK.bins)
    assert torch.allclose(each.exp().sum(-1), torch.ones(2, 5), atol=1e-5)


@pytest.mark.parametrize("widths", [(4, 8), (4, 8, 8), (4, 4, 4, 4, 8)])
@torch.inference_mode()
def test_any_number_of_stages_works(widths):
    network = SliceSetNetwork(NetworkSettings(widths=widths, heads=2)).eval()

    assert network(*scans(1, 2), all_present(1, 2)).shape == (1, 49)


def test_every_weight_is_trained():
    network = small_network(1).train()

    tokens = network.encode(*scans(3, 4))
    output = network.pool(tokens, all_present(3, 4))
    ages = network.age_years(output)
    (output[:, :20].sum() + ages.sum() + network.judge_slices(tokens)[..., :20].sum()).backward()

    untouched = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []
