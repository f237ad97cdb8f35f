"""A simulated scan shows each point where it is, blurred as thick slices blur it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.scan.geometry import (
    Volume,
    apply_affine,
    sitk_from_volume,
    slice_axis,
    to_canonical,
    volume_from_sitk,
)
from BrainAgeLib.training.thick_slices import (
    PROFILE_WEIGHTS,
    Protocol,
    cut_thick_slices,
    random_protocol,
)
from Testing.library.phantoms import rigid_motion

VOXEL_MM = 2.0
SHAPE = (60, 60, 60)  # 120 mm cube


def box_affine():
    """Return the affine of a cube of 2 mm voxels around the origin."""
    affine = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    affine[:3, 3] = -(np.array(SHAPE) - 1) / 2 * VOXEL_MM
    return affine


def slab(first_mm, last_mm, level=100.0):
    """Return a volume that is bright between two heights, and faint elsewhere."""
    volume = torch.full(SHAPE, 0.01)
    heights = box_affine()[2, 3] + VOXEL_MM * np.arange(SHAPE[0])
    volume[torch.as_tensor((heights >= first_mm) & (heights <= last_mm))] = level
    return volume


def slice_heights(scan, affine):
    """Return the height of each slice's middle in mm."""
    return affine[2, 3] + affine[2, 2] * np.arange(len(scan))


def middle_of_light(scan, affine):
    """Return the center of brightness in world mm."""
    weights = scan.numpy()
    k, j, i = np.nonzero(weights)
    points = apply_affine(affine, np.stack([i, j, k], -1).astype(float))
    return np.average(points, axis=0, weights=weights[k, j, i])


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("tilt_degrees", [(0.0, 0.0, 0.0), (15.0, -8.0, 5.0)])
def test_a_dot_stays_at_its_place_in_the_world(plane, tilt_degrees):
    protocol = Protocol(plane, 5.0, 0.0, 2.0, tilt_degrees, phase=0.3)
    volume, affine = torch.full(SHAPE, 1e-6), rigid_motion((3, 4, 5)) @ box_affine()
    volume[34:38, 21:25, 40:44] = 100.0
    center = apply_affine(affine, np.array([41.5, 22.5, 35.5]))

    scan, scan_affine = cut_thick_slices(volume, affine, protocol)

    scan[scan < 0.01] = 0
    offset = np.linalg.inv(scan_affine[:3, :3]) @ (middle_of_light(scan, scan_affine) - center)
    assert np.abs(offset).max() < 0.5  # pixels, slices


@pytest.mark.parametrize(
    ("plane", "normal"), [("axial", [0, 0, 1]), ("coronal", [0, 1, 0]), ("sagittal", [1, 0, 0])]
)
def test_grid_is_that_of_the_protocol(plane, normal):
    protocol = Protocol(plane, thickness_mm=5.0, gap_mm=1.5, in_plane_mm=1.25)

    scan, affine = cut_thick_slices(slab(-30, 30), box_affine(), protocol)

    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    assert spacing == pytest.approx([1.25, 1.25, 6.5])
    assert protocol.spacing_mm == 6.5
    assert affine[:3, 2] / 6.5 == pytest.approx(normal)
    extent_mm = np.array(scan.shape[::-1]) * spacing
    assert (extent_mm >= 118).all()  # the field of view holds all of it


def test_tilt_turns_the_stack():
    protocol = Protocol(tilt_degrees=(20.0, 0.0, 0.0))

    _, affine = cut_thick_slices(slab(-30, 30), box_affine(), protocol)

    normal = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    assert np.rad2deg(np.arccos(normal[2])) == pytest.approx(20.0)
    assert normal[0] == pytest.approx(0.0)
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    assert axes.T @ axes == pytest.approx(np.eye(3))


