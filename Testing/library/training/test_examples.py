"""What a training step sees: real scans of the people asked for."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.training.examples import WholeScans, mix
from BrainAgeLib.training.map_store import unpacked

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
