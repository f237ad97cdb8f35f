"""The saliency map says, in years and with the right sign, where the age comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from BrainAgeLib.imaging.alignment import LEVELS
from BrainAgeLib.imaging.template_volume import TemplateVolume, template_target
from BrainAgeLib.model import saliency
from BrainAgeLib.model.brain_maps import alignments, network_maps, regional_maps
from BrainAgeLib.model.predict import Member, ScanMaps, WholeBrain, maps_of_scan, predict_age
from BrainAgeLib.model.regional_model import DAMPING, RegionalModel, experts
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.model.slice_model import SliceModel
from BrainAgeLib.model.slice_saliency import slices_saliency
from BrainAgeLib.training.simulated_scans import as_slices
from Testing.library.model_folders import MAP_SHAPE, small_member
from Testing.library.stored_scans import stored_scan

LEFT = (slice(17, 23), slice(24, 32), slice(42, 50))  # z, y, x; x grows to the left
BOX = 2  # the expert whose box holds this place of either side
RIGHT = (*LEFT[:2], slice(10, 18))


@pytest.fixture(scope="module")
def target():
    """Return the template as a scan."""
    return template_target("cpu")


@pytest.fixture(scope="module")
def mean_maps(target):
    """Return the tissue maps of the template, which stands for the mean brain."""
    everything = torch.ones_like(target, dtype=torch.bool)
    return network_maps(TemplateVolume(target, everything))[:3]


@pytest.fixture
def places(monkeypatch):
    """Let maps show single places instead of neighbourhoods: these add up."""
    monkeypatch.setattr(saliency, "_neighbourhoods", lambda years: years)


def scan_of(images, fields=None, seen=None):
    """Return what the models see of a volume; ``fields``: its alignment, none by default."""
    seen = torch.ones_like(images, dtype=torch.bool) if seen is None else seen
    volume = TemplateVolume(images * seen, seen)
    fields = torch.zeros(1, 3, *LEVELS[-1].shape) if fields is None else fields
    regional = regional_maps(volume.images[None], fields)
    # Of a whole brain nobody looks at the slices themselves.
    whole = WholeBrain(network_maps(volume)[None], regional, fields)
    return ScanMaps(as_slices(stored_scan(1), "cpu"), volume, whole)


def with_lesion(target, where=LEFT, level=0.1):
    """Return the template with other tissue at one place."""
    images = target.clone()
    images[where] = level
    return images


class MoreFluidIsOlder(torch.nn.Module):
    """Its age is that of the fluid in view, a year for so many pixels."""

    def age_years(self, maps):
        return 50.0 + 0.05 * maps[:, 0].sum((1, 2, 3))


def fluid_regional_model(target):
    """Return a regional model that is older where a box on both sides has more fluid."""
    model = RegionalModel(1)
    model.numbers[0] = BOX
    model.center.copy_(regional_maps(target[None], torch.zeros(1, 3, *LEVELS[-1].shape))[0])
    cells = len(experts()[BOX].cells)
    assert experts()[BOX].channels == slice(0, 3)
    model.weights[0, :cells] = 0.1  # of its three tissues, fluid comes first
    model.shares.fill_(1.0)
    model.inverse_size.fill_(1e-5)
    model.mean_age_years.fill_(50.0)
    return model


@pytest.mark.usefixtures("places")
def test_what_networks_say_is_taken_apart_whole(mean_maps, target):
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
    assert float(years.sum()) == pytest.approx(difference, rel=0.05)


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


def maps_of_mean(brain):
    """Return the network's tissue maps of a mean brain."""
    return network_maps(TemplateVolume(brain, torch.ones_like(brain, dtype=torch.bool)))[:3]


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_fluid_than_the_mean_brain_is_older_and_less_is_younger(target, share, sign):
    brains = (target, with_lesion(target))
    mean, scan = brains if sign > 0 else brains[::-1]
    member = Member(MoreFluidIsOlder(), fluid_regional_model(mean), SliceModel())

    years = sign * saliency_map([member], scan_of(scan), share, maps_of_mean(mean))

    assert years[LEFT].max() > 0
    if share > 0:
        assert years.min() > -0.05 * years.max()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("where", "elsewhere"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_lesion_shows_on_its_own_side(mean_maps, target, share, where, elsewhere):
    member = Member(MoreFluidIsOlder(), fluid_regional_model(target), SliceModel())
    maps = scan_of(with_lesion(target, where))

    years = saliency_map([member], maps, share, mean_maps)

    assert years[where].max() == pytest.approx(float(years.max()))
    assert years[elsewhere].abs().max() < 0.05 * years.max()


def test_a_lesion_of_an_aligned_brain_shows_on_its_own_side(mean_maps, target):
    images = with_lesion(target)
    volume = TemplateVolume(images, torch.ones_like(images, dtype=torch.bool))
    member = Member(MoreFluidIsOlder(), fluid_regional_model(target), SliceModel())

    years = saliency_map([member], scan_of(images, alignments([volume])), 0.0, mean_maps)

    assert years[LEFT].max() > 0.9 * years.max()
    assert years[RIGHT].abs().max() < 0.2 * years.max()


def test_a_lesion_shows_where_it_lies_in_the_scan_not_in_the_template(mean_maps, target):
    fields = torch.zeros(1, 3, *LEVELS[-1].shape)
    fields[:, 1] = 4.0  # voxels of 3.8 mm: the scan lies 15 mm further back
    shifted = (LEFT[0], slice(LEFT[1].start + 6, LEFT[1].stop + 6), LEFT[2])
    images = torch.zeros_like(target)
    images[:, 6:] = target[:, :-6]
    images = with_lesion(images, shifted)
    member = Member(MoreFluidIsOlder(), fluid_regional_model(target), SliceModel())

    years = saliency_map([member], scan_of(images, fields), 0.0, mean_maps)

    lesion = torch.zeros_like(years)
    lesion[shifted] = 1.0
    axes = [torch.arange(n, dtype=torch.float32) for n in years.shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    found, wanted = (
        (grid * weight).sum((1, 2, 3)) / weight.sum() for weight in (years.clamp(min=0), lesion)
    )
    assert found.tolist() == pytest.approx(wanted.tolist(), abs=2.5)
    assert found[1] > (LEFT[1].start + LEFT[1].stop) / 2 + 3


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
