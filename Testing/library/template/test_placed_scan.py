"""A placed scan: how large its brain is, what the models see of it, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.template.grid import grid_heights_mm, grid_points_mm
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED, Registration
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.phantoms import moved, rigid_motion, template_brain, thick_slices_of

OBLIQUE = (14.0, -9.0, 11.0)
PROTOCOLS = {
    "axial": Protocol(),
    "axial, tilted": Protocol(tilt_degrees=OBLIQUE),
    "axial, thin": Protocol(thickness_mm=3.0, gap_mm=0.0, tilt_degrees=OBLIQUE),
    "coronal": Protocol(plane="coronal", tilt_degrees=OBLIQUE),
    "sagittal": Protocol(plane="sagittal", tilt_degrees=OBLIQUE),
}
# The head lies elsewhere in the scanner and is not of the template's size.
TEMPLATE_TO_SCAN = rigid_motion((20, 10, -15), (30, -40, 50)) @ np.diag([0.9, 0.95, 0.85, 1.0])
GRID_POINTS_MM = grid_points_mm(grid_heights_mm(torch.zeros(1)))


def placed_scan(volume, template_to_scan=None):
    """Return a brain-extracted scan, moved away from the template if a transform says so."""
    mask = volume.voxels > 25
    if template_to_scan is None:
        return PlacedScan(volume, mask, NOT_REGISTERED)
    return PlacedScan(moved(volume, template_to_scan), mask, Registration(template_to_scan, 0.9))


@pytest.fixture(params=[*PROTOCOLS, "3d", "one slice"])
def placed(request):
    """Return scans of every kind, each elsewhere in the world."""
    if request.param == "3d":
        return placed_scan(template_brain(), TEMPLATE_TO_SCAN)
    if request.param == "one slice":
        scan = thick_slices_of(template_brain(), PROTOCOLS["axial, tilted"])
        middle = len(scan.voxels) // 2
        affine = scan.affine.copy()
        affine[:3, 3] += middle * affine[:3, 2]
        return placed_scan(Volume(scan.voxels[[middle]], affine), TEMPLATE_TO_SCAN)
    return placed_scan(
        thick_slices_of(template_brain(), PROTOCOLS[request.param]), TEMPLATE_TO_SCAN
    )


def template_points_mm(placed):
    """Return the template coordinates (k, j, i, 3) of a scan's voxels."""
    axes = [np.arange(count) for count in placed.mask.shape]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), -1)[..., ::-1].astype(float)
    return apply_affine(placed.index_to_template, index)


def within(placed):
    """Return the brain voxels (k, j, i) inside the grid."""
    points = template_points_mm(placed)
    low, high = GRID_POINTS_MM[0, 0, 0].numpy(), GRID_POINTS_MM[-1, -1, -1].numpy()
    return placed.mask & ((points > low) & (points < high)).all(-1)


def test_volume_of_the_mask():
    mask = np.zeros((4, 10, 10), bool)
    mask[1, 2:4, 3:8] = True
    volume = Volume(mask.astype(np.float32), np.diag([2.0, 3.0, 5.0, 1.0]))

    scan = PlacedScan(volume, mask, NOT_REGISTERED)

    assert scan.brain_volume_ml == pytest.approx(10 * 30 / 1000)


def test_slices_are_the_same_wherever_the_scan_lay(template, thick_brain):
    motion = rigid_motion((0, 0, 0), (30, -40, 50))

    here = placed_scan(thick_brain).slices(template, "cpu")
    there = placed_scan(thick_brain, motion).slices(template, "cpu")

    assert len(here) > 15
    assert np.allclose(here.planes, there.planes, atol=1e-3)
    assert np.allclose(here.images, there.images, atol=0.02)


def test_values_land_on_the_anatomy_they_belong_to(placed):
    inside = within(placed)
    points = template_points_mm(placed)[inside]

    for axis in range(3):
        found = placed.on_voxels(GRID_POINTS_MM[..., axis])
        assert np.abs(found[inside] - points[:, axis]).max() < 0.05
    assert inside.sum() > 0.9 * placed.mask.sum()


def test_nothing_outside_the_brain(placed):
    found = placed.on_voxels(torch.ones(GRID_POINTS_MM.shape[:-1]))

    assert found.dtype == np.float32
    assert found.shape == placed.mask.shape
    assert np.isfinite(found).all()
    assert (found[~placed.mask] == 0).all()
    assert found[within(placed)] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("is_above", [False, True])
def test_beyond_the_grid_values_fade(is_above):
    edge_mm = GRID_POINTS_MM[-1 if is_above else 0, 0, 0, 2].item()
    affine = np.diag([5.0, 5.0, 1.0 if is_above else -1.0, 1.0])
    affine[2, 3] = edge_mm
    volume = Volume(np.ones((6, 4, 4), np.float32), affine)  # slice k is k mm beyond the edge
    placed = PlacedScan(volume, np.ones((6, 4, 4), bool), NOT_REGISTERED)

    found = placed.on_voxels(torch.full(GRID_POINTS_MM.shape[:-1], 3.0))

    assert found.mean((1, 2)) == pytest.approx([3.0, 3.0, 3.0, 1.5, 0.0, 0.0], abs=1e-4)
    assert np.ptp(found, (1, 2)).max() < 1e-4
