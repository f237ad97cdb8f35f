"""The raw age is a mean over members; regional models speak where slices cover the brain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.imaging.slices import SliceSet
from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.predict import MOST_SLICES_OF_A_PART, maps_of_scan, predict_age
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
    parts = (slices.images, slices.template, slices.planes, slices.source)
    return SliceSet(*(part[numbers] for part in parts))


def test_slices_that_cover_the_brain_are_aligned(maps):
    assert not maps.is_part
    assert maps.regional.shape[:2] == (1, 8)
    assert maps.fields.shape[:2] == (1, 3)
    assert torch.equal(maps.network[0], network_maps(maps.volume))


@pytest.mark.parametrize(
    ("numbers", "is_part"),
    [
        (range(7, 8), True),
        (range(5, 5 + MOST_SLICES_OF_A_PART), True),
        (range(5, 6 + MOST_SLICES_OF_A_PART), False),
        ([*range(8), *range(12, 21)], False),  # a hole in the middle
    ],
)
def test_slices_that_do_not_are_for_the_networks_alone(slices, members, numbers, is_part):
    maps = maps_of_scan(chosen(slices, list(numbers)))

    raw = predict_age(members, maps, NETWORK_SHARE)

    assert (maps.regional, maps.fields) == (None, None)
    assert maps.is_part == is_part
    assert not raw.covers_brain
    networks = [member.part if is_part else member.whole for member in members]
    with torch.inference_mode():
        expected = [float(network.age_years(maps.network)) for network in networks]
    assert raw.members_years == pytest.approx(expected)


def test_the_order_of_the_slices_does_not_matter(slices, maps, members):
    order = torch.randperm(len(slices), generator=torch.Generator().manual_seed(1))

    shuffled = maps_of_scan(chosen(slices, order))

    assert torch.equal(shuffled.network, maps.network)
    assert torch.equal(shuffled.regional, maps.regional)


def test_the_slices_themselves_matter(maps, members):
    other = maps_of_scan(as_slices(stored_scan(21, seed=1), "cpu"))

    ages = [predict_age(members, seen, NETWORK_SHARE).age_years for seen in (maps, other)]

    assert abs(ages[0] - ages[1]) > 1e-4


@pytest.mark.parametrize("share", [0.0, NETWORK_SHARE, 1.0])
def test_a_members_age_is_shared_between_network_and_regional_model(maps, members, share):
    found = predict_age(members, maps, share)

    with torch.inference_mode():
        expected = [
            share * float(member.whole.age_years(maps.network))
            + (1 - share) * float(member.regional(maps.regional))
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

    assert torch.equal(again.regional, maps.regional)
    assert predict_age(members, again, 0.5) == predict_age(members, maps, 0.5)


def test_maps_go_to_a_device_as_they_are(maps):
    moved = maps.to("meta")

    assert moved.regional.device.type == moved.fields.device.type == "meta"
    assert moved.network.device.type == moved.volume.seen.device.type == "meta"
    assert torch.equal(maps.to("cpu").network, maps.network)
    assert replace(maps, regional=None, fields=None).to("cpu").regional is None


def test_no_slice_has_no_age(slices):
    with pytest.raises(ValueError, match="no slice"):
        maps_of_scan(chosen(slices, []))
