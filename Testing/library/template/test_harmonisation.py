"""What the models see does not depend on contrast, shading and strip as much as the scan does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.template import harmonisation
from BrainAgeLib.template.grid import (
    GRID_HEIGHT,
    GRID_WIDTH,
    grid_heights_mm,
    grid_points_mm,
    plane_points_mm,
    planes_through,
)
from BrainAgeLib.template.harmonisation import (
    REACH_PIXELS,
    HarmonisingNetwork,
    harmonised,
    harmonising_network,
)
from BrainAgeLib.template.scan_maps import volume_of_slices
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.appearance import EVALUATION, HARMONISATION, TRAINING
from BrainAgeLib.training.simulate import Simulator, as_slices
from BrainAgeLib.training.strips import LOOSE, TIGHT
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.phantoms import template_brain

ROUTINE = Protocol()


@pytest.fixture(scope="module")
def simulator(maps):
    """Return a simulator of the template's brain."""
    return Simulator(template_brain(), np.eye(4), maps)


def test_a_new_network_changes_nothing():
    images, template = torch.rand(2, GRID_HEIGHT, GRID_WIDTH), torch.rand(2, 3, 76, 60)

    assert torch.equal(HarmonisingNetwork()(images, template), images)


def test_points_lie_in_their_planes():
    points = grid_points_mm(grid_heights_mm(torch.zeros(1))[[5, 20]])

    assert torch.allclose(plane_points_mm(planes_through(points)), points, atol=1e-3)


@pytest.mark.parametrize("appearance", [TRAINING, HARMONISATION])
@pytest.mark.parametrize("strip", [LOOSE, TIGHT])
def test_slices_become_what_they_were_made_of(simulator, appearance, strip):
    off, left = [], []
    for seed in range(4):
        slices, wanted, _ = simulator.pair(ROUTINE, appearance, [seed], strip, False)
        near = (wanted > 0.05) | (slices.images > 0.05)
        off.append(float((slices.images - wanted)[near].abs().mean()))
        left.append(float((harmonised(slices).images - wanted)[near].abs().mean()))

    assert np.mean(left) < 0.75 * np.mean(off)


def test_a_tight_and_a_loose_strip_come_nearer(simulator):
    loose, tight = (
        as_slices(simulator.simulate(ROUTINE, EVALUATION, [7], strip), "cpu")
        for strip in (LOOSE, TIGHT)
    )
    both = [volume_of_slices(one).images for one in (loose, tight)]
    shown = [volume_of_slices(harmonised(one)).images for one in (loose, tight)]
    brain = (both[0] > 0.05) & volume_of_slices(tight).seen

    apart, left = ((a - b)[brain].abs().mean() for a, b in (both, shown))
    assert left < 0.6 * apart


def test_planes_and_template_stay_and_levels_have_their_range(simulator):
    slices = as_slices(simulator.simulate(ROUTINE, TRAINING, [3]), "cpu")
    shown = harmonised(slices)

    assert torch.equal(shown.planes, slices.planes)
    assert torch.equal(shown.template, slices.template)
    assert float(shown.images.min()) >= 0.0
    assert float(shown.images.max()) <= 1.5
    one = harmonised(SliceSet(slices.images[4:5], slices.template[4:5], slices.planes[4:5]))
    assert torch.allclose(one.images[0], shown.images[4], atol=1e-4)


def test_where_nothing_was_acquired_around_nothing_is_shown(simulator):
    slices = as_slices(simulator.simulate(ROUTINE, EVALUATION, [5]), "cpu")
    images = slices.images.clone()
    images[:, :, 35:] = 0.0
    shown = harmonised(SliceSet(images, slices.template, slices.planes)).images

    assert not shown[:, :, 35 + REACH_PIXELS :].any()
    assert float((shown[:, :, :30] - slices.images[:, :, :30]).abs().mean()) < 0.1


@pytest.mark.parametrize("content", [None, b"something else"])
def test_a_missing_or_other_network_is_an_error_of_the_installation(tmp_path, monkeypatch, content):
    if content is not None:
        (tmp_path / harmonisation.WEIGHTS_NAME).write_bytes(content)
    monkeypatch.setattr(harmonisation, "template_folder", lambda: tmp_path)
    harmonising_network.cache_clear()
    with pytest.raises(InstallationError, match=r"harmonisation\.safetensors"):
        harmonising_network("cpu")
