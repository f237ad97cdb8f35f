"""Damaged files, and what the reader says to them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_scans import itk_image, write_nifti

INCOMPLETE = "is incomplete or damaged"
# Byte offsets in a NIfTI-1 header.
DIMENSION, SIZE_I, SIZE_K, VOXEL_TYPE, PIXDIM_K = 40, 42, 46, 70, 88
DATA_OFFSET, QFORM_CODE, SFORM = 108, 252, 280


def error_of(path: Path, capfd: pytest.CaptureFixture, series_uid: str | None = None) -> InputError:
    """Return the error, after checking that nothing else is printed and nobody is named."""
    capfd.readouterr()
    with pytest.raises(InputError) as caught:
        read_scan(path, series_uid)
    assert capfd.readouterr() == ("", "")
    error = caught.value
    assert error.exit_code == 2
    assert error.hint
    assert "\n" not in str(error)
    assert "Doe" not in f"{error} {error.details}"
    return error


def message_of(path: Path, capfd: pytest.CaptureFixture) -> str:
    """Return what the error says, checked in the same way."""
    return error_of(path, capfd).message


def patched(path: Path, offset: int, code: str, *values: float) -> Path:
    """Write a NIfTI file with other bytes in its header; return its path."""
    content = bytearray(write_nifti(path).read_bytes())
    struct.pack_into("<" + code, content, offset, *values)
    path.write_bytes(content)
    return path


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    """Write an uncompressed file with another text in its header; return its path."""
    sitk.WriteImage(itk_image(), path, useCompression=False)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path
