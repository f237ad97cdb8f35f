"""Read a scan from a DICOM file of many frames (Enhanced MR).

GDCM stacks frames as they are stored and, when their places do not fit that, falls back to 1 mm
without a word. SimpleITK does not hand out the places of the frames, so they are picked from the
functional groups here.
"""

from __future__ import annotations

import math
import mmap
import re
import struct

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.imaging.formats.dicom_header import DicomHeader
from BrainAgeLib.imaging.formats.file_kind import FileKind
from BrainAgeLib.imaging.formats.itk_reader import open_header, read_voxels
from BrainAgeLib.imaging.formats.slice_stack import stack_slices
from BrainAgeLib.imaging.scan import check_pixels, check_size, check_spacing

_SHARED_GROUPS = b"\x00\x52\x29\x92"
_PER_FRAME_GROUPS = b"\x00\x52\x30\x92"
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_POSITION = b"\x20\x00\x32\x00"
_ORIENTATION = b"\x20\x00\x37\x00"
_PIXEL_SPACING = b"\x28\x00\x30\x00"
_SLICE_THICKNESS = b"\x18\x00\x50\x00"
_RESCALE = (b"\x28\x00\x52\x10", b"\x28\x00\x53\x10")
_LONGEST_DECIMALS = 200  # bytes; six cosines take at most 101


def read_frames(header: DicomHeader, name: str) -> tuple[sitk.Image, float | None]:
    """Return the volume (3D, float32) that the frames make up, and the slice thickness in mm.

    Raises InputError when the file does not say where each frame lies or they are not one volume.
    """
    check_pixels(header.pixel_id, name)
    check_size(header.size, name)
    groups = _functional_groups(header)
    positions_mm = _numbers(groups, _POSITION, 3)
    if len(positions_mm) != header.size[2]:
        raise _unplaced(name)
    orientation = _shared(groups, _ORIENTATION, 6, name)
    row_mm, column_mm = _shared(groups, _PIXEL_SPACING, 2, name)
    check_spacing((row_mm, column_mm), name)
    for tag in _RESCALE:
        if len(set(_numbers(groups, tag, 1))) > 1:
            raise InputError(
                f"the frames of {name} are not scaled alike", "convert it, for one by dcm2niix"
            )
    stack = stack_slices(positions_mm, orientation, name)
    stored = read_voxels(open_header(header.path, FileKind.DICOM, name), name)
    image = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(stored)[list(stack.order)])
    image.SetSpacing((column_mm, row_mm, stack.spacing_mm))
    image.SetDirection(stack.direction.ravel().tolist())
    image.SetOrigin(positions_mm[stack.order[0]])
    thickness_mm = _numbers(groups, _SLICE_THICKNESS, 1)
    return image, thickness_mm[0][0] if thickness_mm else header.slice_thickness_mm


def _functional_groups(header: DicomHeader) -> bytes:
    """Return the bytes that describe the frames, or none."""
    with (
        header.path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        start = content.find(_SHARED_GROUPS)
        if start < 0:
            start = content.find(_PER_FRAME_GROUPS)
        end = content.find(_PIXEL_DATA, max(start, 0))
        return content[start:end] if 0 <= start < end else b""


def _numbers(groups: bytes, tag: bytes, count: int) -> list[tuple[float, ...]]:
    """Return the decimals of each element of that tag, in the order of the file.

    An element is its tag, "DS" and a length of two bytes, or a length of four bytes alone.
    """
    found = []
    for match in re.finditer(re.escape(tag), groups):
        start = match.end()
        if groups[start : start + 2] == b"DS":
            (length,) = struct.unpack_from("<H", groups.ljust(start + 4), start + 2)
        else:
            (length,) = struct.unpack_from("<I", groups.ljust(start + 4), start)
        text = groups[start + 4 : start + 4 + min(length, _LONGEST_DECIMALS)]
        try:
            numbers = tuple(float(word.strip(b" \0")) for word in text.split(b"\\"))
        except ValueError:
            continue
        if len(numbers) == count and all(map(math.isfinite, numbers)):
            found.append(numbers)
    return found


def _shared(groups: bytes, tag: bytes, count: int, name: str) -> tuple[float, ...]:
    """Return the numbers that all frames have in common."""
    found = _numbers(groups, tag, count)
    if not found:
        raise _unplaced(name)
    if not np.allclose(found, found[0], atol=1e-3):
        raise InputError(
            f"the frames of {name} differ in direction or pixel size: not one volume",
            "give one acquisition alone",
        )
    return found[0]


def _unplaced(name: str) -> InputError:
    return InputError(
        f"{name} does not say where each of its frames lies", "convert it, for one by dcm2niix"
    )
