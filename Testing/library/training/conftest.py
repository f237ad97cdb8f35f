"""What tests of training share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.training.thick_slices import Protocol
from BrainAgeLib.training.tissue_parts import cut_parts, parts_of

BRIGHTNESS = np.array([0.0, 30.0, 140.0, 200.0])  # of outside, fluid, grey and white matter


@pytest.fixture
def settled_chance():
    """Draw torch's random numbers from the same seed in every test."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        yield


@pytest.fixture(scope="module")
def shell_labels():
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
def shell_brain(shell_labels):
    """Return the T1 of it."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -80.0
    return Volume(BRIGHTNESS[shell_labels].astype(np.float32), affine)


@pytest.fixture(scope="module")
def shell_parts(shell_brain, shell_labels):
    """Return its parts."""
    return parts_of(shell_brain, shell_labels)


@pytest.fixture(scope="module")
def shell_slices(shell_brain, shell_parts):
    """Return its parts as thick slices."""
    return cut_parts(shell_parts, shell_brain.affine, Protocol())[0]
