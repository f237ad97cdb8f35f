"""The raw age is a mean over members of what their models say, blended."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.model.brain_maps import network_features, network_maps, regional_features
from BrainAgeLib.model.calibration import AgeCurve, TightCurve
from BrainAgeLib.model.card import Blend
from BrainAgeLib.model.ensemble import predict_age
from BrainAgeLib.model.weights import KINDS
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.simulate import as_slices
from Testing.library.model_folders import BLEND, blend_of, small_member
from Testing.library.stored_scans import stored_scan


@pytest.fixture(scope="module")
def members():
    """Return two untrained members."""
    return [small_member(1), small_member(2)]


def chosen(slices, numbers):
    """Return some of the slices, in this order."""
    parts = (slices.images, slices.template, slices.planes)
    return SliceSet(*(part[numbers] for part in parts))


def test_both_sorts_of_maps_are_read_in_a_whole_brain(noise_maps):
    assert noise_maps.features(regional_features).shape[:2] == (1, 8)
    assert torch.equal(noise_maps.features(network_features)[0], network_maps(noise_maps.volume))


@pytest.mark.parametrize(
    "numbers",
    [range(7, 8), range(5, 15), [*range(8), *range(12, 21)]],  # the last has a hole in the middle
)
def test_slices_that_do_not_are_for_the_slice_models_alone(noise_slices, members, numbers):
    few = chosen(noise_slices, list(numbers))
    maps = maps_of_scan(few)

    raw = predict_age(members, maps, BLEND)

    assert not maps.covers_brain
    assert not raw.covers_brain
    expected = tuple(member["slices"].age_years(maps) for member in members)
    assert raw.members_years == expected
    assert len(set(expected)) == 2


def test_the_order_of_the_slices_does_not_matter(noise_slices, noise_maps, members):
    order = torch.randperm(len(noise_slices), generator=torch.Generator().manual_seed(1))

    shuffled = maps_of_scan(chosen(noise_slices, order))

    # Threads share the slices out, and where one is cut in two it is rounded another way.
    for make in (network_features, regional_features):
        assert torch.allclose(shuffled.features(make), noise_maps.features(make), atol=1e-4)


def test_the_slices_themselves_matter(noise_maps, members):
    other = maps_of_scan(as_slices(stored_scan(21, seed=1), "cpu"))

    ages = [predict_age(members, seen, BLEND).age_years for seen in (noise_maps, other)]

    assert abs(ages[0] - ages[1]) > 1e-4


@pytest.mark.parametrize("fraction", [0.0, 0.4, 1.0])
def test_a_members_age_is_the_blend_of_its_models(noise_maps, members, fraction):
    raw = predict_age(members, noise_maps, blend_of(fraction))

    expected = [
        fraction * member["network"].age_years(noise_maps)
        + (1 - fraction) * member["regional"].age_years(noise_maps)
        for member in members
    ]
    assert raw.covers_brain
    assert raw.members_years == pytest.approx(expected)


CURVE = AgeCurve((40.0, 60.0), (35.0, 65.0))
CURVED = replace(BLEND, curve=CURVE)


@pytest.mark.parametrize(("blend", "age_years"), [(BLEND, 56.0), (CURVED, 59.0)])
def test_a_raw_age_is_the_blend_and_what_a_curve_makes_of_it(blend, age_years):
    assert blend.raw_age({"network": 50.0, "regional": 60.0}, True) == pytest.approx(age_years)


@pytest.mark.parametrize("blend", [BLEND, CURVED], ids=["straight", "curved"])
def test_the_age_of_part_of_a_brain_is_never_bent(blend, noise_slices, members):
    assert blend.raw_age({"slices": 44.0}, False) == 44.0

    part = maps_of_scan(chosen(noise_slices, list(range(5, 15))))
    assert predict_age(members, part, blend) == predict_age(members, part, BLEND)


def test_every_members_age_is_bent_alike(noise_maps, members):
    straight, curved = (predict_age(members, noise_maps, blend) for blend in (BLEND, CURVED))

    assert curved.members_years == pytest.approx([CURVE(age) for age in straight.members_years])
    assert curved.age_years == pytest.approx(np.mean(curved.members_years))
    assert abs(curved.age_years - straight.age_years) > 1e-3


def test_kinds_that_a_blend_does_not_name_are_not_asked(noise_maps, members):
    alone = [{"regional": member["regional"]} for member in members]
    blend = Blend({"regional": 1.0}, {"slices": 1.0})

    assert predict_age(alone, noise_maps, blend) == predict_age(members, noise_maps, blend)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_trained(kind):
    """Training finds a kind by its name."""
    assert callable(importlib.import_module(f"BrainAgeLib.training.{kind}").fit)


def test_the_age_is_the_mean_of_the_members(noise_maps, members):
    both = predict_age(members, noise_maps, BLEND)
    alone = [predict_age([member], noise_maps, BLEND).age_years for member in members]

    assert both.members_years == pytest.approx(tuple(alone))
    assert both.age_years == pytest.approx(np.mean(alone))
    assert alone[0] != alone[1]


def test_the_same_slices_give_the_same_bits(noise_slices, noise_maps, members):
    again = maps_of_scan(noise_slices)

    assert torch.equal(again.features(regional_features), noise_maps.features(regional_features))
    assert predict_age(members, again, BLEND) == predict_age(members, noise_maps, BLEND)


def test_a_brain_of_which_much_was_filled_in_has_the_curve_of_tight_strips(noise_maps, members):
    half = replace(noise_maps.acquired, images=noise_maps.acquired.images.clone())
    half.images[:, :, ::2] = 0.0
    stripped = replace(noise_maps, acquired=half)
    assert noise_maps.filled_in < 0.1 < 0.3 < stripped.filled_in
    shifted = AgeCurve((0.0, 100.0), (-7.0, 93.0))
    straight = AgeCurve((0.0, 100.0), (0.0, 100.0))
    blend = replace(BLEND, curve=straight, tight=TightCurve(shifted, 0.1, 0.3))

    loose, tight = (predict_age(members, maps, blend) for maps in (noise_maps, stripped))

    assert loose.members_years == pytest.approx(
        predict_age(members, noise_maps, BLEND).members_years
    )
    assert tight.members_years == pytest.approx([age - 7.0 for age in loose.members_years])


def test_a_scan_that_shows_nothing_has_nothing_filled_in(noise_maps):
    empty = replace(noise_maps.volume, images=torch.zeros_like(noise_maps.volume.images))

    assert replace(noise_maps, volume=empty).filled_in == 0.0
