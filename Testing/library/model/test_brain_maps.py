"""Levels become tissues, and one cell of the regional maps is one place in every brain."""

from __future__ import annotations

import math

import pytest
import torch

from BrainAgeLib.model.brain_maps import (
    CHANNELS,
    GROUPS,
    network_maps,
    region_cells,
    regional_maps,
    sided_maps,
    tissue_shares,
)
from BrainAgeLib.template.alignment import aligned
from BrainAgeLib.template.scan_maps import TemplateVolume, aligned_volumes


def unmoved(images):
    """Return brains that lie where the template has them."""
    return aligned(images, torch.zeros(len(images), 3, 5, 6, 7))


@pytest.mark.parametrize(
    ("level", "shares"),
    [
        (0.0, (1.0, 0.0, 0.0)),
        (0.2, (1.0, 0.0, 0.0)),
        (0.35, (0.5, 0.5, 0.0)),
        (0.5, (0.0, 1.0, 0.0)),
        (0.7, (0.0, 1.0, 0.0)),
        (0.78, (0.0, 1.0, 0.0)),
        (0.86, (0.0, 0.5, 0.5)),
        (0.94, (0.0, 0.0, 1.0)),
        (1.5, (0.0, 0.0, 1.0)),
    ],
)
def test_a_level_is_a_share_of_each_tissue(level, shares):
    found = tissue_shares(torch.full((2, 3, 4), level))

    assert found.shape == (3, 2, 3, 4)
    assert found[:, 1, 1, 1].tolist() == pytest.approx(shares, abs=1e-5)


def test_the_networks_maps_are_means_over_pixels_and_know_what_was_seen():
    images, seen = torch.full((8, 40, 40), 0.7), torch.ones(8, 40, 40, dtype=torch.bool)
    images[2, 20:22, 20:22] = torch.tensor([[0.1, 0.1], [0.7, 1.0]])
    images[6:], seen[6:] = 0.0, False

    maps = network_maps(TemplateVolume(images, seen))

    assert maps.shape == (4, 8, 20, 20)
    assert maps[:, 2, 10, 10].tolist() == pytest.approx([0.5, 0.25, 0.25, 1.0])
    assert maps[:, 2, 10, 12].tolist() == pytest.approx([0.0, 1.0, 0.0, 1.0])
    assert not maps[:, 6:].any()


def maps_of_whole(images):
    """Return the network's maps of a volume of which all was seen."""
    return network_maps(TemplateVolume(images, torch.ones_like(images, dtype=torch.bool)))


def test_fluid_counts_inside_of_the_brain_alone(target):
    fluid, *_, seen = maps_of_whole(target)

    assert (seen == 1).all()
    corners = torch.stack([fluid[:, y, x] for y in (0, 37) for x in (0, 29)])
    assert not corners.any()
    assert float(fluid[16:20, 15:25, 12:18].max()) > 0.9  # its ventricles


def test_fluid_counts_whether_a_strip_left_it_or_not(target):
    left = maps_of_whole(target)
    cut = maps_of_whole(torch.where(target < 0.2, torch.zeros(()), target))

    assert torch.equal(left, cut)


def test_the_region_is_half_of_the_brain_from_the_side_to_the_midline(target):
    cells = region_cells("cpu")

    assert cells.shape == (37, 38, 15)
    assert cells[18, :, -1].sum() > 20  # beside the midline nearly everything is brain
    assert cells[18, :, 0].sum() < 20
    assert 9_000 < int(cells.sum()) < 14_000


def test_an_undeformed_brain_is_not_stretched(target):
    maps = regional_maps(unmoved(target[None]))

    assert maps.shape == (1, CHANNELS, int(region_cells("cpu").sum()))
    volume, tissue, stretched, shown = (maps[0, group] for group in GROUPS)
    assert torch.equal(volume, tissue)
    assert not stretched.any()
    assert torch.allclose(tissue.sum(0), torch.ones_like(shown[0]), atol=1e-5)
    assert 0.3 < shown.mean() < 0.9


def test_left_and_right_are_averaged(target):
    images = torch.stack([target, target.flip(-1)])
    images[:, 15:22, 30:44, 38:50] *= 0.3  # index 0: a dark place on the left

    sides = sided_maps(unmoved(images))
    maps = regional_maps(unmoved(images))

    assert torch.equal(maps, sides.mean(0))
    mirrored = sided_maps(unmoved(images.flip(-1)))
    assert torch.allclose(mirrored, sides.flip(0), atol=1e-5)
    # The half with low x comes first; what is dark lies in the other one.
    assert (sides[0, 0] - sides[1, 0]).abs().max() > 0.2
    assert sides[1, 0, 7].sum() < sides[0, 0, 7].sum()


def maps_of_wider(target, above):
    """Return the maps of grey matter that is 1.1 times as wide above some height."""
    field = torch.zeros(1, 3, 25, 50, 40)
    field[0, 2, above:] = 0.1 * (torch.arange(40, dtype=torch.float32) - 19.5)
    return regional_maps(aligned(torch.full_like(target, 0.7)[None], field))[0]


def test_a_stretched_place_has_more_volume_of_the_same_tissue(target):
    heights = torch.nonzero(region_cells("cpu"))[:, 0]
    low, high = heights < 15, heights > 22

    maps = maps_of_wider(target, above=13)

    apart = maps[6, high].median() - maps[6, low].median()
    assert apart == pytest.approx(math.log(1.1), abs=1e-3)
    assert maps[1, high].median() / maps[1, low].median() == pytest.approx(1.1, abs=1e-3)
    assert maps[4].median() == pytest.approx(1.0, abs=1e-3)
    assert maps[7].median() == pytest.approx(0.7, abs=1e-3)


def test_how_large_the_whole_brain_is_does_not_count(target):
    maps = maps_of_wider(target, above=0)

    assert maps[6].median() == pytest.approx(0.0, abs=1e-3)
    assert maps[1].median() == pytest.approx(1.0, abs=1e-3)


def test_brightness_is_not_shown_beyond_its_limit(target):
    bright = torch.full_like(target, 5.0)[None]

    assert regional_maps(unmoved(bright))[0, 7].max() == pytest.approx(1.3)


def test_alignment_makes_brains_more_alike(target):
    wider = torch.nn.functional.interpolate(target[None, None], (37, 76, 66), mode="trilinear")
    wider = wider[0, 0, :, :, 3:63]
    volume = TemplateVolume(wider, torch.ones_like(wider, dtype=torch.bool))

    both = aligned_volumes([volume, volume])

    own = regional_maps(unmoved(target[None]))[0, 3:6]
    before = regional_maps(unmoved(wider[None]))[0, 3:6]
    after = regional_maps(both)
    assert (after[0, 3:6] - own).abs().mean() < 0.6 * (before - own).abs().mean()
    assert torch.allclose(after[0, 3:6], after[1, 3:6], atol=1e-3)
    assert torch.equal(regional_maps(both.of_scan(1))[0], after[1])
    assert abs(after[0, 6].mean()) < 0.01  # though the template is 10 % narrower
