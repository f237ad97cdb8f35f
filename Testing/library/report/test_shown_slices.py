"""People see slices as radiologists do."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.report.shown_slices import (
    REGISTERED_HEIGHTS_MM,
    input_pictures,
    registered_pictures,
)
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.registration import NOT_REGISTERED, Registration
from Testing.library.phantoms import moved, rigid_motion

# Where the marks are in a volume of axes L, P, S, as (k, j, i) from low to high.
MARKS = {"left": (None, None, -2), "face": (None, 1, None), "top": (-2, None, None)}


def marked(shape, spacing_mm, mark):
    """Return a volume with one bright slab on one side of the head."""
    voxels = np.full(shape, 0.1, np.float32)
    voxels[tuple(slice(None) if n is None else n for n in MARKS[mark])] = 1.0
    return Volume(voxels, np.diag([*spacing_mm, 1.0]))


AXIAL = ((20, 90, 80), (2.0, 2.1, 6.0))
CORONAL = ((90, 20, 80), (2.0, 6.0, 2.1))
SAGITTAL = ((90, 80, 20), (6.0, 2.0, 2.1))


@pytest.mark.parametrize(
    ("grid", "mark", "bright"),
    [
        (AXIAL, "face", (1, None)),
        (AXIAL, "left", (None, -2)),
        (CORONAL, "top", (1, None)),
        (CORONAL, "left", (None, -2)),
        (SAGITTAL, "top", (1, None)),
        (SAGITTAL, "face", (None, 1)),
    ],
)
def test_face_or_top_up_and_left_on_the_right(grid, mark, bright):
    grey = input_pictures(marked(*grid, mark), None)[10].grey

    row, column = bright
    line = grey[row] if row is not None else grey[:, column]
    assert line.min() > 0.8
    assert np.sort(grey.ravel())[: grey.size - line.size].max() < 0.2


@pytest.mark.parametrize("grid", [AXIAL, CORONAL, SAGITTAL])
def test_every_acquired_slice_is_shown_with_its_pixel_size(grid):
    shape, _ = grid
    volume = marked(*grid, "left")
    along = shape.index(20)

    pictures = input_pictures(volume, None)

    assert len(pictures) == 20
    height, width = pictures[0].pixel_mm
    rows, columns = pictures[0].grey.shape
    extent = [n * mm for n, mm in zip(shape, volume.spacing_mm[::-1], strict=True)]
    del extent[along]
    assert (rows * height, columns * width) == pytest.approx(tuple(extent))


@pytest.mark.parametrize(("shape", "most"), [((120, 130, 140), 30), ((90, 400, 400), 60)])
def test_long_scans_are_thinned_from_first_to_last(shape, most):
    # Each slice of the axial direction has its own brightness.
    voxels = np.linspace(1, 2, shape[0], dtype=np.float32)[:, None, None] * np.ones(shape[1:])

    pictures = input_pictures(Volume(voxels.astype(np.float32), np.eye(4)), None)

    assert len(pictures) == most
    brightness = [picture.grey[0, 0] for picture in pictures]
    assert brightness == sorted(brightness)
    assert brightness[-1] / brightness[0] == pytest.approx(2.0, rel=0.01)


def test_mask_and_saliency_lie_on_the_same_pixels():
    volume = marked(*CORONAL, "top")
    mask, saliency = volume.voxels > 0.5, volume.voxels * 3.0

    picture = input_pictures(volume, mask, saliency)[4]

    assert picture.mask.dtype == bool
    assert np.array_equal(picture.mask, picture.grey > 0.5)
    assert np.array_equal(picture.saliency_years > 2.0, picture.mask)


def test_the_scalp_does_not_leave_the_brain_in_the_dark():
    voxels = np.full((20, 90, 80), 100.0, np.float32)
    voxels[:, :10] = 2000.0
    mask = np.zeros(voxels.shape, bool)
    mask[:, 30:60, 20:60] = True

    picture = input_pictures(Volume(voxels, np.diag([2.0, 2.0, 6.0, 1.0])), mask)[10]

    assert picture.grey[40, 40] > 0.8
    assert picture.grey.max() == 1.0


def test_an_empty_scan_is_black():
    nothing = Volume(np.zeros((20, 90, 80), np.float32), np.diag([2.0, 2.0, 6.0, 1.0]))

    assert not any(picture.grey.any() for picture in input_pictures(nothing, None))


def test_registered_slices_match_the_template_in_pairs(template, thick_brain):
    motion = rigid_motion((15, 5, 5), (20, 30, 40))
    scan = moved(thick_brain, motion)

    registered, expected = registered_pictures(scan, Registration(motion, 0.9), template)

    assert len(registered) == len(expected) == len(REGISTERED_HEIGHTS_MM)
    for seen, wanted in zip(registered, expected, strict=True):
        assert seen.pixel_mm == wanted.pixel_mm == (2.0, 2.0)
        assert np.array_equal(seen.mask, wanted.mask)
        assert np.corrcoef(seen.grey.ravel(), wanted.grey.ravel())[0, 1] > 0.9


def test_heights_of_the_registered_slices_are_those_named(template):
    _, expected = registered_pictures(template.t1, NOT_REGISTERED, template)

    for picture, height_mm in zip(expected, REGISTERED_HEIGHTS_MM, strict=True):
        k = round((height_mm - template.t1.affine[2, 3]) / 2.0)
        assert np.corrcoef(picture.grey.ravel(), template.t1.voxels[k].ravel())[0, 1] > 0.999
