"""The raw age is a mean over members; regional models speak where slices cover the brain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.predict import maps_of_scan, predict_age
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.simulated_scans import as_slices
from Testing.library.model_folders import NETWORK_SHARE, small_member
from Testing.library.stored_scans import stored_scan


@pytest.fixture(scope="module")
def members():
    """Return two untrained members."""
    return [small_member(1), small_member(2)]


@pytest.fixture(scope="module")
def slices():
    """Return slices of noise that cover the brain."""
    return as_slices(stored_scan(21), "cpu")


@pytest.fixture(scope="module")
def maps(slices):
    """Return what the models see of them."""
    return maps_of_scan(slices)


def chosen(slices, numbers):
    """Return some of the slices, in this order."""
    parts = (slices.images, slices.template, slices.planes)
    return SliceSet(*(part[numbers] for part in parts))


def test_slices_that_cover_the_brain_are_aligned(maps):
    assert maps.whole.regional.shape[:2] == (1, 8)
    assert maps.whole.fields.shape[:2] == (1, 3)
    assert torch.equal(maps.whole.network[0], network_maps(maps.volume))


@pytest.mark.parametrize(
    "numbers",
    [range(7, 8), range(5, 15), [*range(8), *range(12, 21)]],  # the last has a hole in the middle
)
def test_slices_that_do_not_are_for_the_slice_models_alone(slices, members, numbers):
    few = chosen(slices, list(numbers))
    maps = maps_of_scan(few)

    raw = predict_age(members, maps, NETWORK_SHARE)

    assert maps.whole is None
    assert not raw.covers_brain
    expected = tuple(member.slices.age_years(few) for member in members)
    assert raw.members_years == expected
    assert len(set(expected)) == 2


def test_the_order_of_the_slices_does_not_matter(slices, maps, members):
    order = torch.randperm(len(slices), generator=torch.Generator().manual_seed(1))

    shuffled = maps_of_scan(chosen(slices, order))

    assert torch.equal(shuffled.whole.network, maps.whole.network)
    assert torch.equal(shuffled.whole.regional, maps.whole.regional)


def test_the_slices_themselves_matter(maps, members):
    other = maps_of_scan(as_slices(stored_scan(21, seed=1), "cpu"))

    ages = [predict_age(members, seen, NETWORK_SHARE).age_years for seen in (maps, other)]

    assert abs(ages[0] - ages[1]) > 1e-4


@pytest.mark.parametrize("share", [0.0, NETWORK_SHARE, 1.0])
def test_a_members_age_is_shared_between_network_and_regional_model(maps, members, share):
    found = predict_age(members, maps, share)

    with torch.inference_mode():
        expected = [
            share * float(member.network.age_years(maps.whole.network))
            + (1 - share) * float(member.regional(maps.whole.regional))
            for member in members
        ]
    assert found.covers_brain
    assert found.members_years == pytest.approx(expected)


def test_the_age_is_the_mean_of_the_members(maps, members):
    both = predict_age(members, maps, NETWORK_SHARE)
    alone = [predict_age([member], maps, NETWORK_SHARE).age_years for member in members]

    assert both.members_years == pytest.approx(tuple(alone))
    assert both.age_years == pytest.approx(np.mean(alone))
    assert alone[0] != alone[1]


def test_the_same_slices_give_the_same_bits(slices, maps, members):
    again = maps_of_scan(slices)

    assert torch.equal(again.whole.regional, maps.whole.regional)
    assert predict_age(members, again, 0.5) == predict_age(members, maps, 0.5)


def test_maps_go_to_a_device_as_they_are(maps):
    moved = maps.to("meta")

    assert moved.whole.regional.device.type == moved.whole.fields.device.type == "meta"
    assert moved.whole.network.device.type == moved.volume.seen.device.type == "meta"
    assert moved.slices.images.device.type == "meta"
    assert torch.equal(maps.to("cpu").whole.network, maps.whole.network)
    assert replace(maps, whole=None).to("cpu").whole is None


def test_no_slice_has_no_age(slices):
    with pytest.raises(ValueError, match="no slice"):
        maps_of_scan(chosen(slices, []))
