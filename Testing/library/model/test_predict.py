"""The raw age is a mean over members and mirror images, whatever the order of the slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.imaging.slices import SliceSet, mirrored
from BrainAgeLib.model.predict import log_probabilities, predict_age
from Testing.library.model_folders import small_network


@pytest.fixture(scope="module")
def networks():
    """Return two untrained networks."""
    return [small_network(1), small_network(2)]


@pytest.fixture(scope="module")
def slices():
    """Return ten slices of noise, each at a place of its own."""
    return noise_slices(10, seed=4)


def noise_slices(count, seed):
    """Return slices of noise in tilted planes."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.randn(count, 3, generator=generator) * torch.tensor([40.0, 0.1, 0.1])
    return SliceSet(
        torch.rand(count, 76, 60, generator=generator) * 1.5,
        torch.rand(count, 76, 60, generator=generator),
        planes,
        torch.arange(count),
    )


def chosen(slices, numbers):
    """Return some of the slices, in this order."""
    return SliceSet(
        slices.images[numbers],
        slices.template[numbers],
        slices.planes[numbers],
        slices.source[numbers],
    )


def test_the_order_of_the_slices_does_not_matter(networks, slices):
    order = torch.randperm(len(slices), generator=torch.Generator().manual_seed(1))

    straight = predict_age(networks, slices)
    shuffled = predict_age(networks, chosen(slices, order))

    assert shuffled.age_years == pytest.approx(straight.age_years, abs=1e-4)
    assert shuffled.spread_years == pytest.approx(straight.spread_years, abs=1e-4)


def test_the_slices_themselves_matter(networks, slices):
    one = predict_age(networks, slices)
    other = predict_age(networks, chosen(slices, torch.arange(4)))

    assert abs(one.age_years - other.age_years) > 1e-3


def test_a_mirrored_scan_has_the_same_age(networks, slices):
    one = predict_age(networks, slices)
    other = predict_age(networks, mirrored(slices))

    assert other.age_years == pytest.approx(one.age_years, abs=1e-6)
    assert other.members_years == pytest.approx(one.members_years, abs=1e-6)
    # It is the averaging that makes it so, not a blind network.
    with torch.inference_mode():
        views = [log_probabilities(networks[0], view) for view in (slices, mirrored(slices))]
    assert (views[0] - views[1]).abs().max() > 1e-4


def test_age_and_spread_are_those_of_the_mixture(networks, slices):
    found = predict_age(networks, slices)

    bins = networks[0].bin_ages_years.double().numpy()
    with torch.inference_mode():
        shares = np.mean(
            [
                log_probabilities(network, view).exp()[0].double().numpy()
                for network in networks
                for view in (slices, mirrored(slices))
            ],
            axis=0,
        )
    age = shares @ bins
    assert found.age_years == pytest.approx(age, abs=1e-4)
    assert found.spread_years == pytest.approx(np.sqrt(shares @ (bins - age) ** 2), abs=1e-3)


def test_the_age_is_the_mean_of_the_members(networks, slices):
    both = predict_age(networks, slices)
    alone = [predict_age([network], slices).age_years for network in networks]

    assert both.members_years == pytest.approx(tuple(alone))
    assert both.age_years == pytest.approx(np.mean(alone))
    assert alone[0] != alone[1]


def test_the_same_slices_give_the_same_bits(networks, slices):
    assert predict_age(networks, slices) == predict_age(networks, slices)


def test_a_single_slice_has_an_age(networks, slices):
    found = predict_age(networks, chosen(slices, torch.tensor([3])))

    assert 6.0 < found.age_years < 102.0
    assert found.spread_years > 0


def test_no_slice_has_no_age(networks, slices):
    with pytest.raises(ValueError, match="no slice"):
        predict_age(networks, chosen(slices, torch.tensor([], dtype=torch.long)))
