"""What the header of a NIfTI file says, for the checks that ITK leaves out.

ITK reads a file that ends early as if the rest were 0, a plain file named .nii.gz as noise, and a
spacing of 0 as 1 mm, all without a word. Format: https://nifti.nimh.nih.gov/nifti-1
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.imaging.formats.file_kind import is_compressed, read_head
from BrainAgeLib.imaging.formats.itk_reader import incomplete
from BrainAgeLib.imaging.scan import MOST_VOXELS, check_spacing

HEADER_BYTES = 348
# The largest volume that is read, in the widest pixels: complex, two float64.
MOST_BYTES = 16 * MOST_VOXELS
SPACING_TOLERANCE = 0.01


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of a NIfTI-1 header that matter here.

    ``size``: voxels along each axis, 1 to 7 of them. ``spacing_mm``: ``pixdim`` of the first three.
    ``sform``: 3 x 4, index to RAS world. ``data_offset``: bytes before the voxels.
    """

    magic: bytes
    size: tuple[int, ...]
    bits_per_voxel: int
    spacing_mm: tuple[float, ...]
    data_offset: float
    qform_code: int
    sform_code: int
    sform: np.ndarray

    @property
    def says_orientation(self) -> bool:
        """Whether either affine is there at all."""
        return self.qform_code > 0 or self.sform_code > 0

    @property
    def file_bytes(self) -> float:
        """How long the unpacked file must be."""
        return self.data_offset + math.prod(self.size) * self.bits_per_voxel / 8


def read_nifti_header(path: Path, name: str) -> NiftiHeader:
    """Return the header of a NIfTI file, compressed or not.

    Raises InputError when it is cut off, contradicts itself or places the voxels nowhere.
    """
    head = read_head(path)
    if len(head) < HEADER_BYTES:
        raise incomplete(name)
    order = "<" if head[:4] == HEADER_BYTES.to_bytes(4, "little") else ">"
    dimension, *size = struct.unpack_from(order + "8h", head, 40)
    header = NiftiHeader(
        magic=head[344:348],
        size=tuple(size[: max(0, min(dimension, 7))]),
        bits_per_voxel=struct.unpack_from(order + "h", head, 72)[0],
        spacing_mm=struct.unpack_from(order + "3f", head, 80),
        data_offset=struct.unpack_from(order + "f", head, 108)[0],
        qform_code=struct.unpack_from(order + "h", head, 252)[0],
        sform_code=struct.unpack_from(order + "h", head, 254)[0],
        sform=np.reshape(struct.unpack_from(order + "12f", head, 280), (3, 4)),
    )
    _check(header, name)
    return header


def check_complete(path: Path, header: NiftiHeader, name: str) -> None:
    """Raise InputError unless the file is intact and as long as its header promises."""
    if _unpacked_bytes(path, name) < header.file_bytes:
        raise incomplete(name)


def _check(header: NiftiHeader, name: str) -> None:
    if header.magic[:3] != b"n+1":
        raise InputError(
            f"{name} is half of an Analyze or NIfTI pair (.hdr and .img)",
            "convert the scan to one .nii.gz file",
        )
    promises_voxels = all(count > 0 for count in header.size) and header.bits_per_voxel > 0
    if not header.size or not promises_voxels or not header.data_offset >= HEADER_BYTES:
        raise InputError(f"the header of {name} makes no sense", "convert the scan again")
    if len(header.size) < 3:
        return  # a picture: the next check says so
    check_spacing(header.spacing_mm, name)
    if header.sform_code > 0 >= header.qform_code:
        _check_sform(header, name)


def _check_sform(header: NiftiHeader, name: str) -> None:
    """Compare the spacings of the affine with ``pixdim``: ITK takes the latter, others the former.

    With a qform beside it, ITK takes whichever of the two fits ``pixdim``.
    """
    affine_mm = np.linalg.norm(header.sform[:, :3], axis=0)
    if not np.isfinite(header.sform).all() or not affine_mm.all():
        raise InputError(
            f"the header of {name} places the voxels nowhere: its affine is not finite or singular",
            "convert the scan again from the original",
        )
    if not np.allclose(affine_mm, header.spacing_mm, rtol=SPACING_TOLERANCE):
        fields, affine = (
            " x ".join(f"{value:.3g}" for value in spacing)
            for spacing in (header.spacing_mm, affine_mm)
        )
        raise InputError(
            f"the header of {name} contradicts itself: voxels of {fields} mm by pixdim, "
            f"{affine} mm by the affine",
            "convert the scan again from the original",
        )


def _unpacked_bytes(path: Path, name: str) -> int:
    """Return the length of the unpacked file, without holding it in memory."""
    if not is_compressed(path):
        return path.stat().st_size
    total = 0
    try:
        with gzip.open(path) as file:
            while total <= MOST_BYTES and (chunk := file.read(2**20)):
                total += len(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise incomplete(name) from error
    return total
