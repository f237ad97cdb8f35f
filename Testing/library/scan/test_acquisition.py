"""The grid tells how a scan was acquired."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.scan.acquisition import describe_acquisition
from BrainAgeLib.scan.geometry import Volume
from Testing.library.phantoms import rigid_motion


def empty(shape, spacing_mm):
    """Return a volume of (k, j, i) voxels with spacings along i, j, k."""
    return Volume(np.zeros(shape, np.float32), np.diag([*spacing_mm, 1.0]))


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "plane", "count", "slice_spacing_mm", "in_plane_mm"),
    [
        ((22, 240, 256), (0.9, 0.8, 6.5), "axial", 22, 6.5, (0.9, 0.8)),
        ((256, 24, 240), (0.9, 6.0, 0.8), "coronal", 24, 6.0, (0.9, 0.8)),
        ((256, 240, 20), (7.0, 0.9, 0.8), "sagittal", 20, 7.0, (0.9, 0.8)),
        ((180, 220, 200), (1.0, 1.0, 1.1), "3d", 180, 1.1, (1.0, 1.0)),
        ((1, 240, 256), (0.9, 0.8, 1.0), "axial", 1, 1.0, (0.9, 0.8)),
    ],
)
def test_plane_and_sizes(shape, spacing_mm, plane, count, slice_spacing_mm, in_plane_mm):
    found = describe_acquisition(empty(shape, spacing_mm), None)

    assert found.plane == plane
    assert found.slice_count == count
    assert found.slice_spacing_mm == slice_spacing_mm
    assert found.in_plane_mm == in_plane_mm
    assert found.slice_thickness_mm is None


def test_thickness_is_what_the_header_says():
    assert describe_acquisition(empty((22, 64, 64), (3, 3, 6)), 5.0).slice_thickness_mm == 5.0


def test_a_tilted_stack_keeps_its_numbers():
    straight = empty((22, 240, 256), (0.9, 0.8, 6.5))
    tilted = Volume(straight.voxels, rigid_motion((20, 5, 3)) @ straight.affine)

    assert describe_acquisition(tilted, None) == describe_acquisition(straight, None)


def test_slices_that_were_shifted_in_their_planes_are_as_far_apart_as_their_planes():
    volume = empty((22, 240, 256), (0.9, 0.8, 6.0))
    volume.affine[:3, 2] = [0.0, 4.5, 6.0]

    assert describe_acquisition(volume, None).slice_spacing_mm == 6.0
