"""The saliency map shows a lesion where it lies: its place, its side, its sign."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.brain_maps import alignments
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.template.alignment import LEVELS
from BrainAgeLib.template.volume import TemplateVolume
from Testing.library.model.made_brains import (
    LEFT,
    RIGHT,
    fluid_member,
    maps_of_mean,
    scan_of,
    with_lesion,
)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_fluid_than_the_mean_brain_is_older_and_less_is_younger(target, share, sign):
    brains = (target, with_lesion(target))
    mean, scan = brains if sign > 0 else brains[::-1]
    member = fluid_member(mean)

    years = sign * saliency_map([member], scan_of(scan), share, maps_of_mean(mean))

    assert years[LEFT].max() > 0
    if share > 0:
        assert years.min() > -0.05 * years.max()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("where", "elsewhere"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_lesion_shows_on_its_own_side(mean_maps, target, share, where, elsewhere):
    member = fluid_member(target)
    maps = scan_of(with_lesion(target, where))

    years = saliency_map([member], maps, share, mean_maps)

    assert years[where].max() == pytest.approx(float(years.max()))
    assert years[elsewhere].abs().max() < 0.05 * years.max()


def test_a_lesion_of_an_aligned_brain_shows_on_its_own_side(mean_maps, target):
    images = with_lesion(target)
    volume = TemplateVolume(images, torch.ones_like(images, dtype=torch.bool))
    member = fluid_member(target)

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
    member = fluid_member(target)

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
