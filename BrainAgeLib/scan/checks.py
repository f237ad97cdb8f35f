"""What a readable scan is: one 3D scalar image with a place in the world and something in it.

The checks are in the order in which a reader can make them: the sizes that a header promises come
before any voxel is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding

# A whole head at 0.5 mm has 110 million. The whole job holds some five copies as float32: with this
# limit no file, whatever it promises or unpacks to, takes it beyond 4 GB.
MOST_VOXELS = 2**27
LEAST_SLICE_WIDTH = 8  # pixels; only the third axis may be shorter, down to a single slice
# Cosines written with three decimals are off by less; 0.01 moves a voxel of the head by 1 mm.
RIGHT_ANGLE_TOLERANCE = 0.01
# The second longest side: a handful of slices is thin. A brain's width is 110 mm and more.
SMALLEST_HEAD_MM = 60.0
LARGEST_SCAN_MM = 1000.0  # the longest table of a scanner shows half of that at once
_SCALAR_PIXELS = {
    *(sitk.sitkUInt8, sitk.sitkUInt16, sitk.sitkUInt32, sitk.sitkUInt64),
    *(sitk.sitkInt8, sitk.sitkInt16, sitk.sitkInt32, sitk.sitkInt64),
    *(sitk.sitkFloat32, sitk.sitkFloat64),
}
# What an axis "list" of NRRD makes; of one frame of a sequence, say, it is as long as that.
_VECTOR_PIXELS = {
    *(sitk.sitkVectorUInt8, sitk.sitkVectorUInt16, sitk.sitkVectorUInt32, sitk.sitkVectorUInt64),
    *(sitk.sitkVectorInt8, sitk.sitkVectorInt16, sitk.sitkVectorInt32, sitk.sitkVectorInt64),
    *(sitk.sitkVectorFloat32, sitk.sitkVectorFloat64),
}


def check_shape(header: sitk.Image | sitk.ImageFileReader, name: str) -> None:
    """Raise InputError unless an image, or what a file's header promises, is one scalar volume."""
    check_one_volume(header.GetSize(), name)
    check_pixels(header, name)


def check_one_volume(size: Sequence[int], name: str) -> None:
    """Raise InputError unless ``size``, of all axes, is that of one volume of a fitting size."""
    if len(size) < 3:
        raise InputError(
            f"{name} is a 2D picture, not a volume",
            "give the whole scan: a 3D file or the folder of its DICOM series",
        )
    volumes = math.prod(size[3:])
    if volumes != 1 and size[2] == 1:
        raise InputError(
            f"{name} holds {volumes} volumes of one slice each ({_by(size)})",
            "if these are the slices of one volume, convert the scan again so that they lie along "
            "the third axis, with their spacing",
        )
    if volumes != 1:
        raise InputError(
            f"{name} holds {volumes} volumes ({_by(size)})", "give one 3D T1 volume of them"
        )
    check_size(size[:3], name)


def check_pixels(header: sitk.Image | sitk.ImageFileReader, name: str) -> None:
    """Raise InputError unless a pixel holds one real number, be it as a vector of one."""
    pixel_id = header.GetPixelIDValue()
    is_image = isinstance(header, sitk.Image)
    count = header.GetNumberOfComponentsPerPixel() if is_image else header.GetNumberOfComponents()
    if pixel_id not in _SCALAR_PIXELS and not (pixel_id in _VECTOR_PIXELS and count == 1):
        raise not_grey(sitk.GetPixelIDValueAsString(pixel_id), name)


def not_grey(kind: str, name: str) -> InputError:
    """Return the error for pixels of a kind that is no grey value."""
    return InputError(
        f"{name} does not hold one grey value per voxel but {kind}",
        "give a T1 image in grey values: no colour, vector, complex or label map",
    )


def check_size(size: Sequence[int], name: str) -> None:
    """Raise InputError when a volume of ``size`` (i, j, k) voxels is too small or too large."""
    if min(size) < 1 or sorted(size)[1] < LEAST_SLICE_WIDTH:
        raise InputError(
            f"{name} is too small to be a scan: {_by(size)} voxels",
            f"slices of at least {LEAST_SLICE_WIDTH} x {LEAST_SLICE_WIDTH} pixels are needed",
        )
    if math.prod(size) > MOST_VOXELS:
        raise InputError(
            f"{name} is too large: its header promises {_by(size)} voxels",
            f"at most {MOST_VOXELS // 10**6} million are read; is the header damaged?",
        )


def check_grid(header: sitk.Image | sitk.ImageFileReader, name: str) -> None:
    """Raise InputError unless spacing, origin and directions place every voxel in the world."""
    dimension = header.GetDimension()
    spacing_mm = np.array(header.GetSpacing()[:3])
    direction = np.reshape(header.GetDirection(), (dimension, dimension))[:3, :3]
    check_spacing(spacing_mm, name)
    if not np.isfinite(direction).all() or not np.isfinite(header.GetOrigin()[:3]).all():
        raise nowhere(name)
    if abs(direction.T @ direction - np.eye(3)).max() > RIGHT_ANGLE_TOLERANCE:
        raise sheared(name)


def check_spacing(spacing_mm: Iterable[float], name: str) -> None:
    """Raise InputError unless every spacing is a positive number of mm."""
    spacing = [float(value) for value in spacing_mm]
    if not all(math.isfinite(value) and value > 0 for value in spacing):
        raise InputError(
            f"the header of {name} gives an impossible voxel spacing: {_by(spacing)} mm",
            "convert the scan again from the original",
        )


def nowhere(name: str) -> InputError:
    """Return the error for a header that gives no place."""
    return InputError(
        f"the header of {name} places the voxels nowhere: its affine is not finite or singular",
        "convert the scan again from the original",
    )


def check_extent_mm(size_mm: Sequence[float]) -> None:
    """Raise InputError when a volume (i, j, k) is so small or large that no head can be in it."""
    if sorted(size_mm)[1] < SMALLEST_HEAD_MM or max(size_mm) > LARGEST_SCAN_MM:
        raise InputError(
            f"the scan is {' x '.join(f'{length:.3g}' for length in size_mm)} mm large, which no "
            "scan of a head is",
            "the unit of length in its header seems to be wrong; convert the scan again",
        )


class ShearedError(InputError):
    """The axes of a grid are not at right angles."""


def sheared(name: str) -> ShearedError:
    """Return the error for a grid whose axes are not perpendicular."""
    return ShearedError(
        f"the voxel axes of {name} are not at right angles: its affine is sheared or singular",
        "resample the scan onto a straight grid, or convert it again from the original",
    )


def incomplete(name: str) -> InputError:
    """Return the error for a file that is cut off or damaged."""
    return InputError(f"{name} is incomplete or damaged", "copy or convert the scan again")


def unknown_orientation() -> Finding:
    """Return what is said of a scan whose header does not tell which way its axes run."""
    message = (
        "The header does not say which way the axes run; they are taken as left, posterior, "
        "superior, so that left and right may be exchanged in the pictures and the map. "
        "Convert the scan again from the original."
    )
    return Finding(FindingCode.UNKNOWN_ORIENTATION, "warn", message)


def _by(numbers: Sequence[float]) -> str:
    return " x ".join(f"{number:g}" if number < 10**6 else str(number) for number in numbers)
