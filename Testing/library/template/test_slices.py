"""Slices are looked up where they lie: each pixel at its own height in the template."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template import slices as slices_module
from BrainAgeLib.template.grid import (
    GRID_FIRST_XY_MM,
    GRID_HEIGHT,
    GRID_SPACING_MM,
    GRID_WIDTH,
    heights_mm,
)
from BrainAgeLib.template.slices import LEAST_BRAIN_PIXELS, slices_of_scan
from BrainAgeLib.template.template import BRAIN_CENTER_MM
from Testing.library.phantoms import rigid_motion

BASE_LEVEL = 200.0  # keeps a brightness that grows with height above 0


@pytest.fixture
def as_acquired(monkeypatch):
    """Let the slices keep the brightness that they were acquired with."""
    monkeypatch.setattr(slices_module, "normalise_intensity", lambda images, *_: images)


def stack_affine(spacing_mm, shape, motion=None):
    """Return the affine of a grid (k, j, i) that is centred on the brain, then moved."""
    affine = np.diag([*spacing_mm, 1.0])
    middle = (np.array(shape[::-1]) - 1) / 2
    affine[:3, 3] = BRAIN_CENTER_MM - affine[:3, :3] @ middle
    return affine if motion is None else motion @ affine


def world_points(affine, shape):
    """Return the place (k, j, i, 3) of each voxel in mm."""
    k, j, i = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return apply_affine(affine, np.stack([i, j, k], -1).astype(float))


def ball(affine, shape, radius_mm=60.0):
    """Return a scan whose brightness tells its height, and the mask of a ball-shaped brain."""
    points = world_points(affine, shape)
    mask = ((points - BRAIN_CENTER_MM) ** 2).sum(-1) < radius_mm**2
    return (
        torch.as_tensor(BASE_LEVEL + points[..., 2], dtype=torch.float32),
        torch.as_tensor(mask, dtype=torch.float32),
    )


def grid_mm():
    """Return template x and y of the pixels (y, x) in mm."""
    return np.meshgrid(
        GRID_FIRST_XY_MM[0] + GRID_SPACING_MM * np.arange(GRID_WIDTH),
        GRID_FIRST_XY_MM[1] + GRID_SPACING_MM * np.arange(GRID_HEIGHT),
    )


def acquired_heights_mm(affine, count):
    """Return the height (k, y, x) over each pixel of the grid of so many acquired slices."""
    normal = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    origin = apply_affine(affine, np.array([[0.0, 0.0, k] for k in range(count)]))
    x, y = grid_mm()
    along = (origin @ normal)[:, None, None] - normal[0] * x - normal[1] * y
    return along / normal[2]


def well_inside(found, radius_mm=50.0):
    """Say which pixels (slice, y, x) lie deep in the ball, where no blur reaches its surface."""
    x, y = grid_mm()
    z = heights_mm(found.planes)
    return z.new_tensor(x**2 + (y - 18) ** 2) + (z - 4) ** 2 < radius_mm**2


@pytest.mark.parametrize("degrees", [(0, 0, 0), (25, 0, 0), (-20, 10, 15), (0, -15, 0)])
@pytest.mark.usefixtures("as_acquired")
def test_heights_of_tilted_slices_are_exact(maps, degrees):
    shape = (24, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape, rigid_motion(degrees))
    scan, mask = ball(affine, shape)

    found = slices_of_scan(scan, mask, affine, maps)

    heights = heights_mm(found.planes)
    inside = well_inside(found)
    assert inside.sum() > 8_000
    assert (found.images - BASE_LEVEL - heights)[inside].abs().max() < 0.02
    acquired = acquired_heights_mm(affine, shape[0])
    for plane in heights.numpy():
        assert np.abs(plane - acquired).max((1, 2)).min() < 1e-3


@pytest.mark.parametrize(
    ("spacing_mm", "together"), [(6.0, 1), (5.0, 1), (3.0, 2), (2.5, 2), (2.0, 2), (1.5, 3)]
)
@pytest.mark.usefixtures("as_acquired")
def test_thin_neighbours_are_averaged(maps, spacing_mm, together):
    shape = (round(120 / spacing_mm), 140, 130)
    affine = stack_affine((0.9, 0.9, spacing_mm), shape)
    scan, mask = ball(affine, shape)

    found = slices_of_scan(scan, mask, affine, maps)

    heights = found.planes[:, 0]
    assert torch.diff(heights).numpy() == pytest.approx(together * spacing_mm, abs=1e-3)
    first = (heights[0].item() - affine[2, 3]) / spacing_mm - (together - 1) / 2
    assert first / together == pytest.approx(round(first / together), abs=1e-3)
    inside = well_inside(found)
    assert (found.images - BASE_LEVEL - heights_mm(found.planes))[inside].abs().max() < 0.02


@pytest.mark.parametrize(
    ("spacing_mm", "shape"),
    [
        ((2.0, 2.0, 2.0), (70, 80, 70)),  # 3D
        ((2.0, 6.0, 2.0), (70, 24, 70)),  # coronal
        ((6.0, 2.0, 2.0), (70, 80, 22)),  # sagittal
    ],
)
@pytest.mark.usefixtures("as_acquired")
def test_what_was_not_acquired_axially_becomes_axial_slabs(maps, spacing_mm, shape):
    affine = stack_affine(spacing_mm, shape, rigid_motion((8, 4, 4)))
    scan, mask = ball(affine, shape)

    found = slices_of_scan(scan, mask, affine, maps)

    assert (found.planes[:, 1:] == 0).all()
    heights = found.planes[:, 0]
    assert torch.diff(heights).unique().tolist() == [6.0]
    assert heights.min() < -42
    assert heights.max() > 50
    inside = well_inside(found)
    assert (found.images - BASE_LEVEL - heights[:, None, None])[inside].abs().max() < 0.02


@pytest.mark.usefixtures("as_acquired")
def test_a_stack_that_lies_on_its_side_in_the_template_becomes_slabs(maps):
    shape = (24, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape, rigid_motion((60, 0, 0)))

    found = slices_of_scan(*ball(affine, shape), affine, maps)

    assert (found.planes[:, 1:] == 0).all()


@pytest.mark.usefixtures("as_acquired")
def test_a_single_slice_is_enough(maps):
    shape = (1, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape)

    found = slices_of_scan(*ball(affine, shape), affine, maps)

    assert len(found) == 1
    assert found.planes[0].tolist() == pytest.approx([4.0, 0.0, 0.0], abs=1e-3)


def test_slices_without_enough_brain_are_left_out(maps):
    shape = (24, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape)
    scan, mask = ball(affine, shape, radius_mm=40.0)

    found = slices_of_scan(scan, mask, affine, maps)

    assert 11 <= len(found) <= 13
    assert ((found.images > 0).sum((1, 2)) >= LEAST_BRAIN_PIXELS * 0.9).all()
    assert len(slices_of_scan(scan, mask * 0, affine, maps)) == 0


def test_of_pixels_that_the_brain_fills_in_part_it_is_known_how_much(maps, monkeypatch):
    def brightness(masked, cover, *_):
        return torch.where(cover > 0.01, masked / cover.clamp(min=0.01), torch.zeros(()))

    monkeypatch.setattr(slices_module, "normalise_intensity", brightness)
    shape = (3, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape)
    _, mask = ball(affine, shape)

    found = slices_of_scan(torch.full(shape, 100.0), mask, affine, maps)

    brain = found.images[found.images > 0]
    assert len(brain) > LEAST_BRAIN_PIXELS
    assert (brain - 100).abs().max() < 0.01


@pytest.mark.parametrize(
    ("shift_mm", "least", "most"), [(0, 0.93, 1.0), (40, 0.4, 0.7), (600, 0, 0)]
)
def test_share_in_the_template_tells_whether_the_brain_lies_there(
    maps, thick_brain, shift_mm, least, most
):
    voxels = torch.as_tensor(thick_brain.voxels)
    affine = rigid_motion(shift_mm=(0, 0, shift_mm)) @ thick_brain.affine

    slices = slices_of_scan(voxels, (voxels > 20).float(), affine, maps)

    assert least <= slices.fraction_in_template <= most


def test_share_of_no_brain_is_nothing(maps):
    shape = (24, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape)
    scan, mask = ball(affine, shape)

    assert slices_of_scan(scan, mask * 0, affine, maps).fraction_in_template == 0.0


def test_template_channel_shows_the_template_at_the_same_heights(maps, template):
    shape = (3, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape)

    found = slices_of_scan(*ball(affine, shape), affine, maps)

    x, y = 30, 40
    place = [
        GRID_FIRST_XY_MM[0] + x * GRID_SPACING_MM,
        GRID_FIRST_XY_MM[1] + y * GRID_SPACING_MM,
        float(found.planes[1, 0]),
    ]
    i, j, k = np.rint(apply_affine(np.linalg.inv(template.t1.affine), np.array(place))).astype(int)
    near = template.t1.voxels[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] / 255
    assert near.min() <= float(found.template[1, y, x]) <= near.max()


@pytest.mark.usefixtures("as_acquired")
def test_a_mirrored_scan_gives_mirrored_slices(maps):
    shape = (24, 96, 80)
    affine = stack_affine((2.0, 2.0, 6.0), shape, rigid_motion((10, 8, 5), (12.0, 0.0, 0.0)))
    scan, mask = ball(affine, shape)
    scan += torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 50

    straight = slices_of_scan(scan, mask, affine, maps)
    other_way = slices_of_scan(scan, mask, np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine, maps)

    assert torch.allclose(straight.images.flip(-1), other_way.images, atol=0.02)
    sign = torch.tensor([1.0, -1.0, 1.0])  # the slope along x turns round
    assert torch.allclose(straight.planes * sign, other_way.planes, atol=1e-3)
    assert not torch.allclose(straight.images, other_way.images, atol=1.0)


def test_slices_go_to_a_device_as_they_are(maps, thick_brain):
    voxels = torch.as_tensor(thick_brain.voxels)
    slices = slices_of_scan(voxels, (voxels > 20).float(), thick_brain.affine, maps)

    assert torch.equal(slices.to("cpu").images, slices.images)
    assert slices.to("meta").planes.device.type == "meta"
