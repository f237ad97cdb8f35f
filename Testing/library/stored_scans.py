"""Stored scans of noise, for tests of what happens to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from BrainAgeLib.template import alignment
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, StoredScan
from BrainAgeLib.training.store import evaluation_file, maps_file, training_file, write_scans
from BrainAgeLib.training.stored_maps import write_maps


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


@contextmanager
def quick_alignment() -> Iterator[None]:
    """Align in few steps on a coarse grid, for tests that do not look at how well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "LEVELS", (alignment.Level((7, 10, 8), 2, 8.0, 8.0),))
        yield


def store_person(folder: Path, person: Person, slices: int = 21, seed: int = 0) -> list[StoredScan]:
    """Store scans of a person and their maps, as ``prepare`` does; return all scans."""
    (folder / "scans").mkdir(parents=True, exist_ok=True)
    judged = [stored_scan(slices, seed + n) for n in range(len(EVALUATION_PROTOCOLS))]
    drawn = [stored_scan(slices, seed + 20), stored_scan(4, seed + 21)]
    write_scans(evaluation_file(folder, person), judged)
    write_scans(training_file(folder, person), drawn)
    write_maps(maps_file(folder, person), judged + drawn)
    return judged + drawn


def times_of_files(folder):
    """Return when each file below a folder was written, by its path."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
