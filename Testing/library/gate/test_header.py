"""What a head tells of the header of its scan, however it lay."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.gate.header import (
    AVERAGE_STRETCH,
    Header,
    measure,
    shape_of_head,
    stretch_of,
    turn_degrees,
)
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED
from Testing.library.gate.sound import evidence, found, only_finding, placed_at
from Testing.library.phantoms import rigid_motion, template_brain, thick_slices_of

SHAPE = (24, 120, 100)
POSES = [(0.0, 0.0, 0.0), (-15.0, 4.0, 7.0), (25.0, -10.0, 3.0)]


def grid(spacing_mm=(1.8, 1.8, 6.0)):
    """Return the affine of axial slices."""
    return np.diag([*spacing_mm, 1.0])


def measured(pose=(0.0, 0.0, 0.0), stretch=AVERAGE_STRETCH, header=(1.0, 1.0, 1.0), **scan):
    """Return the shape of a head whose scan has header / true spacing along i, j, k."""
    matrix = stretch @ rigid_motion(pose)[:3, :3] @ np.diag(1 / np.array(header))
    return Header(*shape_of_head(matrix, scan.get("affine", grid()), scan.get("shape", SHAPE)))


@pytest.mark.parametrize("pose", POSES)
def test_the_average_head_needs_no_more_than_average(pose):
    shape = measured(pose)

    assert shape.slice_scale == pytest.approx(1.0, abs=1e-6)
    assert shape.pixel_scale == pytest.approx(1.0, abs=1e-6)
    assert shape.shear == pytest.approx(0.0, abs=1e-6)
    assert shape.scale == pytest.approx(sorted(np.diag(AVERAGE_STRETCH)))


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.25, 2.0])
def test_a_wrong_slice_spacing_shows_whichever_way_the_head_lay(pose, factor):
    shape = measured(pose, header=(1, 1, factor))

    assert shape.slice_scale == pytest.approx(1 / factor, rel=0.1)


@pytest.mark.parametrize("factor", [0.75, 1.25])
def test_a_wrong_pixel_size_shows(factor):
    shape = measured(header=(factor, 1, 1))
    assert shape.pixel_scale == pytest.approx(1 / factor, rel=0.02)

    shape = measured(header=(factor, factor, 1))
    assert shape.pixel_scale == pytest.approx(1.0, abs=0.02)
    assert shape.slice_scale == pytest.approx(factor, rel=0.02)


def test_coronal_slices_have_another_axis():
    shape = measured(header=(1, 1.25, 1), affine=grid((1.8, 6.0, 1.8)), shape=(120, 24, 100))

    assert shape.slice_scale == pytest.approx(1 / 1.25, rel=0.02)


def test_slices_that_lean_shear_the_head():
    lean = np.eye(3)
    lean[1, 2] = np.tan(np.deg2rad(20))

    assert measured(stretch=AVERAGE_STRETCH @ lean).shear > 0.1


def test_the_left_polar_decomposition():
    stretch = np.array([[1.1, 0.05, 0.0], [0.05, 1.0, 0.02], [0.0, 0.02, 1.2]])
    rotation = rigid_motion((30.0, 20.0, 10.0))[:3, :3]

    symmetric, factors = stretch_of(stretch @ rotation)

    np.testing.assert_allclose(symmetric, stretch, atol=1e-9)
    np.testing.assert_allclose(factors, np.sort(np.linalg.eigvalsh(stretch))[::-1], atol=1e-9)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_a_head_that_is_turned_about_fits_better_turned_back(axes):
    brain = template_brain()
    turned = brain.with_voxels(np.ascontiguousarray(np.flip(brain.voxels, axes)))
    here = measure(evidence(placed_at(thick_slices_of(brain))))
    there = measure(evidence(placed_at(thick_slices_of(turned))))

    assert there.pattern_turned > there.pattern
    assert here.pattern_turned < 0.6 * here.pattern


def test_a_head_that_was_not_registered_tells_nothing(thick_brain):
    scan = PlacedScan(thick_brain, thick_brain.voxels > 25, NOT_REGISTERED)

    assert measure(evidence(scan)) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slice_scale": 0.87}, {}),
        ({"slice_scale": 1.15}, {}),
        ({"slice_scale": 0.869}, {"wrong_spacing": "refuse"}),
        ({"slice_scale": 1.151}, {"wrong_spacing": "refuse"}),
        # Of the average head, a header that is wrong by 25 % either way.
        ({"slice_scale": 1 / 1.25}, {"wrong_spacing": "refuse"}),
        ({"slice_scale": 1 / 0.75}, {"wrong_spacing": "refuse"}),
        ({"pixel_scale": 0.85}, {}),
        ({"pixel_scale": 1.18}, {}),
        ({"pixel_scale": 0.849}, {"wrong_pixel_size": "refuse"}),
        ({"pixel_scale": 1.181}, {"wrong_pixel_size": "refuse"}),
        ({"scale": (0.8, 1.0, 1.5)}, {}),
        ({"scale": (0.79, 1.0, 1.2)}, {"registration_scale": "refuse"}),
        ({"scale": (1.0, 1.1, 1.51)}, {"registration_scale": "refuse"}),
        ({"shear": 0.1}, {}),
        ({"shear": 0.101}, {"shear": "refuse"}),
    ],
)
def test_limits_of_the_stretch(changes, expected):
    assert found("header", **changes) == expected


@pytest.mark.parametrize(
    ("pattern", "turned", "expected"),
    [
        (0.5, 0.41, {}),
        (0.5, 0.411, {"orientation": "refuse"}),
        (0.3, 0.6, {"orientation": "refuse"}),
        (0.05, 0.6, {}),  # no pattern, no upside
    ],
)
def test_limits_of_the_orientation(pattern, turned, expected):
    assert found("header", pattern=pattern, pattern_turned=turned) == expected


@pytest.mark.parametrize(
    ("degrees", "expected"), [(0.0, {}), (60.0, {}), (61.0, {"head_turned": "warn"})]
)
def test_limits_of_the_turn(degrees, expected):
    assert found("header", turn_degrees=degrees) == expected


@pytest.mark.parametrize("degrees", [-170.0, -90.0, -20.0, 0.0, 20.0, 90.0, 180.0])
def test_the_turn_is_told_however_the_head_is_pitched_and_stretched(degrees):
    radians = np.deg2rad(degrees)
    turn = np.array(
        [
            [np.cos(radians), -np.sin(radians), 0.0],
            [np.sin(radians), np.cos(radians), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    pitched = rigid_motion((15.0, 0.0, 0.0))[:3, :3]

    assert turn_degrees(AVERAGE_STRETCH @ pitched @ turn) == pytest.approx(abs(degrees), abs=1.0)


def test_a_finding_tells_value_and_limit():
    finding = only_finding("header", slice_scale=0.61237)
    assert (finding.value, finding.limit) == (0.612, "0.87 to 1.15")
    finding = only_finding("header", scale=(0.5, 1.0, 1.6))
    assert (finding.value, finding.limit) == (0.5, "0.8 to 1.5")
