"""What a training step sees: real scans of the people asked for."""

from __future__ import annotations

import numpy as np
import torch

from BrainAgeLib.training.examples import WholeScans, flip_randomly, mix
from BrainAgeLib.training.map_store import MAP_STEP


def generator(seed=1):
    """Return a source of random numbers."""
    return np.random.default_rng(seed)


def test_whole_scans_are_those_of_the_people_asked_for():
    people, scans = 5, 3
    maps = torch.zeros((people, scans, 4, 2, 2, 2), dtype=torch.uint8)
    for person in range(people):
        for scan in range(scans):
            maps[person, scan] = 10 * person + scan
    draw, numbers = WholeScans(maps), np.array([4, 0, 2] * 20)

    drawn = draw(numbers, generator())

    assert drawn.shape == (60, 4, 2, 2, 2)
    said = (drawn[:, 0, 0, 0, 0] / MAP_STEP).round().int()
    assert (said // 10).tolist() == numbers.tolist()
    assert set((said % 10).tolist()) == {0, 1, 2}
    assert torch.equal(draw(numbers, generator()), drawn)


def test_mixed_brains_have_mixed_ages():
    ages = torch.tensor([20.0, 40.0, 60.0, 80.0])
    maps = ages.view(-1, 1, 1, 1, 1).expand(4, 4, 2, 2, 2) / 100

    mixed, mixed_ages = mix(maps, ages, 0.4, generator())

    assert torch.allclose(mixed[:, 1, 1, 1, 0] * 100, mixed_ages, atol=1e-4)
    assert not torch.equal(mixed_ages, ages)
    assert mixed_ages.min() >= 20.0
    assert mixed_ages.max() <= 80.0


def test_about_half_of_the_brains_are_mirrored():
    maps = torch.rand(60, 4, 2, 3, 4)

    flipped = flip_randomly(maps, generator())

    as_it_was = [torch.equal(one, other) for one, other in zip(flipped, maps, strict=True)]
    turned = [torch.equal(one.flip(-1), other) for one, other in zip(flipped, maps, strict=True)]
    assert all(a != b for a, b in zip(as_it_was, turned, strict=True))
    assert 18 <= sum(turned) <= 42
