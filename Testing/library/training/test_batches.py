"""Scans of different length become one batch, and nothing is lost or mixed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainAgeLib.training.batches import (
    TORN_FRACTION,
    collate,
    flip_randomly,
    pick_slices,
    subset,
)

from BrainAgeLib.imaging.slices import mirrored
from BrainAgeLib.training.out_of_fold import as_slices
from BrainAgeLib.training.simulated_scans import IMAGE_STEP, TEMPLATE_STEP
from Testing.library.model_folders import small_network
from Testing.library.stored_scans import same_scans, stored_scan


def test_scans_lie_side_by_side_with_padding_behind():
    scans = [stored_scan(3, seed=1), stored_scan(5, seed=2)]

    batch = collate(scans, [30.0, 70.0])

    assert batch.images.shape[:2] == (2, 5)
    assert batch.present.sum(1).tolist() == [3, 5]
    assert batch.present[0].tolist() == [True] * 3 + [False] * 2
    assert batch.ages_years.tolist() == [30.0, 70.0]
    for row, scan in enumerate(scans):
        count = len(scan)
        assert np.allclose(batch.images[row, :count], scan.images * IMAGE_STEP)
        assert np.allclose(batch.template[row, :count], scan.template * TEMPLATE_STEP)
        assert np.array_equal(batch.planes[row, :count], scan.planes)
    assert not batch.images[0, 3:].any()
    assert not batch.planes[0, 3:].any()


@torch.inference_mode()
def test_a_scan_in_a_batch_has_the_age_that_it_has_alone():
    network = small_network(1)
    scans = [stored_scan(3, seed=1), stored_scan(6, seed=2), stored_scan(1, seed=3)]

    batch = collate(scans, [0.0] * 3)
    together = network(batch.images, batch.template, batch.planes, batch.present)

    for row, scan in enumerate(scans):
        alone = as_slices(scan, "cpu")
        present = torch.ones(1, len(scan), dtype=torch.bool)
        output = network(alone.images[None], alone.template[None], alone.planes[None], present)
        assert float(network.age_years(together)[row]) == pytest.approx(
            float(network.age_years(output)[0]), abs=1e-4
        )


def test_picked_slices_are_the_scans_own_in_their_order():
    scan = stored_scan(20)
    known = {plane.tobytes(): number for number, plane in enumerate(scan.planes)}

    for seed in range(100):
        picked = pick_slices(scan, 8, np.random.default_rng(seed))
        numbers = [known[plane.tobytes()] for plane in picked.planes]
        assert 1 <= len(picked) <= 8
        assert numbers == sorted(set(numbers))
        assert np.array_equal(picked.images, scan.images[numbers])
        assert (picked.spacing_mm, picked.plane) == (scan.spacing_mm, scan.plane)


def test_now_and_then_only_a_few_neighbours_are_picked():
    scan = stored_scan(20)
    picked = [pick_slices(scan, 8, np.random.default_rng(seed)) for seed in range(400)]

    torn = [p for p in picked if len(p) < 8]
    # A torn scan has 1 to 8 slices; four standard errors of 400 draws.
    assert len(torn) / 400 == pytest.approx(TORN_FRACTION * 7 / 8, abs=0.08)
    assert torn
    step = np.diff(scan.planes[:, 0]).max()
    assert all(np.diff(p.planes[:, 0]).max(initial=0) <= step * 1.01 for p in torn)
    assert min(len(p) for p in torn) == 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_scans_survive_picking(count):
    lengths = {
        len(pick_slices(stored_scan(count), 12, np.random.default_rng(seed))) for seed in range(60)
    }

    assert max(lengths) == count
    assert min(lengths) >= 1


def test_subset_keeps_what_belongs_together():
    scan = stored_scan(6)

    part = subset(scan, np.array([1, 4]))

    assert np.array_equal(part.images, scan.images[[1, 4]])
    assert np.array_equal(part.template, scan.template[[1, 4]])
    assert np.array_equal(part.planes, scan.planes[[1, 4]])
    assert same_scans([subset(scan, np.arange(6))], [scan])


def test_about_half_of_the_scans_are_mirrored_as_prediction_mirrors_them():
    scans = [stored_scan(3, seed=n) for n in range(40)]
    batch = collate(scans, [50.0] * 40)

    flipped = flip_randomly(batch, torch.Generator().manual_seed(1))

    count = 0
    for row, scan in enumerate(scans):
        turned = mirrored(as_slices(scan, "cpu"))
        if torch.equal(flipped.images[row], batch.images[row]):
            assert torch.equal(flipped.planes[row], batch.planes[row])
            assert torch.equal(flipped.template[row], batch.template[row])
        else:
            count += 1
            assert torch.allclose(flipped.images[row], turned.images)
            assert torch.allclose(flipped.planes[row], turned.planes)
            assert torch.allclose(flipped.template[row], turned.template)
    assert 10 <= count <= 30
    assert torch.equal(flipped.present, batch.present)
    assert torch.equal(flipped.ages_years, batch.ages_years)
