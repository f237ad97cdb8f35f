"""A wrong header shows in the stretch of the head, however the head lay."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.gate.stretch import AVERAGE_STRETCH, measure_stretch, stretch_of
from BrainAgeLib.template.registration import Registration
from Testing.library.phantoms import rigid_motion

SHAPE = (24, 120, 100)
POSES = [(0.0, 0.0, 0.0), (-15.0, 4.0, 7.0), (25.0, -10.0, 3.0)]


def grid(spacing_mm=(1.8, 1.8, 6.0)):
    """Return the affine of axial slices."""
    return np.diag([*spacing_mm, 1.0])


def registered(pose=(0.0, 0.0, 0.0), stretch=AVERAGE_STRETCH, header=(1.0, 1.0, 1.0)):
    """Return the registration of a head whose scan has header / true spacing along i, j, k."""
    to_template = np.eye(4)
    to_template[:3, :3] = stretch @ rigid_motion(pose)[:3, :3] @ np.diag(1 / np.array(header))
    return Registration(np.linalg.inv(to_template), 0.9)


@pytest.mark.parametrize("pose", POSES)
def test_the_average_head_needs_no_more_than_average(pose):
    found = measure_stretch(registered(pose), grid(), SHAPE)

    assert found.slice_scale == pytest.approx(1.0, abs=1e-6)
    assert found.pixel_scale == pytest.approx(1.0, abs=1e-6)
    assert found.shear == pytest.approx(0.0, abs=1e-6)
    assert found.scale == pytest.approx(sorted(np.diag(AVERAGE_STRETCH)))
    assert found.similarity == 0.9


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.25, 2.0])
def test_a_wrong_slice_spacing_shows_whichever_way_the_head_lay(pose, factor):
    found = measure_stretch(registered(pose, header=(1, 1, factor)), grid(), SHAPE)

    assert found.slice_scale == pytest.approx(1 / factor, rel=0.1)


@pytest.mark.parametrize("factor", [0.75, 1.25])
def test_a_wrong_pixel_size_shows(factor):
    found = measure_stretch(registered(header=(factor, 1, 1)), grid(), SHAPE)
    assert found.pixel_scale == pytest.approx(1 / factor, rel=0.02)

    found = measure_stretch(registered(header=(factor, factor, 1)), grid(), SHAPE)
    assert found.pixel_scale == pytest.approx(1.0, abs=0.02)
    assert found.slice_scale == pytest.approx(factor, rel=0.02)


def test_coronal_slices_have_another_axis():
    found = measure_stretch(registered(header=(1, 1.25, 1)), grid((1.8, 6.0, 1.8)), (120, 24, 100))

    assert found.slice_scale == pytest.approx(1 / 1.25, rel=0.02)


def test_slices_that_lean_shear_the_head():
    lean = np.eye(3)
    lean[1, 2] = np.tan(np.deg2rad(20))

    assert measure_stretch(registered(stretch=AVERAGE_STRETCH @ lean), grid(), SHAPE).shear > 0.1


def test_the_left_polar_decomposition():
    stretch = np.array([[1.1, 0.05, 0.0], [0.05, 1.0, 0.02], [0.0, 0.02, 1.2]])
    rotation = rigid_motion((30.0, 20.0, 10.0))[:3, :3]

    found, factors = stretch_of(stretch @ rotation)

    np.testing.assert_allclose(found, stretch, atol=1e-9)
    np.testing.assert_allclose(factors, np.sort(np.linalg.eigvalsh(stretch))[::-1], atol=1e-9)
