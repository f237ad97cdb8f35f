"""What a training step sees: real scans of the people asked for, whole or in part."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.imaging.template_volume import volume_of_slices
from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.predict import MOST_SLICES_OF_A_PART
from BrainAgeLib.training.examples import (
    LONE_SHARE,
    PartialScans,
    WholeScans,
    few_slices,
    flip_randomly,
    mix,
)
from BrainAgeLib.training.map_store import MAP_STEP
from BrainAgeLib.training.simulated_scans import as_slices
from Testing.library.model_folders import MAP_SHAPE
from Testing.library.stored_scans import stored_scan


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


def test_partial_scans_are_neighbouring_slices_of_the_people_asked_for():
    scans = [[stored_scan(12, seed=2 * n), stored_scan(9, seed=2 * n + 1)] for n in range(3)]

    drawn = PartialScans(scans)(np.array([2, 0]), generator(5))

    assert drawn.shape == (2, 4, *MAP_SHAPE)
    again = generator(5)
    for row, person in enumerate((2, 0)):
        part = few_slices(scans[person][again.integers(2)], again)
        assert torch.equal(drawn[row], network_maps(volume_of_slices(as_slices(part, "cpu"))))


def test_parts_are_neighbours_and_often_single():
    scan = stored_scan(24)
    known = {plane.tobytes(): number for number, plane in enumerate(scan.planes)}
    lengths, middles = [], []
    for seed in range(400):
        part = few_slices(scan, generator(seed))
        numbers = [known[plane.tobytes()] for plane in part.planes]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert np.array_equal(part.images, scan.images[numbers])
        lengths.append(len(part))
        middles.append(float(part.heights_in_the_middle_mm.mean()))

    assert (min(lengths), max(lengths)) == (1, MOST_SLICES_OF_A_PART)
    # Four standard errors of 400 draws.
    assert np.mean(np.array(lengths) == 1) == pytest.approx(LONE_SHARE, abs=0.1)
    near = np.abs(np.array(middles) - 18.0) < 15.0
    assert near.mean() > 0.5  # without the preference it would be about a quarter


@pytest.mark.parametrize("count", [1, 2, 4])
def test_short_scans_survive(count):
    lengths = {len(few_slices(stored_scan(count), generator(seed))) for seed in range(60)}

    assert max(lengths) == count
    assert min(lengths) == 1


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
