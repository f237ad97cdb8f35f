"""What hospitals' files hold beside plain unsigned pixels."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import JPEGLSLossless

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    GAP_MM,
    SLICE_COUNT,
    slice_pixels,
    write_series,
    write_slice,
)

STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])


def voxels_of(folder):
    return sitk.GetArrayFromImage(read_scan(folder).image)


def test_signed_values(tmp_path):
    for number in range(SLICE_COUNT):
        pixels = slice_pixels(number).astype(np.int16) - 500
        write_slice(tmp_path / str(number), number, pixels, PixelRepresentation=1)

    np.testing.assert_array_equal(voxels_of(tmp_path), STACK - 500.0)


def test_twelve_bits_that_are_signed_and_rescaled(tmp_path):
    bits = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1}
    for number in range(SLICE_COUNT):
        pixels = (slice_pixels(number).astype(np.int16) - 500) & 0x0FFF  # no sign in upper bits
        write_slice(
            tmp_path / str(number), number, pixels, RescaleSlope=2, RescaleIntercept=10, **bits
        )

    np.testing.assert_array_equal(voxels_of(tmp_path), (STACK - 500.0) * 2 + 10)


def test_private_tags_are_passed_over(tmp_path):
    for path in write_series(tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        block = data.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", b"\xe0\x7f\x10\x00OW\0\0" + bytes(5000))  # looks like pixels
        block.add_new(0x20, "UN", b"\xff\xfe" * 99)
        data.save_as(path)

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK)


def test_jpeg_ls_is_unpacked(tmp_path):
    pytest.importorskip("jpeg_ls", reason="the package that packs JPEG-LS is not installed")
    for path in write_series(tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        data.compress(JPEGLSLossless)
        data.save_as(path)

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK)


@pytest.mark.parametrize("name", ["1", "IM0001.IMA", "1.2.840.4711", "slice.nii"])
def test_names_do_not_matter(tmp_path, name):
    for number in range(SLICE_COUNT):
        (tmp_path / "s" / str(number)).mkdir(parents=True)
        written = write_slice(tmp_path / "s" / str(number) / name, number)
        written.rename(tmp_path / f"{number}{name}")

    np.testing.assert_array_equal(voxels_of(tmp_path), STACK)


def test_slices_whose_distances_are_rounded_are_evenly_spaced(tmp_path):
    wobble = np.array([0, 0.02, -0.02, 0.01, 0, -0.01])  # 0.12 mm at most
    folder = write_series(tmp_path / "s", np.arange(SLICE_COUNT) + wobble)

    assert read_scan(folder).image.GetSpacing()[2] == pytest.approx(GAP_MM, abs=0.02)


@pytest.mark.parametrize("places", [[0, 1, 2, 3.2, 4.2, 5.2], [0, 1, 3, 6, 10, 15]])
def test_slices_that_are_unevenly_spaced_are_refused(tmp_path, places):
    with pytest.raises(InputError, match="not evenly spaced"):
        read_scan(write_series(tmp_path / "s", places))
