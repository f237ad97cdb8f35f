"""Alignment finds small smooth deformations again, and nothing where there is nothing."""

from __future__ import annotations

import math

import pytest
import torch

from BrainAgeLib.template.alignment import (
    LEVELS,
    align_to_template,
    log_jacobian,
    resize_displacement,
    warp,
)
from BrainAgeLib.template.grid import SPACING_MM, smooth
from BrainAgeLib.template.target import template_target

BUMP_CENTER = (20.0, 36.0, 30.0)  # voxels, z, y, x: in the middle of the brain
BUMP_SIGMA_MM = 18.0


@pytest.fixture(scope="module")
def target():
    """Return the template."""
    return template_target("cpu")


def bump(shape, mm):
    """Return a displacement (1, 3, z, y, x) in voxels: a soft push of so many mm along z, y, x."""
    axes = [torch.arange(n, dtype=torch.float32) for n in shape]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    spacing = torch.tensor(SPACING_MM).view(3, 1, 1, 1)
    away_mm = (places - torch.tensor(BUMP_CENTER).view(3, 1, 1, 1)) * spacing
    size = torch.exp(-0.5 * away_mm.square().sum(0) / BUMP_SIGMA_MM**2)
    return (torch.tensor(mm).view(3, 1, 1, 1) / spacing * size)[None]


def moved_brain(target, mm):
    """Return a brain (1, z, y, x) that is the template looked up at pushed places."""
    return warp(target[None, None], bump(target.shape, mm))[:, 0]


def everything(volumes):
    """Say that all of the volumes was seen."""
    return torch.ones_like(volumes, dtype=torch.bool)


def test_the_template_stays_where_it_is(target):
    field = align_to_template(target, target[None], everything(target[None]))

    assert field.shape == (1, 3, *LEVELS[-1].shape)
    assert field.abs().max() < 1e-3


@pytest.mark.parametrize("mm", [(6.0, 0.0, 0.0), (0.0, -7.0, 0.0), (3.0, 4.0, 4.0)])
def test_a_known_deformation_is_found_again(target, mm):
    pushed = bump(target.shape, mm)
    moving = moved_brain(target, mm)

    found = align_to_template(target, moving, everything(moving))

    # Back and forth must cancel: found(p) + pushed(p + found(p)) = 0.
    found = resize_displacement(found, target.shape)
    spacing = torch.tensor(SPACING_MM).view(1, 3, 1, 1, 1)
    inside = (target > 0.2) & (pushed[0] * spacing[0]).square().sum(0).sqrt().gt(2.0)
    left_mm = ((found + warp(pushed, found)) * spacing).square().sum(1).sqrt()[0][inside]
    pushed_mm = (pushed * spacing).square().sum(1).sqrt()[0][inside]
    assert left_mm.mean() < 0.4 * pushed_mm.mean()
    # Looked up twice, the brain is blurred: blurred ones are compared.
    both = (warp(moving[:, None], found)[0, 0], moving[0])
    aligned, before = (smooth(one - target, [1.0, 2.0, 2.0])[inside] for one in both)
    assert aligned.abs().mean() < 0.5 * before.abs().mean()


def test_places_that_were_not_seen_pull_at_nothing(target):
    moving = moved_brain(target, (0.0, 6.0, 0.0))

    assert not align_to_template(target, moving, ~everything(moving)).any()


def test_what_is_found_can_be_undone(target):
    moving = moved_brain(target, (5.0, 5.0, -5.0))

    found = align_to_template(target, moving, everything(moving))

    assert log_jacobian(found).min() > math.log(0.2)


def test_the_same_volumes_give_the_same_bits(target):
    moving = moved_brain(target, (0.0, 6.0, 0.0))

    one, other = (align_to_template(target, moving, everything(moving)) for _ in range(2))

    assert torch.equal(one, other)


def test_several_at_once_are_what_each_is_alone(target):
    moving = torch.cat([moved_brain(target, mm) for mm in ((0.0, 6.0, 0.0), (4.0, 0.0, 3.0))])
    seen = everything(moving)
    seen[1, :8] = False

    together = align_to_template(target, moving, seen)

    for number in range(2):
        own = slice(number, number + 1)
        alone = align_to_template(target, moving[own], seen[own])
        assert torch.allclose(together[own], alone, atol=1e-3)
    assert (together[0] - together[1]).abs().max() > 0.1


@pytest.mark.parametrize("factors", [(1.2, 1.0, 1.0), (1.1, 0.9, 1.05)])
def test_the_change_of_volume_of_a_known_scaling(factors):
    axes = [torch.arange(n, dtype=torch.float32) - n / 2 for n in (9, 12, 10)]
    places = torch.meshgrid(*axes, indexing="ij")
    field = torch.stack([(f - 1) * place for f, place in zip(factors, places, strict=True)])[None]

    found = log_jacobian(field)[0, 1:-1, 1:-1, 1:-1]

    assert torch.allclose(found, torch.full_like(found, math.log(math.prod(factors))), atol=1e-4)


def test_turning_changes_no_volume():
    axes = [torch.arange(n, dtype=torch.float32) - n / 2 for n in (6, 10, 10)]
    _, y, x = torch.meshgrid(*axes, indexing="ij")
    cos, sin = math.cos(0.3), math.sin(0.3)
    turn = torch.stack([x * 0, cos * y - sin * x - y, sin * y + cos * x - x])[None]

    assert log_jacobian(turn)[0, 1:-1, 1:-1, 1:-1].abs().max() < 1e-5


@pytest.mark.parametrize("shift", [(1, 0, 0), (0, 2, 0), (0, 0, 3)])
def test_a_warp_looks_things_up_elsewhere(shift):
    volume = torch.rand(1, 1, 6, 8, 10, generator=torch.Generator().manual_seed(1))
    field = torch.tensor(shift, dtype=torch.float32).view(1, 3, 1, 1, 1).expand(1, 3, 6, 8, 10)

    found = warp(volume, field)

    z, y, x = shift
    inner = found[0, 0, : 6 - z, : 8 - y, : 10 - x]
    assert torch.allclose(inner, volume[0, 0, z:, y:, x:], atol=1e-5)


def test_a_displacement_on_a_finer_grid_is_the_same_in_mm():
    field = torch.ones(1, 3, 5, 5, 5)

    finer = resize_displacement(field, (9, 13, 17))

    assert finer.shape == (1, 3, 9, 13, 17)
    # 4 steps of a voxel become 8, 12 and 16.
    assert finer[0, :, 4, 4, 4].tolist() == pytest.approx([2.0, 3.0, 4.0])
