"""The saliency map says, in years and with the right sign, where the age comes from."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model import network as network_module
from BrainAgeLib.model import saliency
from BrainAgeLib.model.brain_maps import network_features, regional_features
from BrainAgeLib.model.ensemble import predict_age
from BrainAgeLib.model.regional import DAMPING, RegionalModel
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.model.slices import SliceModel
from BrainAgeLib.template.alignment import LEVELS
from BrainAgeLib.template.scan_maps import TemplateVolume, aligned_volumes, maps_of_scan
from BrainAgeLib.training.simulate import as_slices
from Testing.library.model.made_brains import (
    LEFT,
    RIGHT,
    MoreFluidIsOlder,
    fluid_member,
    maps_of_mean,
    scan_of,
    with_lesion,
)
from Testing.library.model_folders import BLEND, MAP_SHAPE, blend_of, small_member, small_network
from Testing.library.stored_scans import stored_scan


@pytest.fixture
def places(monkeypatch):
    """Let maps show single places instead of neighbourhoods: these add up."""
    monkeypatch.setattr(saliency, "_neighbourhoods", lambda years: years)


@pytest.mark.usefixtures("places")
def test_what_networks_say_is_taken_apart_whole(mean_maps, target, monkeypatch):
    monkeypatch.setattr(network_module, "WAY_STEPS", 20)  # few are near to it, many reach it
    generator = torch.Generator().manual_seed(3)
    images = target + 0.4 * torch.rand(target.shape, generator=generator)
    maps = scan_of(images)
    members = [small_member(1), small_member(2)]

    years = saliency_map(members, maps, blend_of(1.0), mean_maps)

    mean_brain = torch.cat([mean_maps, torch.ones(1, *MAP_SHAPE)])[None]
    mean = scan_of(target)
    mean.known[network_features] = mean_brain
    difference = (
        predict_age(members, maps, blend_of(1.0)).age_years
        - predict_age(members, mean, blend_of(1.0)).age_years
    )
    assert abs(difference) > 0.1
    assert float(years.sum()) == pytest.approx(difference, rel=0.1)


@pytest.mark.usefixtures("places")
def test_what_regional_models_say_is_taken_apart_but_for_offsets(mean_maps, target):
    member = small_member(1)
    maps = scan_of(with_lesion(target))

    years = saliency_map([member], maps, blend_of(0.0), mean_maps)

    model, offsets = member["regional"], 0.0
    seen = maps.features(regional_features)
    for number in range(len(model.shares)):
        values = model.values(number, seen - model.center)
        damped = torch.exp(-DAMPING * values.square().sum() * model.inverse_size[number])
        offsets += float(model.shares[number] * damped * model.offsets[number])
    expected = float(model(seen)) - float(model.mean_age_years) - offsets
    assert abs(expected) > 0.1
    assert float(years.sum()) == pytest.approx(expected, abs=0.02)


@pytest.mark.usefixtures("places")
def test_both_count_with_their_share(mean_maps, target):
    member, maps = small_member(1), scan_of(with_lesion(target))
    networks, regional, both = (
        saliency_map([member], maps, blend_of(share), mean_maps) for share in (1.0, 0.0, 0.25)
    )

    assert torch.allclose(both, 0.25 * networks + 0.75 * regional, atol=1e-6)


@pytest.mark.usefixtures("places")
def test_members_count_alike(mean_maps, target):
    members, maps = [small_member(1), small_member(2)], scan_of(with_lesion(target))
    one, other = (saliency_map([member], maps, BLEND, mean_maps) for member in members)

    assert torch.allclose(
        saliency_map(members, maps, BLEND, mean_maps), (one + other) / 2, atol=1e-6
    )


def test_nothing_is_said_where_nothing_was_seen(mean_maps):
    slices = as_slices(stored_scan(21), "cpu")
    maps = maps_of_scan(slices)
    assert not maps.volume.seen.all()

    years = saliency_map([small_member(1)], maps, BLEND, mean_maps)

    assert not years[~maps.volume.seen].any()
    assert years[maps.volume.seen].abs().max() > 0


def test_places_beyond_the_slices_are_not_asked_about(mean_maps, target):
    """A hole is no fluid: only what was seen is compared with the mean brain.

    What is left is that fewer slices tell less of where the brain ends.
    """
    seen = torch.zeros_like(target, dtype=torch.bool)
    seen[18:20] = True
    maps = scan_of(target, seen=seen)
    member = {"network": MoreFluidIsOlder(), "regional": RegionalModel(0), "slices": SliceModel()}

    years = saliency_map([member], maps, blend_of(1.0), mean_maps)

    hole = scan_of(torch.where(seen, target, torch.zeros_like(target)))
    as_fluid = saliency_map([member], hole, blend_of(1.0), mean_maps)
    assert not years[~seen].any()
    assert years.abs().max() < 0.2 * as_fluid.abs().max()


def test_a_value_is_the_change_when_its_neighbourhood_became_average(mean_maps, target):
    """The network is linear, so that the sum over a neighbourhood is that very change."""
    member = {"network": MoreFluidIsOlder(), "regional": RegionalModel(0), "slices": SliceModel()}
    small = (slice(19, 20), slice(28, 30), slice(44, 46))
    maps = scan_of(with_lesion(target, small))
    mean = torch.cat([mean_maps, torch.ones(1, *MAP_SHAPE)])[None]
    older = member["network"].age_years(maps) - float(member["network"].ages_years(mean))

    years = saliency_map([member], maps, blend_of(1.0), mean_maps)

    assert older > 0
    assert float(years[small].mean()) == pytest.approx(older, rel=0.1)


def test_a_brain_like_the_mean_has_nothing_to_tell(target):
    member = small_member(1)
    maps = scan_of((target + target.flip(-1)) / 2)  # whose sides are alike
    member["regional"].center.copy_(maps.features(regional_features)[0])

    assert (
        saliency_map([member], maps, BLEND, maps.features(network_features)[0, :3]).abs().max()
        < 1e-4
    )


def test_the_same_scan_gives_the_same_map_and_other_weights_another(mean_maps, target):
    maps = scan_of(with_lesion(target))
    one, again, other = (saliency_map([small_member(n)], maps, BLEND, mean_maps) for n in (1, 1, 2))

    assert torch.equal(one, again)
    inside = target > 0.2
    assert abs(torch.corrcoef(torch.stack([one[inside], other[inside]]))[0, 1]) < 0.9


def test_progress_rises_to_the_whole(mean_maps, target):
    shares = []
    members = [small_member(1), small_member(2)]

    saliency_map(members, scan_of(target), BLEND, mean_maps, shares.append)

    assert shares == [0.25, 0.5, 0.75, 1.0]  # two models each


def test_a_model_that_members_share_counts_for_all_of_them(mean_maps, target):
    one, other, shared = small_member(1), small_member(2), small_network(3)
    blend = blend_of(0.4)
    members = [{"network": shared, "regional": each["regional"]} for each in (one, other)]
    maps = scan_of(target)

    years = saliency_map(members, maps, blend, mean_maps)

    parts = 0.4 * shared.contributions(maps, mean_maps)
    parts += sum(0.3 * each["regional"].contributions(maps, mean_maps) for each in (one, other))
    expected = saliency._neighbourhoods(parts) * maps.volume.seen
    assert torch.allclose(years, expected, atol=1e-6)
    assert years.abs().max() > 1e-3


def test_few_slices_are_taken_apart_by_the_slice_models(mean_maps):
    maps = maps_of_scan(as_slices(stored_scan(3), "cpu"))
    members = [small_member(1), small_member(2)]

    years = saliency_map(members, maps, BLEND, mean_maps)

    assert not maps.covers_brain
    parts = sum(member["slices"].contributions(maps, mean_maps) for member in members) / 2
    assert torch.equal(years, saliency._neighbourhoods(parts) * maps.volume.seen)
    assert years.abs().max() > 0


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_fluid_than_the_mean_brain_is_older_and_less_is_younger(target, share, sign):
    brains = (target, with_lesion(target))
    mean, scan = brains if sign > 0 else brains[::-1]
    member = fluid_member(mean)

    years = sign * saliency_map([member], scan_of(scan), blend_of(share), maps_of_mean(mean))

    assert years[LEFT].max() > 0
    if share > 0:
        # Fluid counts a little less where there is less tissue around.
        assert years.min() > -0.15 * years.max()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("where", "elsewhere"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_lesion_shows_on_its_own_side(mean_maps, target, share, where, elsewhere):
    member = fluid_member(target)
    maps = scan_of(with_lesion(target, where))

    years = saliency_map([member], maps, blend_of(share), mean_maps)

    assert years[where].max() == pytest.approx(float(years.max()))
    assert years[elsewhere].abs().max() < 0.05 * years.max()


def test_a_lesion_of_an_aligned_brain_shows_on_its_own_side(mean_maps, target):
    images = with_lesion(target)
    volume = TemplateVolume(images, torch.ones_like(images, dtype=torch.bool))
    member = fluid_member(target)

    scan = scan_of(images, aligned_volumes([volume]).displacement)
    years = saliency_map([member], scan, blend_of(0.0), mean_maps)

    assert years[LEFT].max() > 0.9 * years.max()
    assert years[RIGHT].abs().max() < 0.2 * years.max()


def test_a_lesion_shows_where_it_lies_in_the_scan_not_in_the_template(mean_maps, target):
    fields = torch.zeros(1, 3, *LEVELS[-1].shape)
    fields[:, 1] = 4.0  # voxels of 3.8 mm: the scan lies 15 mm further back
    shifted = (LEFT[0], slice(LEFT[1].start + 6, LEFT[1].stop + 6), LEFT[2])
    images = torch.zeros_like(target)
    images[:, 6:] = target[:, :-6]
    images = with_lesion(images, shifted)
    member = fluid_member(target)

    years = saliency_map([member], scan_of(images, fields), blend_of(0.0), mean_maps)

    lesion = torch.zeros_like(years)
    lesion[shifted] = 1.0
    axes = [torch.arange(n, dtype=torch.float32) for n in years.shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    centre, wanted = (
        (grid * weight).sum((1, 2, 3)) / weight.sum() for weight in (years.clamp(min=0), lesion)
    )
    assert centre.tolist() == pytest.approx(wanted.tolist(), abs=2.5)
    assert centre[1] > (LEFT[1].start + LEFT[1].stop) / 2 + 3
