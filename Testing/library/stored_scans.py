"""Stored scans of noise, for tests of what happens to them."""

from __future__ import annotations

import numpy as np

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.training.simulated_scans import StoredScan


def stored_scan(slices: int, seed: int = 0) -> StoredScan:
    """Return parallel slices of noise, tilted, from below the brain to its top."""
    generator = np.random.default_rng(seed)
    shape = (slices, GRID_HEIGHT, GRID_WIDTH)
    heights = np.linspace(-45.0, 68.0, slices)
    slopes = np.tile(generator.uniform(-0.05, 0.05, 2), (slices, 1))
    return StoredScan(
        generator.integers(0, 256, shape, dtype=np.uint8),
        generator.integers(0, 256, shape, dtype=np.uint8),
        np.column_stack([heights, slopes]).astype(np.float32),
        6.0,
        "axial",
        7.5,
    )


def same_scans(one: list[StoredScan], other: list[StoredScan]) -> bool:
    """Say whether two lists of scans are the same in every bit."""
    return len(one) == len(other) and all(
        np.array_equal(a.images, b.images)
        and np.array_equal(a.template, b.template)
        and np.array_equal(a.planes, b.planes)
        and (a.spacing_mm, a.plane, a.tilt_degrees) == (b.spacing_mm, b.plane, b.tilt_degrees)
        for a, b in zip(one, other, strict=True)
    )
