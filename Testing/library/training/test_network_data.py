"""What a training step sees: scans of the people asked for, a little changed but still theirs."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT, SPACING_MM
from BrainAgeLib.template.scan_maps import TemplateVolume
from BrainAgeLib.training.network_data import (
    AFFINE,
    SEQUENCE_SHARE,
    SHIFT_MM,
    WARP_MM,
    SequenceScans,
    WholeScans,
    augmented,
    mirrored_at_random,
    mix,
)
from BrainAgeLib.training.stored_maps import unpacked

pytestmark = pytest.mark.usefixtures("settled_chance")

PEOPLE, SCANS = 5, 3


@pytest.fixture(scope="module")
def volumes():
    """Return packed volumes whose levels say whose they are."""
    levels = 38 + 3 * torch.arange(PEOPLE * SCANS)  # between fluid and grey matter
    volumes = torch.zeros((PEOPLE, SCANS, 4, 6, 8), dtype=torch.uint8)
    volumes[..., 1:5, 2:6] = levels.byte().view(PEOPLE, SCANS, 1, 1, 1)
    return volumes


def test_whole_scans_are_those_of_the_people_asked_for(volumes):
    draw, numbers = WholeScans(volumes), torch.tensor([4, 0, 2] * 20)

    drawn = draw(numbers)

    assert drawn.shape == (60, 4, 4, 3, 4)
    expected = network_maps(unpacked(volumes.flatten(0, 1))).unflatten(0, (PEOPLE, SCANS))
    seen = set()
    for maps, person in zip(drawn, numbers.tolist(), strict=True):
        (scan,) = [n for n in range(SCANS) if torch.equal(maps, expected[person, n])]
        seen.add(scan)
    assert seen == {0, 1, 2}


def test_scans_are_drawn_by_their_shares(volumes):
    numbers = torch.zeros(300, dtype=torch.long)
    drawn = WholeScans(volumes, shares=torch.tensor([0.2, 0.0, 0.8]))(numbers)

    expected = network_maps(unpacked(volumes[0]))
    counts = [sum(torch.equal(maps, one) for maps in drawn) for one in expected]
    assert counts[1] == 0
    assert 0.1 < counts[0] / 300 < 0.3


def test_some_scans_of_those_who_have_them_are_of_other_sequences(volumes):
    others = torch.where(volumes > 0, volumes + 10, volumes)[[1, 3]][:, :2]
    places = torch.tensor([-1, 0, -1, 1, -1])
    draw = WholeScans(volumes, sequences=SequenceScans(others, places))
    numbers = torch.tensor([3] * 200 + [2] * 50)

    drawn = draw(numbers)

    of_others = network_maps(unpacked(others[1]))
    counts = [sum(torch.equal(maps, one) for maps in drawn[:200]) for one in of_others]
    assert sum(counts) / 200 == pytest.approx(SEQUENCE_SHARE, abs=0.1)
    assert min(counts) > 15
    own = network_maps(unpacked(volumes[2]))
    assert all(any(torch.equal(maps, one) for one in own) for maps in drawn[200:])


def test_the_seed_settles_what_is_drawn(volumes):
    draw, numbers = WholeScans(volumes, strength=1.0), torch.arange(PEOPLE)

    torch.manual_seed(7)
    one = draw(numbers)
    other = draw(numbers)
    torch.manual_seed(7)

    assert torch.equal(draw(numbers), one)
    assert not torch.equal(other, one)


def test_about_half_of_the_brains_are_mirrored(volumes):
    lopsided = volumes.clone()
    lopsided[..., :4] = 0
    maps = network_maps(unpacked(lopsided[:1, 0]))[0]

    drawn = WholeScans(lopsided[:1, :1])(torch.zeros(60, dtype=torch.long))

    turned = [torch.equal(one, maps.flip(-1)) for one in drawn]
    assert all(torch.equal(one, maps) != now for one, now in zip(drawn, turned, strict=True))
    assert 18 <= sum(turned) <= 42


def test_brains_change_with_the_strength(volumes):
    one = volumes[:1, :1]
    calm, changed = (
        WholeScans(one, strength)(torch.zeros(1, dtype=torch.long)) for strength in (0, 1)
    )

    assert torch.equal(calm[0], calm[0].flip(-1))  # this brain is its own mirror image
    assert not torch.equal(changed, calm)


def test_mixed_brains_have_mixed_ages():
    ages = torch.tensor([20.0, 40.0, 60.0, 80.0])
    maps = ages.view(-1, 1, 1, 1, 1).expand(4, 4, 2, 2, 2) / 100

    mixed, mixed_ages = mix(maps, ages, 0.4)

    assert torch.allclose(mixed[:, 1, 1, 1, 0] * 100, mixed_ages, atol=1e-4)
    assert not torch.equal(mixed_ages, ages)
    assert mixed_ages.min() >= 20.0
    assert mixed_ages.max() <= 80.0


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


def test_what_was_seen_is_mirrored_with_its_brain():
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
