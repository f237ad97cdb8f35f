"""What is measured on a brain mask, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.brain import measure
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.placed_scan import PlacedScan
from Testing.library.gate.sound import IN_PLACE, evidence, found, only_finding, placed_at
from Testing.library.phantoms import template_brain


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice scan in its place."""
    return placed_at(thick_brain)


def measured(placed, **more):
    """Return what is measured on the mask of a scan."""
    return measure(evidence(placed, **more))


def with_margin(placed, value):
    """Return volume and mask of a scan with 15 more pixels on each side, of that value."""
    around = np.pad(placed.volume.voxels, ((0, 0), (15, 15), (15, 15)), constant_values=value)
    affine = placed.volume.affine.copy()
    affine[:3, 3] -= 15 * (affine[:3, 0] + affine[:3, 1])
    return Volume(around, affine), np.pad(placed.mask, ((0, 0), (15, 15), (15, 15)))


def test_a_whole_brain_in_its_place(placed):
    brain = measured(placed)

    assert brain.volume_ml == pytest.approx(placed.brain_volume_ml, rel=0.01)
    assert max(brain.leak_fraction, brain.missed_fraction, brain.edge_fraction) < 0.01
    assert brain.rim_fraction < 0.1
    assert brain.signal_around < 0.05


def test_what_lies_outside_the_field_of_view_is_reckoned_in(placed):
    volume = placed.volume
    half = placed_at(Volume(volume.voxels[: len(volume.voxels) // 2], volume.affine))

    assert half.brain_volume_ml < 0.6 * placed.brain_volume_ml
    assert measured(half).volume_ml == pytest.approx(placed.brain_volume_ml, rel=0.1)


def test_a_side_that_is_cut_lies_on_the_edge(placed):
    volume = placed.volume
    cut = Volume(volume.voxels[:, :, : volume.voxels.shape[2] * 2 // 3], volume.affine)

    assert measured(placed_at(cut)).edge_fraction > 0.1


@pytest.mark.parametrize("axis", [1, 2])
def test_a_half_that_was_stretched_is_cut_through_at_an_edge(placed, axis):
    voxels, affine = placed.volume.voxels, placed.volume.affine
    half = Volume(np.split(voxels, [voxels.shape[axis] // 2], axis)[0], affine)
    wide = np.diag([1.7, 1.0, 1.0, 1.0])  # as a registration makes a whole of a half

    assert measured(placed).cut_through is measured(placed_at(half)).cut_through is None
    assert measured(placed_at(half, np.linalg.inv(wide))).cut_through > 0.9
    assert measured(placed_at(placed.volume, np.linalg.inv(wide))).cut_through < 0.4


def test_ends_of_a_coronal_stack_are_no_edge():
    coronal = np.ascontiguousarray(template_brain().voxels[:, 3:94:3])
    affine = template_brain().affine.copy()
    affine[:3, 3] += 3 * affine[:3, 1]
    affine[:3, 1] *= 3

    assert measured(placed_at(Volume(coronal, affine))).edge_fraction < 0.01


def test_a_leak_is_outside_and_a_hole_inside(placed):
    volume, mask = with_margin(placed, 1.0)
    leaked, hole = mask.copy(), mask.copy()
    leaked[:, 5:12] = True
    middle = np.array(mask.shape) // 2
    hole[middle[0] - 2 : middle[0] + 2, middle[1] - 12 : middle[1] + 12] = False
    sound = PlacedScan(volume, mask, IN_PLACE)

    assert measured(replace(sound, mask=leaked)).leak_fraction > 0.05
    assert measured(replace(sound, mask=hole)).missed_fraction > 0.03
    assert measured(sound).leak_fraction < 0.01


def test_a_mask_that_is_too_small_has_brain_around_it(placed):
    small = placed.mask.copy()
    for shift in (-5, 5):
        for axis in (1, 2):
            small &= np.roll(placed.mask, shift, axis)

    assert measured(replace(placed, mask=small)).rim_fraction > 0.2


@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e30])
def test_a_skull_is_signal_around_the_brain_in_any_unit(placed, unit):
    volume, mask = with_margin(placed, 0.0)
    voxels = np.where(volume.voxels == 0, np.float32(200), volume.voxels)
    head = volume.with_voxels(voxels * np.float32(unit))
    scan = PlacedScan(head, mask, IN_PLACE)

    assert measured(scan).signal_around > 0.8
    assert measured(scan, is_extracted=True).signal_around is None


def test_an_empty_mask_is_no_error(placed):
    brain = measured(replace(placed, mask=np.zeros_like(placed.mask)))

    assert brain.leak_fraction == brain.signal_around == 0
    assert brain.rim_fraction is None


@pytest.mark.parametrize(
    ("volume_ml", "expected"),
    [
        (900.0, {}),
        (2000.0, {}),
        (899.0, {"brain_volume": "warn"}),
        (2001.0, {"brain_volume": "warn"}),
        (700.0, {"brain_volume": "warn"}),
        (2300.0, {"brain_volume": "warn"}),
        (699.0, {"brain_volume": "refuse"}),
        (2301.0, {"brain_volume": "refuse"}),
    ],
)
def test_limits_of_the_volume(volume_ml, expected):
    assert found("brain", volume_ml=volume_ml) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"leak_fraction": 0.03}, {}),
        ({"leak_fraction": 0.031}, {"mask_leaks": "warn"}),
        ({"leak_fraction": 0.081}, {"mask_leaks": "refuse"}),
        ({"missed_fraction": 0.02}, {}),
        ({"missed_fraction": 0.021}, {"mask_misses_brain": "warn"}),
        ({"missed_fraction": 0.101}, {"mask_misses_brain": "refuse"}),
        ({"rim_fraction": 0.2}, {}),
        ({"rim_fraction": 0.21}, {"mask_too_small": "warn"}),
        ({"rim_fraction": None}, {}),
        ({"edge_fraction": 0.1}, {}),
        ({"edge_fraction": 0.101}, {"mask_at_edge": "warn"}),
        ({"cut_through": 0.69}, {}),
        ({"cut_through": 0.71, "edge_fraction": 0.101}, {"mask_at_edge": "refuse"}),
        ({"signal_around": 0.05}, {}),
        ({"signal_around": 0.049}, {"no_skull": "warn"}),
        ({"signal_around": None}, {}),  # it is said to have no skull
    ],
)
def test_limits_of_the_mask(changes, expected):
    assert found("brain", **changes) == expected


def test_value_and_limit_of_a_volume():
    finding = only_finding("brain", volume_ml=650.4)

    assert (finding.value, finding.limit) == (650, "700 to 2300 ml")
    assert only_finding("brain", volume_ml=850.4).limit == "900 to 2000 ml"
