"""Simulated scans are repeatable, and differ as real ones do."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.training.appearance import EVALUATION
from BrainAgeLib.training.simulate import (
    EVALUATION_PROTOCOLS,
    IMAGE_STEP,
    LARGEST_TILT_DEGREES,
    Simulator,
    evaluation_scans,
    random_scans,
    tilted,
)
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.phantoms import coarse_brain
from Testing.library.stored_scans import same_scans


@pytest.fixture(scope="module")
def simulator(maps):
    """Return a simulator of the template's brain, at 4 mm to be quick."""
    return Simulator(coarse_brain(), np.eye(4), maps)


@pytest.fixture(scope="module")
def measured(simulator):
    """Return the scans that a model is measured on."""
    return evaluation_scans(simulator, "sub-01", seed=1)


def test_one_scan_of_each_protocol(measured):
    assert list(measured) == list(EVALUATION_PROTOCOLS)
    for name, protocol in EVALUATION_PROTOCOLS.items():
        scan = measured[name]
        assert scan.images.dtype == scan.template.dtype == np.uint8
        assert scan.images.shape == (len(scan), GRID_HEIGHT, GRID_WIDTH)
        assert scan.plane == (protocol.plane if protocol else "3d")
        assert scan.spacing_mm == (protocol.spacing_mm if protocol else 2.0)
        assert len(scan) > 10
    assert max(scan.tilt_degrees for scan in measured.values()) <= LARGEST_TILT_DEGREES
    assert measured["3D 2 mm"].tilt_degrees == 0.0


def test_a_simulated_slice_looks_like_the_template_beside_it(measured):
    scan = measured["axial 5+1 mm"]
    middle = len(scan) // 2
    brain = scan.images[middle] > 0

    alike = np.corrcoef(scan.images[middle][brain], scan.template[middle][brain])[0, 1]

    assert alike > 0.8
    levels = scan.images[middle][brain] * IMAGE_STEP
    assert 0.6 < np.median(levels) < 1.05


def test_the_same_seed_gives_the_same_scans(simulator, measured):
    again = evaluation_scans(simulator, "sub-01", seed=1)

    assert same_scans(list(again.values()), list(measured.values()))


def test_another_person_or_seed_gets_other_scans(simulator):
    one = random_scans(simulator, "sub-01", 1, seed=1)

    assert not same_scans(one, random_scans(simulator, "sub-02", 1, seed=1))
    assert not same_scans(one, random_scans(simulator, "sub-01", 1, seed=2))


def test_more_scans_leave_the_first_ones_as_they_were(simulator):
    few = random_scans(simulator, "sub-01", 2, seed=1)
    more = random_scans(simulator, "sub-01", 3, seed=1)

    assert same_scans(more[:2], few)
    assert not same_scans(more[2:], few[:1])


def test_random_scans_are_not_those_that_count(simulator, measured):
    drawn = random_scans(simulator, "sub-01", 2, seed=1)

    assert not any(same_scans([a], [b]) for a in drawn for b in measured.values())


def test_tilts_are_drawn_about_each_axis_within_their_limit():
    drawn = np.array([tilted(Protocol(), [seed]).tilt_degrees for seed in range(200)])

    assert np.abs(drawn).max() <= LARGEST_TILT_DEGREES
    assert (drawn.std(0) > 6.0).all()
    assert tilted(None, [1]) is None
    kept = tilted(Protocol("coronal", 3.0, 0.5, 1.5), [1])
    assert (kept.plane, kept.thickness_mm, kept.gap_mm, kept.in_plane_mm) == (
        "coronal",
        3.0,
        0.5,
        1.5,
    )


def test_the_registration_is_never_perfect(simulator):
    planes = [simulator.simulate(Protocol(), EVALUATION, [seed]).planes[10, 0] for seed in range(4)]

    assert 0.05 < np.std(planes) < 3.0
