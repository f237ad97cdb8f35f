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

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    SLICE_COUNT,
    slice_pixels,
    state_otherwise,
    write_frames,
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


@pytest.mark.parametrize("element", [b"\x10\0\x10\0PN", b"\x08\0\x3e\x10LO"])
def test_an_element_of_a_kind_that_nobody_knows_does_not_take_the_pixels_away(tmp_path, element):
    for path in write_series(tmp_path / "s", RescaleSlope=2, RescaleIntercept=-7).iterdir():
        content = path.read_bytes()
        assert element in content
        path.write_bytes(content.replace(element, element[:4] + b"ZZ"))

    np.testing.assert_array_equal(voxels_of(tmp_path / "s"), STACK * 2.0 - 7)


def test_each_slice_has_its_own_rescale_slope(tmp_path):
    for number in range(SLICE_COUNT):
        slope = 0.5 + 0.25 * number
        write_slice(tmp_path / str(number), number, RescaleSlope=slope, RescaleIntercept=-number)

    voxels = voxels_of(tmp_path)

    for number in range(SLICE_COUNT):
        expected = slice_pixels(number) * (0.5 + 0.25 * number) - number
        np.testing.assert_allclose(voxels[number], expected, rtol=1e-6)


@pytest.mark.parametrize("is_inverse", [False, True])
def test_slices_of_different_scale_are_alike(tmp_path, is_inverse):
    kind = {"PhotometricInterpretation": "MONOCHROME1"} if is_inverse else {}
    for number in range(SLICE_COUNT):
        factor = number % 3 + 1
        values = 1000 - slice_pixels(number) if is_inverse else slice_pixels(number)
        write_slice(
            tmp_path / str(number),
            number,
            values * np.uint16(factor),
            **kind,
            RescaleSlope=1 / factor,
            RescaleIntercept=0,
        )

    voxels = voxels_of(tmp_path)

    np.testing.assert_allclose(voxels - voxels.min(), STACK - float(STACK.min()), atol=1e-3)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"),
        ("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.110"),  # JPEG XL
        ("1.2.840.10008.1.2.4.70", None),
    ],
)
def test_a_packing_that_is_not_read_is_no_damage(tmp_path, syntax, words):
    for path in write_series(tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        data.compress(RLELossless)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
        data.save_as(path)
        state_otherwise(
            path, b"\2\0\x10\0UI\x18\x001.2.840.10008.1.2.4.100\0", f"{syntax}\0".encode()[:24]
        )

    with pytest.raises(InputError, match=words or "incomplete or damaged") as caught:
        read_scan(tmp_path / "s")
    assert ("without compression" in caught.value.hint) is (words is not None)


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


@pytest.mark.parametrize("lowest", [1, 4])
@pytest.mark.parametrize("is_signed", [False, True])
def test_values_in_the_upper_bits_of_a_word(tmp_path, lowest, is_signed):
    bits = {"BitsStored": 12, "HighBit": 11 + lowest, "PixelRepresentation": int(is_signed)}
    offset = 500 if is_signed else 0
    for number in range(SLICE_COUNT):
        values = (slice_pixels(number).astype(np.int16) - offset) & 0x0FFF
        words = values.astype(np.uint16) << lowest | 1 >> lowest
        write_slice(
            tmp_path / str(number), number, words, RescaleSlope=2, RescaleIntercept=3, **bits
        )

    np.testing.assert_array_equal(voxels_of(tmp_path), (STACK - float(offset)) * 2 + 3)


def test_values_in_the_upper_bits_of_frames_and_of_run_lengths(tmp_path):
    bits = {"BitsStored": 10, "HighBit": 15}
    write_frames(tmp_path / "frames.dcm", **bits)
    data = pydicom.dcmread(tmp_path / "frames.dcm")
    data.PixelData = (STACK << 6).astype("<u2").tobytes()
    data.save_as(tmp_path / "frames.dcm")
    np.testing.assert_array_equal(voxels_of(tmp_path / "frames.dcm"), STACK)

    for number in range(SLICE_COUNT):
        path = write_slice(tmp_path / str(number), number, slice_pixels(number) << 6, **bits)
        data = pydicom.dcmread(path)
        data.compress(RLELossless)
        data.save_as(path)
    (tmp_path / "frames.dcm").unlink()
    np.testing.assert_array_equal(voxels_of(tmp_path), STACK)


@pytest.mark.parametrize(
    ("highest", "is_signed"), [(1023, False), (1023, True), (0, True), (65535, False)]
)
@pytest.mark.parametrize("as_frames", [False, True])
def test_an_inverse_picture_has_its_dark_at_zero(tmp_path, highest, is_signed, as_frames):
    tags = {"PhotometricInterpretation": "MONOCHROME1", "PixelRepresentation": int(is_signed)}
    inverse = (highest - STACK.astype(int)).astype("<i4").astype("<u2")
    if as_frames:
        write_frames(tmp_path / "frames.dcm", **tags)
        data = pydicom.dcmread(tmp_path / "frames.dcm")
        data.PixelData = inverse.tobytes()
        data.save_as(tmp_path / "frames.dcm")
    else:
        for number in range(SLICE_COUNT):
            write_slice(tmp_path / str(number), number, inverse[number], **tags)

    np.testing.assert_array_equal(voxels_of(tmp_path), STACK - float(STACK.min()))


@pytest.mark.parametrize("position", [0, 12, 15])
def test_overlays_do_not_touch_the_picture(tmp_path, position):
    bits = {"BitsStored": 12, "HighBit": 11}
    for number in range(SLICE_COUNT):
        words = slice_pixels(number)
        if position:
            words[2:7, 3:9] |= 1 << position
        path = write_slice(tmp_path / str(number), number, words, **bits)
        data = pydicom.dcmread(path)
        rows, columns = words.shape
        overlay = {0x10: ("US", rows), 0x11: ("US", columns), 0x40: ("CS", "G")}
        overlay |= {0x50: ("SS", [1, 1]), 0x100: ("US", 16 if position else 1)}
        overlay |= {0x102: ("US", position)}
        if not position:
            overlay[0x3000] = ("OW", bytes(2 + words.size // 8))
        for element, (kind, value) in overlay.items():
            data.add_new((0x6000, element), kind, value)
        data.save_as(path)

    np.testing.assert_array_equal(voxels_of(tmp_path), STACK)


def test_packed_pixels_in_upper_bits_are_refused_in_words(tmp_path):
    writer = sitk.ImageFileWriter()
    writer.SetKeepOriginalImageUID(True)
    writer.SetUseCompression(True)
    writer.SetCompressor("JPEG2000")
    for path in write_series(tmp_path / "s").iterdir():
        writer.SetFileName(f"{path}.dcm")
        writer.Execute(sitk.ReadImage(path))
        path.unlink()
        data = pydicom.dcmread(f"{path}.dcm")
        data.BitsStored, data.HighBit = 12, 15
        data.save_as(f"{path}.dcm")

    with pytest.raises(InputError, match="unusual way") as caught:
        read_scan(tmp_path / "s")
    assert "dcm2niix" in caught.value.hint
