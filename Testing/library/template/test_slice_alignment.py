"""Slices of another place and scale come to lie on the template in their planes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from BrainAgeLib.template import slice_alignment
from BrainAgeLib.template.grid import GRID_SPACING_MM, plane_points_mm
from BrainAgeLib.template.slice_alignment import (
    MOST_MOVED_MM,
    NEAR_MM,
    aligned_slices,
    placed_by,
    placing,
    template_planes,
)
from BrainAgeLib.template.target import template_target
from Testing.library.model.made_brains import slices_at, template_slices

HEIGHTS_MM = [-20.0, 0.0, 16.0, 40.0]
# x and y in mm of what lies inside of each of these slices
PLACES = torch.tensor([[30.0, 10.0], [-30.0, 10.0], [0.0, 45.0], [0.0, -35.0], [0.0, 0.0]])
STAYS = torch.eye(2, 3)[None]


def at(matrices):
    """Return where matrices look these places up (slice, place, 2)."""
    return torch.einsum("sij,pj->spi", matrices[:, :, :2], PLACES) + matrices[:, None, :, 2]


def test_planes_of_the_template_are_those_of_its_volume():
    target = template_target("cpu")

    level = template_planes(torch.tensor([[-66.0 + 4 * 20, 0.0, 0.0], [16.0, 0.0, 0.0]]))
    tilted = template_planes(torch.tensor([[16.0, 0.1, -0.2]]))[0]

    assert torch.allclose(level[0], target[20], atol=1e-4)
    assert torch.allclose(level[1], 0.5 * (target[20] + target[21]), atol=1e-4)
    height = plane_points_mm(torch.tensor([[16.0, 0.1, -0.2]]))[0, 30, 20, 2]
    below = int((height + 66.0) // 4)
    share = float((height + 66.0) / 4 - below)
    expected = torch.lerp(target[below, 30, 20], target[below + 1, 30, 20], share)
    assert float(tilted[30, 20]) == pytest.approx(float(expected), abs=1e-4)


def test_images_are_looked_up_where_matrices_say():
    images = torch.zeros(1, 1, 76, 60)
    images[0, 0, 40, 33] = 1.0
    # A pixel at x + 2, y - 3 of the picture's, in mm.
    moved = torch.tensor([[[1.0, 0.0, 2 * GRID_SPACING_MM], [0.0, 1.0, -3 * GRID_SPACING_MM]]])

    found = placed_by(images, moved)

    assert torch.nonzero(found[0, 0] > 0.99).tolist() == [[43, 31]]
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    "matrix",
    [
        [[1.0, 0.0, 6.0], [0.0, 1.0, -5.0]],
        [[1.08, 0.0, 0.0], [0.0, 0.92, 0.0]],
        [[0.998, 0.07, 0.0], [-0.07, 0.998, 0.0]],
        [[1.05, 0.04, -4.0], [-0.06, 1.06, 4.0]],
    ],
)
def test_a_slice_elsewhere_is_found(matrix):
    slices = template_slices(HEIGHTS_MM)
    known = torch.tensor([matrix]).expand(len(HEIGHTS_MM), -1, -1)
    elsewhere = placed_by(slices.images[:, None], known)[:, 0]

    found = placing(slices.images, elsewhere)

    # Back and forth must cancel: what is found of a place, looked up as known, is that place.
    there = at(found)
    back = torch.einsum("sij,spj->spi", known[:, :, :2], there) + known[:, None, :, 2]
    moved_mm = (at(known) - PLACES).norm(dim=-1).mean()
    assert (back - PLACES).norm(dim=-1).mean() < 0.15 * moved_mm


def test_the_template_stays_where_it_is():
    slices = template_slices(HEIGHTS_MM)

    found = aligned_slices(slices, slices)

    assert (at(found.matrices) - PLACES).abs().max() < 0.05
    assert found.deformed.log_stretch.abs().max() < 0.02
    assert (found.placed - slices.images).abs().max() < 0.02


def test_what_is_moved_is_the_slice_as_acquired():
    shown = template_slices([16.0])
    acquired = replace(shown, images=shown.images * 0.5)

    found = aligned_slices(acquired, shown)

    assert (found.placed - acquired.images).abs().max() < 0.02
    assert (found.deformed.levels[:, 0] - acquired.images).abs().max() < 0.02


def test_a_pushed_place_shows_as_stretched():
    slices = template_slices([16.0])
    y, x = torch.meshgrid(torch.arange(76.0), torch.arange(60.0), indexing="ij")
    away = torch.stack([x - 30.0, y - 36.0])
    size = torch.exp(-0.5 * away.square().sum(0) / 6.0**2)
    # Places about the ventricles are drawn apart: what was there has become larger.
    places = torch.stack([x, y]) - 0.3 * size * away
    grid = (2 * places + 1) / torch.tensor([60.0, 76.0]).view(2, 1, 1) - 1
    images = torch.nn.functional.grid_sample(
        slices.images[None], grid.permute(1, 2, 0)[None], align_corners=False
    )[0]

    found = aligned_slices(replace(slices, images=images), replace(slices, images=images))

    # What is at these places is spread over all that they are stretched to.
    spot = torch.zeros(76, 60)
    spot[34:39, 28:33] = 1.0
    assert float(found.in_scan(0, spot * 0, spot).sum()) == pytest.approx(25.0, rel=0.1)
    stretch = found.deformed.log_stretch[0, 0]
    assert stretch[33:40, 26:35].mean() > 0.15
    assert stretch[60:70, 20:40].mean().abs() < 0.1


def test_an_image_without_a_brain_stays_where_it_is():
    target = template_slices([16.0]).images

    assert torch.equal(placing(target, torch.zeros_like(target)), STAYS)


def test_what_would_be_moved_too_far_stays(monkeypatch):
    slices = template_slices([16.0])
    known = torch.tensor([[[1.0, 0.0, 12.0], [0.0, 1.0, 0.0]]])
    elsewhere = placed_by(slices.images[:, None], known)[:, 0]
    assert (at(placing(slices.images, elsewhere)) - PLACES).norm(dim=-1).max() > 10.0

    monkeypatch.setattr(slice_alignment, "MOST_MOVED_MM", 10.0)

    assert torch.equal(placing(slices.images, elsewhere), STAYS)
    assert MOST_MOVED_MM > 12.0


def test_a_slice_far_off_is_shown_once_more_where_it_was_moved_to(monkeypatch):
    slices = template_slices([0.0, 16.0])
    known = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], [[1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]])
    elsewhere = replace(slices, images=placed_by(slices.images[:, None], known)[:, 0])
    asked = []

    def harmonised(moved):
        asked.append(moved)
        return replace(moved, images=template_planes(moved.planes))

    monkeypatch.setattr(slice_alignment, "harmonised", harmonised)
    found = aligned_slices(elsewhere, elsewhere)

    (moved,) = asked
    assert moved.planes.tolist() == slices.planes[1:].tolist()
    assert (moved.images - slices.images[1:]).abs().mean() < 0.02
    assert (at(found.matrices)[:, :, 0] - PLACES[:, 0] + known[:, None, 0, 2]).abs().max() < 1.0
    assert known[0, 0, 2] < NEAR_MM < known[1, 0, 2]


def test_moves_that_are_too_far_together_are_not_put_together(monkeypatch):
    slices = template_slices([16.0])
    known = torch.tensor([[[1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]])
    elsewhere = replace(slices, images=placed_by(slices.images[:, None], known)[:, 0])
    farther = placed_by(template_planes(slices.planes)[:, None], known)[:, 0]
    monkeypatch.setattr(slice_alignment, "harmonised", lambda _: replace(slices, images=farther))
    found = [
        placing(slices.images, elsewhere.images),
        aligned_slices(elsewhere, elsewhere).matrices,
    ]
    assert (at(found[1]) - PLACES).norm(dim=-1).max() > 15.0

    monkeypatch.setattr(slice_alignment, "MOST_MOVED_MM", 12.0)

    assert torch.allclose(aligned_slices(elsewhere, elsewhere).matrices, found[0])


def test_no_slice_cannot_be_aligned():
    slices = slices_at([0.0])
    none = replace(slices, images=slices.images[:0], planes=slices.planes[:0])

    with pytest.raises(ValueError, match="no slice"):
        aligned_slices(none, none)


def test_each_slice_is_aligned_as_if_it_was_alone():
    slices = slices_at([0.0, 16.0])
    together = aligned_slices(slices, slices)

    for number in range(2):
        own = replace(
            slices, images=slices.images[number : number + 1], planes=slices.planes[number][None]
        )
        alone = aligned_slices(own, own)
        assert torch.allclose(alone.matrices[0], together.matrices[number], atol=1e-3)
        mine, same = alone.deformed.log_stretch[0], together.deformed.log_stretch[number]
        assert torch.allclose(mine, same, atol=1e-2)


def test_amounts_come_back_to_the_scans_own_places():
    slices = template_slices([16.0])
    known = torch.tensor([[[1.1, 0.0, 6.0], [0.0, 0.95, -4.0]]])
    elsewhere = replace(slices, images=placed_by(slices.images[:, None], known)[:, 0])
    found = aligned_slices(elsewhere, elsewhere)
    spot = torch.zeros(76, 60)
    spot[44:48, 20:24] = 1.0

    for amounts in ((spot, spot * 0), (spot * 0, spot)):
        there = found.in_scan(0, *amounts)

        assert float(there.sum()) == pytest.approx(float(spot.sum()), rel=0.12)
        y, x = (torch.nonzero(there > 0.3).float().mean(0)).tolist()
        # The middle of the spot, 45.5 and 21.5, as known moves it: x' = (x - 6) / 1.1.
        middle = torch.tensor([(21.5 - 29.5) * 2.5, (45.5 - 37.5) * 2.5])
        expected = ((middle - known[0, :, 2]) / known[0].diagonal()) / 2.5
        assert x == pytest.approx(29.5 + float(expected[0]), abs=0.7)
        assert y == pytest.approx(37.5 + float(expected[1]), abs=0.7)
