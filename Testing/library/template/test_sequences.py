"""Slices of another sequence are shown as those of a T1, at the same places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.template import harmonisation
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.sequences import (
    READ,
    WEIGHTS,
    SequenceNetwork,
    brightness,
    network_of,
    sequence_network,
    sha256_of_network,
)
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.phantoms import template_brain, thick_slices_of

# What fluid, grey and white matter of the template, with 60, 180 and 235, become.
T1_VALUES = (0.0, 60.0, 180.0, 235.0, 255.0)
SHOWN_AS = {
    "T2w": (330.0, 330.0, 135.0, 100.0, 95.0),
    "FLAIR": (25.0, 25.0, 118.0, 100.0, 98.0),
    "T1w after contrast": (30.0, 30.0, 74.0, 100.0, 105.0),
}


@pytest.fixture(scope="module")
def t1():
    """Return a thick-slice T1 scan of the template's brain, in its place."""
    scan = thick_slices_of(template_brain(), Protocol(tilt_degrees=(6.0, -4.0, 3.0)))
    return PlacedScan(scan, scan.voxels > 25, Registration(np.eye(4), 1.0))


def shown_as(placed, sequence, gain=1.0):
    """Return the same scan in another sequence's order of brightness."""
    other = gain * np.interp(placed.volume.voxels, T1_VALUES, SHOWN_AS[sequence])
    voxels = np.where(placed.mask, other, 0.0).astype(np.float32)
    return PlacedScan(placed.volume.with_voxels(voxels), placed.mask, placed.registration)


@pytest.mark.parametrize("sequence", READ)
def test_another_sequence_comes_near_to_the_t1_of_the_same_brain(t1, template, sequence):
    wanted = maps_of_scan(t1.slices(template, "cpu")).volume
    other = shown_as(t1, sequence)
    read = maps_of_scan(other.slices(template, "cpu", sequence)).volume
    as_a_t1 = maps_of_scan(other.slices(template, "cpu")).volume
    brain = wanted.images > 0.05

    off = float((read.images - wanted.images)[brain].abs().mean())
    assert off < 0.13
    if sequence != "T1w after contrast":
        assert off < 0.6 * float((as_a_t1.images - wanted.images)[brain].abs().mean())


def test_slices_lie_where_those_of_a_t1_lie_and_are_not_harmonised_twice(t1, template):
    slices = shown_as(t1, "T2w").slices(template, "cpu", "T2w")
    maps = maps_of_scan(slices)

    assert torch.equal(slices.planes, t1.slices(template, "cpu").planes)
    assert slices.is_harmonised
    assert torch.equal(maps.volume.images, maps.acquired.images)


def test_the_unit_of_brightness_does_not_matter(t1, template):
    one, other = (shown_as(t1, "FLAIR", g).slices(template, "cpu", "FLAIR") for g in (1.0, 40.0))

    assert torch.allclose(one.images, other.images, atol=1e-3)


def test_white_matter_is_one_and_the_field_is_gone(maps):
    shape = (2, 40, 40)
    points = torch.stack(
        torch.meshgrid(*(torch.linspace(-60, 60, n) for n in shape), indexing="ij")[::-1], -1
    )
    is_white = torch.zeros(shape, dtype=torch.bool)
    is_white[:, :, 20:] = True
    template = torch.stack([is_white.float() * 0, (~is_white).float(), is_white.float()])
    field = torch.exp(0.004 * points[..., 1])
    scan = torch.where(is_white, 100.0, 140.0) * field

    shown = brightness(scan, torch.ones(shape), points, template)

    assert torch.allclose(shown[is_white], torch.ones(1), atol=0.05)
    assert torch.allclose(shown[~is_white], torch.full((1,), 1.4), atol=0.07)


def test_without_tissue_the_median_is_one():
    nothing = torch.zeros(3, 1, 8, 8)
    scan = torch.full((1, 8, 8), 30.0)

    assert (
        float(brightness(scan, torch.ones(1, 8, 8), torch.zeros(1, 8, 8, 3), nothing)[0, 0, 0]) == 1
    )
    empty = torch.zeros(1, 8, 8)
    assert not brightness(empty, empty, torch.zeros(1, 8, 8, 3), nothing).any()


def test_an_untaught_network_turns_t2_around_and_leaves_others():
    shown = torch.full((2, 76, 60), 1.35)
    is_brain = torch.ones(2, 76, 60)
    levels = SequenceNetwork()(shown, is_brain, torch.zeros(2, 3, 76, 60), torch.tensor([0, 1]))

    assert torch.allclose(levels[0], torch.tensor(1.75 - 0.75 * 1.35))
    assert torch.allclose(levels[1], torch.tensor(1.3))


def test_a_missing_network_is_an_error_of_the_installation(tmp_path, monkeypatch):
    monkeypatch.setattr(harmonisation, "template_folder", lambda: tmp_path)
    sequence_network.cache_clear()
    with pytest.raises(InstallationError, match=r"t2w_flair\.safetensors"):
        sequence_network("cpu", "t2w_flair")


def test_a_t1_after_agent_has_a_network_of_its_own():
    names = {"T2w": "t2w_flair", "FLAIR": "t2w_flair", "T1w after contrast": "enhanced"}
    of_t2w, enhanced = (sequence_network("cpu", name).state_dict() for name in WEIGHTS)

    assert {sequence: network_of(sequence) for sequence in READ} == names
    assert any(not torch.equal(value, of_t2w[key]) for key, value in enhanced.items())
    assert {sequence: sha256_of_network(sequence) for sequence in READ} == {
        sequence: WEIGHTS[name][1] for sequence, name in names.items()
    }
