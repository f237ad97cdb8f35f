"""Simulated scanners differ in contrast, shading and noise, and in nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.training.appearance import (
    ALL_CONTRASTS,
    EVALUATION,
    TRAINING,
    USUAL_CONTRASTS,
    AppearanceRange,
    change_appearance,
    distort,
    disturb_mask,
)

NOTHING = AppearanceRange(0.0, (0.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def brain(thick_brain):
    """Return a brain-extracted scan of thick slices."""
    return torch.as_tensor(thick_brain.voxels)


def changed(scan, allowed, seed=1):
    """Return the scan as another scanner shows it."""
    torch_generator = torch.Generator().manual_seed(seed)
    return change_appearance(scan, allowed, np.random.default_rng(seed), torch_generator)


def ratio(scan, allowed, seed=1):
    """Return what a scanner's image is multiplied by, and where there is brain."""
    inside = scan > 20
    plain = changed(scan, NOTHING)
    return changed(scan, allowed, seed) / plain.where(inside, torch.ones(())), inside


def test_without_any_range_only_the_scale_changes(brain):
    plain = changed(brain, NOTHING)

    factors = plain[brain > 20] / brain[brain > 20]
    assert float(factors.std() / factors.mean()) < 1e-5
    # White matter is at 1.
    assert float(plain[brain > 0].quantile(0.9)) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("allowed", [TRAINING, EVALUATION])
def test_background_stays_background(brain, allowed):
    shown = changed(brain, allowed)

    assert not shown[brain <= 0].any()
    assert shown.shape == brain.shape
    assert bool((shown >= 0).all())
    assert bool(torch.isfinite(shown).all())


def test_the_same_seed_gives_the_same_scanner(brain):
    assert torch.equal(changed(brain, TRAINING, 3), changed(brain, TRAINING, 3))
    assert not torch.allclose(changed(brain, TRAINING, 3), changed(brain, TRAINING, 4), atol=0.01)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("contrasts", [USUAL_CONTRASTS, ALL_CONTRASTS])
def test_another_contrast_keeps_the_order_of_brightness(brain, seed, contrasts):
    even = replace(contrasts, unevenness=0.0, uneven_fluid=0.0)
    shown = changed(brain, replace(NOTHING, other_contrast=1.0, contrast=even), seed)

    order = brain[brain > 0].argsort()
    steps = shown[brain > 0][order].diff()
    assert float(steps.min()) > -1e-4
    plain = changed(brain, NOTHING)
    assert float((shown - plain).abs().max()) > 0.005


def test_another_contrast_differs_from_place_to_place(brain):
    allowed = replace(NOTHING, other_contrast=1.0)
    even = replace(allowed, contrast=replace(USUAL_CONTRASTS, unevenness=0.0))
    apart = [changed(brain, allowed, seed) - changed(brain, even, seed) for seed in range(4)]

    white = changed(brain, NOTHING) > 0.95
    assert max(float(one[white].std()) for one in apart) > 0.005
    assert not any(one[brain <= 0].any() for one in apart)


@pytest.mark.parametrize(("amount", "sharper"), [(0.8, True), (-0.5, False)])
def test_detail_is_raised_or_blurred_and_the_mean_stays(brain, amount, sharper):
    plain = changed(brain, NOTHING)
    shown = changed(brain, replace(NOTHING, sharpening=(amount, amount)))

    inside = (brain > 20)[:, :, 1:] & (brain > 20)[:, :, :-1]
    steps = [float(image.diff(dim=2)[inside].abs().mean()) for image in (plain, shown)]
    assert (steps[1] > steps[0]) == sharper
    assert float(shown[brain > 20].mean()) == pytest.approx(
        float(plain[brain > 20].mean()), rel=0.02
    )


class TestDistortion:
    def test_places_move_by_as_much_as_was_drawn(self):
        # A volume whose values are places says where each came from.
        shape = (30, 40, 36)
        places = torch.meshgrid(*(torch.arange(1.0, n + 1) for n in shape), indexing="ij")
        moved = [distort(one[None], 2.0, 1.5, np.random.default_rng(4))[0] - one for one in places]
        inner = (slice(6, -6),) * 3
        length_mm = 2.0 * torch.stack([one[inner] for one in moved]).square().sum(0).sqrt()

        assert 0.1 < float(length_mm.mean()) < 3.0

    def test_nothing_moves_where_nothing_may(self):
        volume = torch.rand(2, 5, 6, 7)

        assert torch.equal(distort(volume, 2.0, 0.0, np.random.default_rng(1)), volume)

    def test_what_shows_one_brain_moves_together(self, brain):
        inside = (brain > 0).float()

        both = distort(torch.stack([brain, inside]), 2.0, 3.0, np.random.default_rng(3))
        (alone,) = distort(brain[None], 2.0, 3.0, np.random.default_rng(3))

        assert torch.equal(both[0], alone)
        assert torch.equal(both[1] > 0, both[0] > 0)
        assert not torch.equal(both[1] > 0, inside > 0)

    def test_background_stays_background_far_from_the_brain(self, brain):
        padded = torch.nn.functional.pad(brain, (8, 8, 8, 8, 8, 8))

        (shown,) = distort(padded[None], 2.0, 1.5, np.random.default_rng(2))

        assert not shown[:3].any()
        assert shown.any()


def test_shading_is_smooth_and_does_not_care_for_tissue(brain):
    field, inside = ratio(brain, replace(NOTHING, shading=0.2))

    assert float(field[inside].std()) > 0.01
    beside = inside[:, :, 1:] & inside[:, :, :-1]
    assert float((field[:, :, 1:] - field[:, :, :-1])[beside].abs().max()) < 0.05


def test_gain_is_one_factor_for_each_slice(brain):
    factors, inside = ratio(brain, replace(NOTHING, slice_gain=0.05))

    means = [float(f[i].mean()) for f, i in zip(factors, inside, strict=True) if i.any()]
    spreads = [float(f[i].std()) for f, i in zip(factors, inside, strict=True) if i.sum() > 1]
    assert max(spreads) < 1e-4
    assert np.ptp(means) > 0.005
    assert np.mean(means) == pytest.approx(1.0, abs=0.05)


def test_noise_is_as_strong_as_allowed_and_without_bias_in_bright_tissue(brain):
    plain = changed(brain, NOTHING)
    white = plain > 0.95

    shown = [changed(brain, replace(NOTHING, noise=0.05), seed) for seed in range(8)]

    levels = [float((image - plain)[white].std()) for image in shown]
    assert 0.015 < max(levels) < 0.055
    assert abs(float((shown[0] - plain)[white].mean())) < 0.005


def overlap(one, other):
    """Return the Dice overlap of two masks."""
    return float(2 * (one * other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("allowed", [TRAINING, EVALUATION])
def test_the_mask_wanders_but_stays_a_mask_of_the_brain(brain, allowed):
    mask = (brain > 20).float()

    moved = [
        disturb_mask(mask, 2.0, allowed.mask_wander, np.random.default_rng(n)) for n in range(6)
    ]

    for one in moved:
        assert set(one.unique().tolist()) == {0.0, 1.0}
        assert not one[mask == 0].any()
        assert overlap(one, mask) > 0.93
    assert not torch.equal(moved[0], moved[1])


def test_a_mask_wanders_more_where_more_is_allowed(brain):
    mask = (brain > 20).float()

    means = [
        np.mean(
            [
                overlap(disturb_mask(mask, 2.0, wander, np.random.default_rng(n)), mask)
                for n in range(6)
            ]
        )
        for wander in (0.05, 0.3)
    ]

    assert means[0] > means[1]