@pytest.mark.parametrize("thickness_mm", [3.0, 5.0, 8.0])
def test_a_thick_slice_averages_over_its_thickness(thickness_mm):
    # An edge at 0 mm. Slices 1 mm apart show how far it is smeared.
    protocol = Protocol(thickness_mm=thickness_mm, gap_mm=1.0 - thickness_mm, phase=0.5)

    scan, affine = cut_thick_slices(slab(-60, -1), box_affine(), protocol)

    heights = slice_heights(scan, affine)
    shown = scan[:, scan.shape[1] // 2, scan.shape[2] // 2].numpy() / 100
    inside = (heights > -40) & (heights < 40)
    below, above = (
        inside & (heights < -thickness_mm / 2 - 2),
        inside & (heights > thickness_mm / 2 + 2),
    )
    assert np.abs(shown[below] - 1).max() < 1e-3
    assert np.abs(shown[above]).max() < 1e-3
    # The average of the signal over heights equals the place of the edge: nothing is shifted.
    assert shown[inside].sum() == pytest.approx((heights[inside] < 0).sum(), abs=0.6)
    # 2 to 98 % of the step lie within the slice and one voxel.
    smeared = heights[inside & (shown > 0.02) & (shown < 0.98)]
    assert thickness_mm - 1.5 <= np.ptp(smeared) <= thickness_mm + 2.5


def test_brightness_of_a_uniform_object_stays():
    assert PROFILE_WEIGHTS[::-1] == PROFILE_WEIGHTS

    scan, _ = cut_thick_slices(torch.full(SHAPE, 70.0), box_affine(), Protocol())

    middle = tuple(n // 2 for n in scan.shape)
    assert float(scan[middle]) == pytest.approx(70.0, rel=1e-4)
    assert float(scan.max()) < 70.1
    assert float(scan.min()) == 0.0  # outside the volume


def test_phase_moves_the_slices_by_its_share_of_the_spacing():
    one, other = (
        cut_thick_slices(slab(-30, 30), box_affine(), Protocol(phase=phase))[1]
        for phase in (0.2, 0.7)
    )

    assert other[:3, 3] - one[:3, 3] == pytest.approx([0.0, 0.0, 0.5 * 6.0])


def test_missing_slices_leave_the_others_where_they_were():
    whole, affine = cut_thick_slices(slab(-30, 30), box_affine(), Protocol())
    protocol = replace(Protocol(), missing_bottom=3, missing_top=4)

    part, part_affine = cut_thick_slices(slab(-30, 30), box_affine(), protocol)

    assert len(part) == len(whole) - 7
    assert torch.allclose(part, whole[3:-4], atol=1e-3)
    assert slice_heights(part, part_affine)[0] == pytest.approx(slice_heights(whole, affine)[3])


def test_some_slices_always_remain():
    protocol = Protocol(missing_bottom=30, missing_top=30)

    scan, _ = cut_thick_slices(slab(-30, 30), box_affine(), protocol)

    assert len(scan) == 3


def test_coarse_pixels_are_averages():
    volume = 50.0 + 20.0 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(2))

    fine, _ = cut_thick_slices(volume, box_affine(), Protocol(in_plane_mm=2.0))
    coarse, _ = cut_thick_slices(volume, box_affine(), Protocol(in_plane_mm=4.0))

    middle = (slice(5, -5), slice(8, -8), slice(8, -8))
    assert float(coarse[middle].std()) < 0.8 * float(fine[middle].std())
    assert float(coarse[middle].mean()) == pytest.approx(float(fine[middle].mean()), abs=1.0)


def test_random_protocols_are_those_of_hospitals():
    drawn = [random_protocol(np.random.default_rng(seed)) for seed in range(400)]

    planes = [protocol.plane for protocol in drawn]
    assert 0.75 < planes.count("axial") / 400 < 0.92
    assert {"coronal", "sagittal"} <= set(planes)
    assert all(2.0 <= p.thickness_mm <= 8.0 for p in drawn)
    assert all(0.0 <= p.gap_mm <= 0.5 * p.thickness_mm for p in drawn)
    assert all(1.0 <= p.in_plane_mm <= 3.0 for p in drawn)
    assert all(0.0 <= p.phase <= 1.0 for p in drawn)
    assert max(abs(t) for p in drawn for t in p.tilt_degrees) <= 20.0
    assert max(p.tilt_degrees[0] for p in drawn) > 12.0
    lost_mm = [max(p.missing_bottom, p.missing_top) * p.thickness_mm for p in drawn]
    assert 0.15 < np.mean(np.array(lost_mm) > 0) < 0.45
    assert max(lost_mm) < 30.0


def test_the_same_seed_draws_the_same_protocol():
    assert random_protocol(np.random.default_rng(5)) == random_protocol(np.random.default_rng(5))
    assert random_protocol(np.random.default_rng(5)) != random_protocol(np.random.default_rng(6))


@pytest.mark.parametrize(("plane", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
def test_a_simulated_scan_is_recognised_as_what_it_is(plane, axis):
    protocol = Protocol(plane, tilt_degrees=(12.0, 5.0, 5.0))
    scan, affine = cut_thick_slices(slab(-30, 30), box_affine(), protocol)

    canonical = volume_from_sitk(to_canonical(sitk_from_volume(Volume(scan.numpy(), affine))))

    assert slice_axis(canonical.affine, canonical.voxels.shape) == axis


def test_a_mask_is_cut_in_the_field_of_view_of_its_scan():
    protocol, mask = Protocol(), torch.zeros(SHAPE)
    mask[25:35, 20:40, 15:30] = 1.0

    scan, affine = cut_thick_slices(slab(-30, 30), box_affine(), protocol)
    cut, of_mask = cut_thick_slices(mask, box_affine(), protocol, within=slab(-30, 30))
    alone, _ = cut_thick_slices(mask, box_affine(), protocol)

    assert cut.shape == scan.shape != alone.shape
    assert np.array_equal(of_mask, affine)
    center = apply_affine(box_affine(), np.array([22.0, 29.5, 29.5]))
    assert np.abs(middle_of_light(cut, of_mask) - center).max() < 1.0
