"""The parts of a labelled brain: where they lie, and what shares a voxel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.training.tissue_parts import (
    CORTEX,
    DEEP_GREY,
    INNER_FLUID,
    LEVEL,
    OUTER_FLUID,
    RIM,
    SULCAL_FLUID,
    WHITE,
    parts_of,
)


def test_the_parts_make_up_the_brain_and_lie_at_their_places(shell_parts, shell_labels):
    parts, labels = shell_parts, shell_labels
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


def test_a_voxel_between_two_tissues_is_part_of_both(shell_brain, shell_labels):
    brain, labels = shell_brain, shell_labels
    voxels = brain.voxels.copy()
    middle = labels.shape[0] // 2
    place = (middle, middle + 28, middle)
    voxels[place] = 170.0  # cortex, half as bright as white matter beyond grey
    parts = parts_of(brain.with_voxels(voxels), labels)

    assert parts[CORTEX][place] == pytest.approx(0.5, abs=0.01)
    assert parts[WHITE][place] == pytest.approx(0.5, abs=0.01)
    assert parts[LEVEL][place] == pytest.approx(0.85, abs=0.01)


def test_labels_without_white_matter_are_no_brain(shell_brain, shell_labels):
    with pytest.raises(ValueError, match="white matter"):
        parts_of(shell_brain, np.where(shell_labels == 3, 2, shell_labels))
