"""A made-up person: ellipses for a head, plausible numbers, no real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from BrainAgeLib.records import (
    Acquisition,
    Correction,
    Finding,
    InputRecord,
    ModelRecord,
    Pictures,
    Prediction,
    Quality,
    Reference,
    SlicePicture,
    SoftwareRecord,
    Timings,
)

WARNING = Finding("slice_spacing", "warn", "The slices are far apart.", 7.2, 7.0)
NOTE = Finding("nan_voxels", "note", "3 voxels had no value and count as background.", 3, None)
REFUSAL = Finding("contrast", "refuse", "This does not look like a T1-weighted scan.", 0.31, 0.6)


def person() -> Prediction:
    """Return a prediction with every field filled in."""
    return Prediction(
        brain_age_years=63.41237,
        interval_years=(53.10004, 73.72471),
        chronological_age_years=61.0,
        sex="F",
        corrected_brain_age_years=62.05123,
        correction=Correction("cole", "Cohort A, out of fold", 652, (18.0, 88.0), 0.871, 6.93),
        gap_percentile=68.5,
        quality=Quality((NOTE, WARNING)),
        acquisition=Acquisition("axial", 22, 6.5, 5.0, (0.9375, 0.9375)),
        input=InputRecord("/archive/DOE^JANE/scan_0001.nii.gz", "ab" * 32, "1.2.840.1"),
        model=ModelRecord("thick-slice", "1.0.0", "cd" * 32, (18.0, 88.0)),
        software=SoftwareRecord("SlicerBrainAge", "0.1.0", {"torch": "2.1", "numpy": "2.0"}),
        device="cpu",
        timings_seconds=Timings(0.2, 3.1, 4.2, 1.4, 2.0, 11.0),
    )


def refused(prediction: Prediction) -> Prediction:
    """Return the same person refused by the gate."""
    return replace(
        prediction,
        brain_age_years=None,
        interval_years=None,
        corrected_brain_age_years=None,
        correction=None,
        gap_percentile=None,
        quality=Quality((NOTE, REFUSAL)),
    )


def phantom_slice(height: float, side: int = 256, pixel_mm: float = 0.9375) -> SlicePicture:
    """Return an ellipse head at a height of -1 (bottom) to 1 (top), with noise."""
    row, column = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    size = np.sqrt(max(0.0, 1.0 - height**2))

    def ellipse(height_share: float, width_share: float, left: float = 0.0) -> np.ndarray:
        if size < 0.2:
            return np.zeros((side, side), bool)
        rows, columns = height_share * size, width_share * size
        return ((row / rows) ** 2 + ((column - left) / columns) ** 2) < 1

    brain = ellipse(0.72, 0.56)
    grey = 0.8 * ellipse(0.88, 0.72) - 0.55 * ellipse(0.80, 0.64) + 0.35 * brain
    grey += 0.2 * ellipse(0.6, 0.45)
    ventricles = (ellipse(0.25, 0.08, 0.1) | ellipse(0.25, 0.08, -0.1)) & (abs(height) < 0.4)
    grey[ventricles] = 0.15
    noise = np.random.default_rng(int(1000 * (height + 2))).normal(0, 0.02, grey.shape)
    saliency = 0.4 * np.exp(-((row / 0.3) ** 2 + (column / 0.3) ** 2)) * np.sign(column) * brain
    return SlicePicture(
        np.clip(grey + noise, 0, 1).astype(np.float32), (pixel_mm, pixel_mm), brain, saliency
    )


def phantom_pictures() -> Pictures:
    """Return 22 slices, three registered pairs and 300 reference people."""
    slices = tuple(phantom_slice(height) for height in np.linspace(-1.05, 1.05, 22))
    pairs = tuple(phantom_slice(height, 96, 2.0) for height in (-0.3, 0.0, 0.3))
    random = np.random.default_rng(7)
    ages = random.uniform(18, 88, 300)
    predicted = 0.87 * ages + 6.9 + random.normal(0, 6, 300)
    reference = Reference(tuple(ages), tuple(predicted), "Cohort A, out of fold")
    return Pictures(slices, pairs, pairs, reference)


@pytest.fixture(name="person")
def person_fixture() -> Callable[..., Prediction]:
    """Return a maker of the made-up person; keywords replace fields."""

    def make(**changes: Any) -> Prediction:
        return replace(person(), **changes)

    return make


@pytest.fixture(name="refused")
def refused_fixture() -> Prediction:
    """Return the made-up person, refused."""
    return refused(person())


@pytest.fixture(name="pictures", scope="session")
def pictures_fixture() -> Pictures:
    """Return the phantom's pictures."""
    return phantom_pictures()
