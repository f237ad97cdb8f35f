"""The saliency map says, in years and with the right sign, where the age comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from BrainAgeLib.model import saliency
from BrainAgeLib.model.predict import Member, maps_of_scan, predict_age
from BrainAgeLib.model.regional_model import DAMPING, RegionalModel
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.model.slice_model import SliceModel
from BrainAgeLib.model.slice_saliency import slices_saliency
from BrainAgeLib.training.simulated_scans import as_slices
from Testing.library.model.made_brains import MoreFluidIsOlder, scan_of, with_lesion
from Testing.library.model_folders import MAP_SHAPE, small_member
from Testing.library.stored_scans import stored_scan


@pytest.fixture
def places(monkeypatch):
    """Let maps show single places instead of neighbourhoods: these add up."""
    monkeypatch.setattr(saliency, "_neighbourhoods", lambda years: years)


@pytest.mark.usefixtures("places")
def test_what_networks_say_is_taken_apart_whole(mean_maps, target, monkeypatch):
    monkeypatch.setattr(saliency, "WAY_STEPS", 20)  # few are near to it, many reach it
    generator = torch.Generator().manual_seed(3)
    images = target + 0.4 * torch.rand(target.shape, generator=generator)
    maps = scan_of(images)
    members = [small_member(1), small_member(2)]

    years = saliency_map(members, maps, 1.0, mean_maps)

    mean_brain = torch.cat([mean_maps, torch.ones(1, *MAP_SHAPE)])[None]
    difference = (
        predict_age(members, maps, 1.0).age_years
        - predict_age(
            members, replace(maps, whole=replace(maps.whole, network=mean_brain)), 1.0
        ).age_years
    )
    assert abs(difference) > 0.1
    assert float(years.sum()) == pytest.approx(difference, rel=0.1)


@pytest.mark.usefixtures("places")
def test_what_regional_models_say_is_taken_apart_but_for_offsets(mean_maps, target):
    member = small_member(1)
    maps = scan_of(with_lesion(target))

    years = saliency_map([member], maps, 0.0, mean_maps)

    model, offsets = member.regional, 0.0
    for number in range(len(model.shares)):
        values = model.values(number, maps.whole.regional - model.center)
        damped = torch.exp(-DAMPING * values.square().sum() * model.inverse_size[number])
        offsets += float(model.shares[number] * damped * model.offsets[number])
    expected = float(model(maps.whole.regional)) - float(model.mean_age_years) - offsets
    assert abs(expected) > 0.1
    assert float(years.sum()) == pytest.approx(expected, abs=0.02)


@pytest.mark.usefixtures("places")
def test_both_count_with_their_share(mean_maps, target):
    member, maps = small_member(1), scan_of(with_lesion(target))
    networks, regional, both = (
        saliency_map([member], maps, share, mean_maps) for share in (1.0, 0.0, 0.25)
    )

    assert torch.allclose(both, 0.25 * networks + 0.75 * regional, atol=1e-6)


@pytest.mark.usefixtures("places")
def test_members_count_alike(mean_maps, target):
    members, maps = [small_member(1), small_member(2)], scan_of(with_lesion(target))
    one, other = (saliency_map([member], maps, 0.4, mean_maps) for member in members)

    assert torch.allclose(saliency_map(members, maps, 0.4, mean_maps), (one + other) / 2, atol=1e-6)


def test_nothing_is_said_where_nothing_was_seen(mean_maps):
    slices = as_slices(stored_scan(21), "cpu")
    maps = maps_of_scan(slices)
    assert not maps.volume.seen.all()

    years = saliency_map([small_member(1)], maps, 0.4, mean_maps)

    assert not years[~maps.volume.seen].any()
    assert years[maps.volume.seen].abs().max() > 0


def test_places_beyond_the_slices_are_not_asked_about(mean_maps, target):
    """A hole is no fluid: only what was seen is compared with the mean brain."""
    seen = torch.zeros_like(target, dtype=torch.bool)
    seen[18:20] = True
    maps = scan_of(target, seen=seen)
    member = Member(MoreFluidIsOlder(), RegionalModel(0), SliceModel())

    assert saliency_map([member], maps, 1.0, mean_maps).abs().max() < 1e-4


def test_a_value_is_the_change_when_its_neighbourhood_became_average(mean_maps, target):
    """The network is linear, so that the sum over a neighbourhood is that very change."""
    member = Member(MoreFluidIsOlder(), RegionalModel(0), SliceModel())
    small = (slice(19, 20), slice(28, 30), slice(44, 46))
    maps = scan_of(with_lesion(target, small))
    older = float(member.network.age_years(maps.whole.network)) - float(
        member.network.age_years(torch.cat([mean_maps, torch.ones(1, *MAP_SHAPE)])[None])
    )

    years = saliency_map([member], maps, 1.0, mean_maps)

    assert older > 0
    assert float(years[small].mean()) == pytest.approx(older, rel=0.1)


def test_a_brain_like_the_mean_has_nothing_to_tell(target):
    member = small_member(1)
    maps = scan_of((target + target.flip(-1)) / 2)  # whose sides are alike
    member.regional.center.copy_(maps.whole.regional[0])

    assert saliency_map([member], maps, 0.4, maps.whole.network[0, :3]).abs().max() < 1e-4


def test_the_same_scan_gives_the_same_map_and_other_weights_another(mean_maps, target):
    maps = scan_of(with_lesion(target))
    one, again, other = (saliency_map([small_member(n)], maps, 0.4, mean_maps) for n in (1, 1, 2))

    assert torch.equal(one, again)
    inside = target > 0.2
    assert abs(torch.corrcoef(torch.stack([one[inside], other[inside]]))[0, 1]) < 0.9


def test_progress_rises_to_the_whole(mean_maps, target):
    shares = []
    members = [small_member(1)] * 4

    saliency_map(members, scan_of(target), 0.4, mean_maps, shares.append)

    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_few_slices_are_taken_apart_by_the_slice_models(mean_maps):
    slices = as_slices(stored_scan(3), "cpu")
    maps = maps_of_scan(slices)
    members = [small_member(1), small_member(2)]

    years = saliency_map(members, maps, 0.4, mean_maps)

    assert maps.whole is None
    parts = sum(slices_saliency(member.slices, slices) for member in members) / 2
    assert torch.equal(years, saliency._neighbourhoods(parts) * maps.volume.seen)
    assert years.abs().max() > 0
