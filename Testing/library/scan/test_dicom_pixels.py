"""Pixels of every kind that hospitals' files hold."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEGLSLossless,
    RLELossless,
)

from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
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


def test_each_slice_has_its_own_rescale_slope(tmp_path):
    for number in range(SLICE_COUNT):
        slope = 0.5 + 0.25 * number
        write_slice(tmp_path / str(number), number, RescaleSlope=slope, RescaleIntercept=-number)

    voxels = voxels_of(tmp_path)

    for number in range(SLICE_COUNT):
        expected = slice_pixels(number) * (0.5 + 0.25 * number) - number
        np.testing.assert_allclose(voxels[number], expected, rtol=1e-6)


def test_run_lengths_are_unpacked(tmp_path):
    for path in write_series(tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        data.compress(RLELossless)
        data.save_as(path)

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK)


@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEG"])
def test_lossless_jpeg_is_unpacked(tmp_path, compressor):
    writer = sitk.ImageFileWriter()
    writer.SetKeepOriginalImageUID(True)
    writer.SetUseCompression(True)
    writer.SetCompressor(compressor)
    for path in write_series(tmp_path / "s").iterdir():
        writer.SetFileName(f"{path}.dcm")
        writer.Execute(sitk.ReadImage(path))
        assert b"1.2.840.10008.1.2.4" in path.with_suffix(".dcm").read_bytes()[:1000]
        path.unlink()

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK)


def test_big_endian_pixels(tmp_path):
    for path in write_series(tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
        data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        pydicom.dcmwrite(
            path, data, implicit_vr=False, little_endian=False, enforce_file_format=True
        )

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK)


def test_jpeg_ls_is_unpacked(tmp_path):
    pytest.importorskip("jpeg_ls", reason="the package that packs JPEG-LS is not installed")
    for path in write_series(tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        data.compress(JPEGLSLossless)
        data.save_as(path)

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK)
