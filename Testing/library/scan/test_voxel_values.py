"""Padding and numbers that ran over: what a scan's values are in truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.scan.voxel_values import settle_voxels
from Testing.library.scan.made_dicom import SLICE_COUNT, slice_pixels, write_slice


def head(brightest: float = 1000.0) -> np.ndarray:
    """Return a ball (k, j, i) with fat around it and a little noise in the air."""
    k, j, i = np.mgrid[-8:8, -20:20, -20:20]
    radius = np.sqrt((2.5 * k) ** 2 + j**2 + i**2)
    shape = np.where(radius < 15, 0.6, np.where(radius < 18, 1.0, 0.0))
    noise = np.random.default_rng(0).random(shape.shape) * 0.02
    return np.rint(brightest * np.clip(shape + noise, 0, 1)).astype(np.float32)


def blurred(brightest: float) -> np.ndarray:
    """Return a ball (k, j, i) that fades into a background of zeros."""
    k, j, i = np.mgrid[-8:8, -20:20, -20:20]
    radius = np.sqrt((2.5 * k) ** 2 + j**2 + i**2)
    return np.rint(brightest * np.clip((18 - radius) / 18, 0, 1))


def settled(voxels: np.ndarray):
    image, findings = settle_voxels(sitk.GetImageFromArray(voxels.astype(np.float32)), "s")
    return sitk.GetArrayFromImage(image), findings


@pytest.mark.parametrize("value", [-1024.0, -2000.0, -32768.0, -300.5, 65535.0, 32767.0])
def test_padding_becomes_background(value):
    scan = head()
    is_air = scan < 100

    voxels, (finding,) = settled(np.where(is_air, value, scan))

    np.testing.assert_array_equal(voxels, np.where(is_air, 0, scan))
    assert (finding.code, finding.severity, finding.value) == ("padding", "note", value)


def test_padding_beside_negative_values_becomes_the_darkest_of_these():
    scan = head() - 50
    is_corner = np.zeros(scan.shape, bool)
    is_corner[:, :8] = True

    voxels, (finding,) = settled(np.where(is_corner, -2000, scan))

    assert voxels[is_corner].max() == voxels[is_corner].min() == scan[~is_corner].min()
    assert finding.code == "padding"


@pytest.mark.parametrize(
    "scan",
    [
        head(),
        np.where(head() < 100, 0, head()),
        head() + 1000,
        (head() - 500) / 250,
        blurred(1000.0) - 400,  # its background next to its darkest tissue
        np.minimum(head(), 620),  # saturated, in the middle of the picture
        -head(),
    ],
)
def test_sound_values_stay_as_they_are(scan):
    voxels, findings = settled(scan)

    np.testing.assert_array_equal(voxels, scan.astype(np.float32))
    assert findings == ()


@pytest.mark.parametrize("value", [1e9, -1e9, 1e5 + 1e4, 3e38])
def test_a_value_far_beyond_all_others_is_no_number(value):
    scan = head()
    scan[3, 20, 20] = value

    voxels, (finding,) = settled(scan)

    assert (finding.code, finding.severity) == ("non_finite_voxels", "note")
    assert "1 voxel held no usable number" in finding.message
    assert voxels[3, 20, 20] == 0
    assert voxels.max() == head().max()


@pytest.mark.parametrize("value", [5e3, -9e4])
def test_bright_vessels_and_a_picture_of_next_to_nothing_stay(value):
    scan = head()
    scan[3, 20, 20] = value
    nearly_empty = np.zeros((16, 40, 40))
    nearly_empty[3, 20, 20] = value

    for picture in (scan, nearly_empty):
        np.testing.assert_array_equal(settled(picture)[0], picture)


def test_a_small_picture_in_faint_noise_stays_in_every_order_of_its_axes():
    scan = np.random.default_rng(1).uniform(0, 1e-3, (40, 60, 50))
    scan[20, 25:30, 20:25] = 500.0  # fewer than one voxel in a thousand

    for axes in itertools.permutations(range(3)):
        picture = np.transpose(scan, axes).astype(np.float32)
        voxels, findings = settled(picture)
        np.testing.assert_array_equal(voxels, picture)
        assert findings == ()


@pytest.mark.parametrize("bits", [12, 16])
def test_numbers_that_ran_over_are_put_right(bits):
    scan = blurred(0.9 * 2**bits)
    stored = np.where(scan >= 2 ** (bits - 1), scan - 2**bits, scan)

    voxels, (finding,) = settled(stored)

    np.testing.assert_array_equal(voxels, scan)
    assert (finding.code, finding.severity) == ("overflow", "warn")


def test_padding_and_overflow_of_dicom_files(tmp_path):
    for number in range(SLICE_COUNT):
        pixels = (slice_pixels(number) * 60).astype(np.uint16)
        write_slice(tmp_path / str(number), number, pixels, PixelRepresentation=1)

    scan = read_scan(tmp_path)

    stack = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), stack * 60.0)
    assert [finding.code for finding in scan.findings] == ["overflow"]
