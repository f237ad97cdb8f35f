"""Values on the network's slices come back to the voxels that they belong to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED, Registration
from BrainAgeLib.template.saliency_grid import to_scan_voxels
from BrainAgeLib.template.slices import (
    GRID_FIRST_XY_MM,
    GRID_HEIGHT,
    GRID_SPACING_MM,
    GRID_WIDTH,
    heights_mm,
)
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
    return apply_affine(placed.registration.scan_to_template @ placed.volume.affine, index)


def coordinate_maps(planes):
    """Return three maps (slice, y, x) whose values are template x, y and height in mm."""
    x = torch.arange(GRID_WIDTH) * GRID_SPACING_MM + GRID_FIRST_XY_MM[0]
    y = torch.arange(GRID_HEIGHT) * GRID_SPACING_MM + GRID_FIRST_XY_MM[1]
    z = heights_mm(planes)
    return x.expand_as(z), y[:, None].expand_as(z), z


def within(placed, slices):
    """Return the brain voxels (k, j, i) inside the network's grid and between its slices."""
    points = template_points_mm(placed)
    x, y, z = np.moveaxis(points, -1, 0)
    b, c = slices.planes[0, 1:].tolist()
    level = z - b * x - c * y
    last_x = GRID_FIRST_XY_MM[0] + (GRID_WIDTH - 1) * GRID_SPACING_MM
    last_y = GRID_FIRST_XY_MM[1] + (GRID_HEIGHT - 1) * GRID_SPACING_MM
    heights = slices.planes[:, 0]
    return (
        placed.mask
        & (x > GRID_FIRST_XY_MM[0])
        & (x < last_x)
        & (y > GRID_FIRST_XY_MM[1])
        & (y < last_y)
        & (level > heights.min().item() - 0.01)
        & (level < heights.max().item() + 0.01)
    )


def test_values_land_on_the_anatomy_they_belong_to(template, placed):
    slices = placed.slices(template, "cpu")
    inside = within(placed, slices)
    points = template_points_mm(placed)[inside]

    for axis, values in enumerate(coordinate_maps(slices.planes)):
        found = to_scan_voxels(values, slices.planes, placed)
        assert np.abs(found[inside] - points[:, axis]).max() < 0.05
    assert inside.sum() > 0.9 * placed.mask.sum()


def test_nothing_outside_the_brain(template, placed):
    slices = placed.slices(template, "cpu")

    found = to_scan_voxels(torch.ones_like(slices.images), slices.planes, placed)

    assert found.dtype == np.float32
    assert found.shape == placed.mask.shape
    assert np.isfinite(found).all()
    assert (found[~placed.mask] == 0).all()
    assert found[within(placed, slices)] == pytest.approx(1.0, abs=1e-3)


def test_an_acquired_slice_keeps_its_own_values(template):
    placed = placed_scan(thick_slices_of(template_brain(), PROTOCOLS["axial, tilted"]))
    slices = placed.slices(template, "cpu")
    number = torch.arange(1.0, len(slices) + 1.0)[:, None, None]

    found = to_scan_voxels(number.expand_as(slices.images), slices.planes, placed)

    inside = within(placed, slices)
    for own, k in enumerate(slices.source.tolist(), start=1):
        assert found[k][inside[k]] == pytest.approx(own, abs=1e-3)


def test_thin_slices_change_smoothly(template):
    placed = placed_scan(thick_slices_of(template_brain(), PROTOCOLS["axial, thin"]))
    slices = placed.slices(template, "cpu")
    number = torch.arange(1.0, len(slices) + 1.0)[:, None, None]

    found = to_scan_voxels(number.expand_as(slices.images), slices.planes, placed)

    first, second = int(slices.source[4]), int(slices.source[4]) + 1
    assert found[first][within(placed, slices)[first]] == pytest.approx(4.75, abs=0.01)
    assert found[second][within(placed, slices)[second]] == pytest.approx(5.25, abs=0.01)


def test_a_slice_that_the_network_did_not_see_has_no_values(template):
    scan = thick_slices_of(template_brain(), PROTOCOLS["axial"])
    placed = placed_scan(scan)
    top = int(placed.slices(template, "cpu").source[-1])
    mask = placed.mask.copy()
    mask[top, :, : mask.shape[2] // 2 - 2] = False
    mask[top, 8:] = False
    mask[top, 5, 5] = True
    placed = PlacedScan(scan, mask, NOT_REGISTERED)
    slices = placed.slices(template, "cpu")
    assert int(slices.source[-1]) == top - 1

    found = to_scan_voxels(torch.ones_like(slices.images), slices.planes, placed)

    assert found[top] == pytest.approx(0.0, abs=1e-3)
    assert found[top - 1][within(placed, slices)[top - 1]] == pytest.approx(1.0, abs=1e-3)


def test_order_of_the_slices_does_not_matter(template):
    placed = placed_scan(thick_slices_of(template_brain()))
    slices = placed.slices(template, "cpu")
    _, _, heights = coordinate_maps(slices.planes)

    straight = to_scan_voxels(heights, slices.planes, placed)
    reversed_ = to_scan_voxels(heights.flip(0), slices.planes.flip(0), placed)

    assert np.abs(straight - reversed_).max() < 1e-3
