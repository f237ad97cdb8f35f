"""What is measured on a scan whose place in the template is known."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.imaging.geometry import Volume
from BrainAgeLib.imaging.placed_scan import PlacedScan
from BrainAgeLib.imaging.registration import NOT_REGISTERED, Registration
from Testing.library.phantoms import moved, rigid_motion, template_brain


def placed(volume: Volume, template_to_scan: np.ndarray | None = None) -> PlacedScan:
    """Place a brain-extracted volume."""
    registration = NOT_REGISTERED
    if template_to_scan is not None:
        registration = Registration(template_to_scan, 0.9)
    return PlacedScan(volume, volume.voxels > 25, registration)


def test_volume_of_the_mask():
    mask = np.zeros((4, 10, 10), bool)
    mask[1, 2:4, 3:8] = True
    volume = Volume(mask.astype(np.float32), np.diag([2.0, 3.0, 5.0, 1.0]))

    scan = PlacedScan(volume, mask, NOT_REGISTERED)

    assert scan.brain_volume_ml == pytest.approx(10 * 30 / 1000)


def test_the_template_covers_itself(template):
    coverage, overlap = placed(template_brain()).template_coverage_and_overlap(template)

    assert coverage == 1.0
    assert overlap == pytest.approx(1.0, abs=1e-6)


def test_a_registered_scan_is_measured_where_the_registration_puts_it(template, thick_brain):
    motion = rigid_motion((20, 10, 5), (30, -40, 50))
    elsewhere = moved(thick_brain, motion)

    coverage, overlap = placed(elsewhere, motion).template_coverage_and_overlap(template)

    assert coverage > 0.99
    assert overlap > 0.95


def test_a_cut_field_of_view_lowers_the_coverage_but_not_the_overlap(template):
    brain = template_brain()
    kept = len(brain.voxels) // 2
    expected = (brain.voxels[:kept] > 25).sum() / (brain.voxels > 25).sum()

    half = Volume(brain.voxels[:kept], brain.affine)
    coverage, overlap = placed(half).template_coverage_and_overlap(template)

    assert coverage == pytest.approx(expected, abs=0.02)
    assert overlap > 0.98


def test_a_wrong_registration_lowers_the_overlap(template, thick_brain):
    beside = rigid_motion((0, 0, 0), (0, 50, 0))

    _, overlap = placed(thick_brain, beside).template_coverage_and_overlap(template)

    assert overlap < 0.75


def test_a_scan_beside_the_template_shows_none_of_it(template, thick_brain):
    far = rigid_motion((0, 0, 0), (0, 0, 500))

    assert placed(thick_brain, far).template_coverage_and_overlap(template) == (0.0, 0.0)


def test_scale_is_that_from_scan_to_template_smallest_first():
    scan_to_template = rigid_motion((20, 10, 5)) @ np.diag([1.25, 0.9, 1.1, 1.0])
    scan = placed(template_brain(), np.linalg.inv(scan_to_template))

    assert scan.scale_to_template() == pytest.approx((0.9, 1.1, 1.25))


def test_slices_are_the_same_wherever_the_scan_lay(template, thick_brain):
    motion = rigid_motion((0, 0, 0), (30, -40, 50))

    here = placed(thick_brain).slices(template, "cpu")
    there = placed(moved(thick_brain, motion), motion).slices(template, "cpu")

    assert len(here) > 15
    assert np.allclose(here.planes, there.planes, atol=1e-3)
    assert np.allclose(here.images, there.images, atol=0.02)
