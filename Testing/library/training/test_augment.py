"""A brain that is changed a little at random is still that brain."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT, SPACING_MM
from BrainAgeLib.template.volume import TemplateVolume
from BrainAgeLib.training.augment import (
    AFFINE,
    SHIFT_MM,
    WARP_MM,
    augmented,
    mirrored_at_random,
)

pytestmark = pytest.mark.usefixtures("settled_chance")

SHAPE = (HEIGHT_COUNT, GRID_HEIGHT, GRID_WIDTH)
MANY = 24


@pytest.fixture(scope="module")
def brains():
    """Return many times the same even ball of 120 mm, wholly seen."""
    axes = [(torch.arange(n) - (n - 1) / 2) * mm for n, mm in zip(SHAPE, SPACING_MM, strict=True)]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    ball = 0.7 * ((z**2 + y**2 + x**2).sqrt() < 60.0).float()
    return TemplateVolume(ball.expand(MANY, *SHAPE), torch.ones(MANY, *SHAPE, dtype=torch.bool))


def middles_mm(images):
    """Return where the middle of each brain lies (brain, 3), along z, y, x."""
    inside = (images > 0.2).float()
    axes = [torch.arange(n) * mm for n, mm in zip(SHAPE, SPACING_MM, strict=True)]
    found = []
    for axis, places in enumerate(axes):
        profile = inside.sum([d for d in (1, 2, 3) if d != axis + 1])
        found.append((profile * places).sum(1) / profile.sum(1))
    return torch.stack(found, 1)


def test_without_strength_nothing_changes(brains):
    assert augmented(brains, 0.0) is brains


def test_brains_are_moved_by_some_millimetres_along_each_axis(brains):
    moved = middles_mm(augmented(brains, 1.0).images) - middles_mm(brains.images)

    expected = (SHIFT_MM**2 + WARP_MM**2 / 10) ** 0.5  # of a warp's mean little is left
    assert moved.std(0).tolist() == pytest.approx([expected] * 3, rel=0.5)
    assert moved.abs().max() < 5 * expected


def test_brains_are_stretched_by_some_per_cent(brains):
    sizes = (augmented(brains, 1.0).images > 0.35).sum((1, 2, 3)) / float(
        (brains.images[0] > 0).sum()
    )

    assert float(sizes.std()) == pytest.approx(AFFINE * 3**0.5, rel=0.5)
    assert float(sizes.mean()) == pytest.approx(1.0, abs=0.05)


def test_what_was_not_seen_stays_unseen(brains):
    seen = brains.seen.clone()
    seen[:, :18] = False
    images = brains.images * seen

    found = augmented(TemplateVolume(images, seen), 1.0)

    assert float(found.seen.mean((1, 2, 3)).std()) > 0.01
    assert found.seen.mean((1, 2, 3)).mean() == pytest.approx(
        float(seen[0].float().mean()), abs=0.05
    )
    assert found.images[found.seen == 0].abs().max() == 0
    assert (found.seen >= 0).all()
    assert (found.seen <= 1 + 1e-5).all()


def test_brightness_changes_a_little_and_background_stays_background(brains):
    found = augmented(brains, 1.0).images
    z, y, x = (n // 2 for n in SHAPE)
    middle = found[:, z - 2 : z + 3, y - 4 : y + 5, x - 4 : x + 5].mean((1, 2, 3))

    assert 0.01 < float(middle.std()) < 0.06
    assert float(middle.mean()) == pytest.approx(0.7, abs=0.03)
    assert found[:, 0, 0, 0].abs().max() == 0
    assert found.min() >= 0


def test_a_stronger_change_is_a_stronger_one(brains):
    changes = []
    for strength in (0.5, 2.0):
        torch.manual_seed(3)
        changes.append(float((augmented(brains, strength).images - brains.images).abs().mean()))

    assert changes[1] > 1.5 * changes[0]


def test_about_half_of_the_brains_are_mirrored():
    images = torch.rand(60, 2, 3, 4)
    volume = TemplateVolume(images, images > 0.5)

    found = mirrored_at_random(volume)

    turned = [
        torch.equal(one, other.flip(-1)) for one, other in zip(found.images, images, strict=True)
    ]
    kept = [torch.equal(one, other) for one, other in zip(found.images, images, strict=True)]
    assert all(a != b for a, b in zip(turned, kept, strict=True))
    assert 18 <= sum(turned) <= 42
    assert torch.equal(found.seen, found.images > 0.5)
