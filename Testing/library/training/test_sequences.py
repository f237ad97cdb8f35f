"""Other sequences are simulated from labels: each in its order of brightness, at its places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.training import sequences
from BrainAgeLib.training.sequences import EVERYDAY, RANGES, simulate
from BrainAgeLib.training.tissue_parts import (
    CORTEX,
    DEEP_GREY,
    INNER_FLUID,
    OUTER_FLUID,
    PARTS,
    SULCAL_FLUID,
    WHITE,
)


def brightness(shell_slices, sequence, count=8):
    """Return the median of fluid, grey and white matter in scans, white matter being 1."""
    pure = {
        "fluid": shell_slices[:, INNER_FLUID] > 0.95,
        "grey": shell_slices[:, CORTEX] > 0.95,
        "white": shell_slices[:, WHITE] > 0.95,
    }
    rows = []
    for seed in range(count):
        image, mask = simulate(shell_slices, sequence, np.random.default_rng(seed))
        inside = mask > 0
        row = {name: float(image[places & inside].median()) for name, places in pure.items()}
        rows.append([row["fluid"] / row["white"], row["grey"] / row["white"]])
    return np.array(rows).T


@pytest.mark.parametrize("sequence", list(RANGES))
def test_each_sequence_has_its_order(shell_slices, sequence):
    fluid, grey = brightness(shell_slices, sequence)
    is_t1 = sequence.startswith("T1w")

    assert np.median(grey) < 0.95 if is_t1 else np.median(grey) > 1.05
    if sequence == "PDw":
        assert np.median(np.abs(np.log(fluid))) < 0.7
    else:
        assert np.median(fluid) > 1.4 if sequence == "T2w" else np.median(fluid) < 0.8


def test_the_same_draw_is_the_same_scan_and_another_is_another(shell_slices):
    first, again, other = (
        simulate(shell_slices, "T2w", np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )

    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_vessels_and_choroid_plexus_are_bright_after_an_agent_alone(shell_slices):
    def bright(sequence):
        found = []
        for seed in range(6):
            image, mask = simulate(shell_slices, sequence, np.random.default_rng(seed))
            fluid = shell_slices[:, [INNER_FLUID, SULCAL_FLUID, OUTER_FLUID]].sum(1) > 0.9
            white = image[(shell_slices[:, WHITE] > 0.95) & (mask > 0)].median()
            found.append(float((image[fluid & (mask > 0)] > 1.1 * white).float().mean()))
        return np.mean(found)

    assert bright("T1w after contrast") > 5 * bright("T1w") + 0.01


def test_the_mask_holds_the_tissue_and_nothing_far_outside(shell_slices):
    for seed in range(6):
        _, mask = simulate(shell_slices, "FLAIR", np.random.default_rng(seed))
        tissue = shell_slices[:, [CORTEX, DEEP_GREY, WHITE]].sum(1) > 0.99
        assert float(mask[tissue].mean()) > 0.98
        assert float(mask[shell_slices[:, :PARTS].sum(1) == 0].mean()) < 0.01


@pytest.fixture
def beside_slices():
    """Return parts in which white matter lies right beside the fluid of a ventricle."""
    parts = torch.zeros(4, PARTS + 1, 40, 40)
    parts[:, WHITE] = 1
    parts[:, WHITE, 16:24, 16:24] = 0
    parts[:, INNER_FLUID, 16:24, 16:24] = 1
    return parts


def test_white_matter_beside_the_ventricles_goes_towards_grey(beside_slices):
    fluid = beside_slices[:, INNER_FLUID] > 0
    beside = ~fluid & (sequences._around(beside_slices[:, INNER_FLUID], 7) > 0.1)
    far = sequences._around(beside_slices[:, INNER_FLUID], 9) == 0

    def added(contrast, strength):
        drawn = replace(RANGES["FLAIR"], beside_ventricles=(strength, strength))
        return torch.stack(
            [
                sequences._within_tissues(
                    beside_slices, drawn, contrast, np.random.default_rng(seed)
                )
                for seed in range(24)
            ]
        ).mean(0)

    flair, t1, without = added(0.4, 1.0), added(-0.4, 1.0), added(0.4, 0.0)
    assert float(added(0.0, 1.0).abs().max()) == 0
    assert float(flair[fluid].abs().max()) < 1e-6
    assert 0.08 < float((flair - without)[beside].mean()) < 0.4
    assert float((t1 - added(-0.4, 0.0))[beside].mean()) < -0.08
    assert float((flair - without)[far].abs().max()) < 1e-6


def test_little_noise_is_commoner_than_much(shell_slices):
    by = replace(EVERYDAY, noise=0.1, shading=0.0, uneven=0.0, slice_gain=0.0)
    places = shell_slices[:, WHITE] > 0.99
    far = sequences._around(shell_slices[:, WHITE], 9) > 0.99
    found = []
    for seed in range(30):
        image, _ = simulate(shell_slices, "T1w", np.random.default_rng(seed), by)
        fine = image - sequences._around(image)
        found.append(float(fine[places & far].std()))

    assert np.median(found) < 0.4 * max(found)


def test_a_tight_strip_may_follow_the_gyri(shell_slices):
    by = replace(EVERYDAY, tight=1.0)
    sulcal = shell_slices[:, SULCAL_FLUID] > 0.9
    kept = [
        float(simulate(shell_slices, "T2w", np.random.default_rng(seed), by)[1][sulcal].mean())
        for seed in range(20)
    ]

    assert max(kept) > 0.95
    assert min(kept) < 0.5
