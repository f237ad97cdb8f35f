"""What is measured on a scan whose place in the template is known."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED, Registration
from Testing.library.phantoms import moved, rigid_motion


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


def test_slices_are_the_same_wherever_the_scan_lay(template, thick_brain):
    motion = rigid_motion((0, 0, 0), (30, -40, 50))

    here = placed(thick_brain).slices(template, "cpu")
    there = placed(moved(thick_brain, motion), motion).slices(template, "cpu")

    assert len(here) > 15
    assert np.allclose(here.planes, there.planes, atol=1e-3)
    assert np.allclose(here.images, there.images, atol=0.02)
