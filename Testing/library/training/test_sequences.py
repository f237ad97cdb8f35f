"""Other sequences are simulated from labels: each in its order of brightness, at its places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.training.sequences import RANGES, simulate
from BrainAgeLib.training.thick_slices import Protocol
from BrainAgeLib.training.tissue_parts import (
    CORTEX,
    DEEP_GREY,
    INNER_FLUID,
    LEVEL,
    OUTER_FLUID,
    PARTS,
    RIM,
    SULCAL_FLUID,
    WHITE,
    cut_parts,
    parts_of,
)

BRIGHTNESS = np.array([0.0, 30.0, 140.0, 200.0])  # of outside, fluid, grey and white matter


@pytest.fixture(scope="module")
def labels():
    """Return a ball of shells at 2 mm: fluid around, a cortex, white matter, and fluid inside."""
    axis = np.arange(-80.0, 80.1, 2.0)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    from_middle_mm = np.sqrt(x**2 + y**2 + z**2)
    result = np.select(
        [from_middle_mm <= r for r in (14.0, 22.0, 50.0, 60.0, 66.0)], [1, 2, 3, 2, 1], 0
    )
    result[(from_middle_mm <= 60) & (np.abs(y) < 3) & (x > 40)] = 1  # a sulcus
    return result.astype(np.uint8)


@pytest.fixture(scope="module")
def brain(labels):
    """Return the T1 of it."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -80.0
    return Volume(BRIGHTNESS[labels].astype(np.float32), affine)


@pytest.fixture(scope="module")
def parts(brain, labels):
    """Return its parts."""
    return parts_of(brain, labels)


@pytest.fixture(scope="module")
def slices(brain, parts):
    """Return its parts as thick slices."""
    return cut_parts(parts, brain.affine, Protocol())[0]


def test_the_parts_make_up_the_brain_and_lie_at_their_places(parts, labels):
    whole = parts[:RIM].sum(0)
    assert torch.equal(whole, torch.from_numpy((labels > 0).astype(np.float32)))
    middle = labels.shape[0] // 2
    assert parts[INNER_FLUID, middle, middle, middle] == 1
    assert parts[SULCAL_FLUID, middle, middle, middle + 24] == 1
    assert parts[OUTER_FLUID, middle, middle, 8] == 1
    assert parts[DEEP_GREY, middle, middle, middle + 9] == 1
    assert parts[CORTEX, middle, middle + 28, middle] == 1
    assert parts[WHITE, middle, middle, middle + 16] == 1
    assert parts[RIM, middle, middle, 6] == 1
    assert parts[RIM, middle, middle, 2] == 0


def test_a_voxel_between_two_tissues_is_part_of_both(brain, labels):
    voxels = brain.voxels.copy()
    middle = labels.shape[0] // 2
    place = (middle, middle + 28, middle)
    voxels[place] = 170.0  # cortex, half as bright as white matter beyond grey
    parts = parts_of(brain.with_voxels(voxels), labels)

    assert parts[CORTEX][place] == pytest.approx(0.5, abs=0.01)
    assert parts[WHITE][place] == pytest.approx(0.5, abs=0.01)
    assert parts[LEVEL][place] == pytest.approx(0.85, abs=0.01)


def test_labels_without_white_matter_are_no_brain(brain, labels):
    with pytest.raises(ValueError, match="white matter"):
        parts_of(brain, np.where(labels == 3, 2, labels))


def brightness(slices, sequence, count=8):
    """Return the median of fluid, grey and white matter in scans, white matter being 1."""
    pure = {
        "fluid": slices[:, INNER_FLUID] > 0.95,
        "grey": slices[:, CORTEX] > 0.95,
        "white": slices[:, WHITE] > 0.95,
    }
    rows = []
    for seed in range(count):
        image, mask = simulate(slices, sequence, np.random.default_rng(seed))
        inside = mask > 0
        row = {name: float(image[places & inside].median()) for name, places in pure.items()}
        rows.append([row["fluid"] / row["white"], row["grey"] / row["white"]])
    return np.array(rows).T


@pytest.mark.parametrize("sequence", list(RANGES))
def test_each_sequence_has_its_order(slices, sequence):
    fluid, grey = brightness(slices, sequence)
    is_t1 = sequence.startswith("T1w")

    assert np.median(grey) < 0.95 if is_t1 else np.median(grey) > 1.05
    if sequence == "PDw":
        assert np.median(np.abs(np.log(fluid))) < 0.7
    else:
        assert np.median(fluid) > 1.4 if sequence == "T2w" else np.median(fluid) < 0.8


def test_the_same_draw_is_the_same_scan_and_another_is_another(slices):
    first, again, other = (
        simulate(slices, "T2w", np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )

    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_vessels_and_choroid_plexus_are_bright_after_an_agent_alone(slices):
    def bright(sequence):
        found = []
        for seed in range(6):
            image, mask = simulate(slices, sequence, np.random.default_rng(seed))
            fluid = slices[:, [INNER_FLUID, SULCAL_FLUID, OUTER_FLUID]].sum(1) > 0.9
            white = image[(slices[:, WHITE] > 0.95) & (mask > 0)].median()
            found.append(float((image[fluid & (mask > 0)] > 1.1 * white).float().mean()))
        return np.mean(found)

    assert bright("T1w after contrast") > 5 * bright("T1w") + 0.01


def test_the_mask_holds_the_tissue_and_nothing_far_outside(slices):
    for seed in range(6):
        _, mask = simulate(slices, "FLAIR", np.random.default_rng(seed))
        tissue = slices[:, [CORTEX, DEEP_GREY, WHITE]].sum(1) > 0.99
        assert float(mask[tissue].mean()) > 0.98
        assert float(mask[slices[:, :PARTS].sum(1) == 0].mean()) < 0.01
