"""Read a NIfTI-1 file: the checks of header and voxels that ITK leaves out, then ITK's reader.

ITK takes a spacing of 0 as 1 mm, and pixdim over an affine that says otherwise. It reads a file
that ends early as if the rest were 0, a plain file named .nii.gz as noise, and turns every voxel
that is not a finite number into 0; all without a word. Format: https://nifti.nimh.nih.gov/nifti-1
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.checks import (
    ShearedError,
    check_shape,
    check_spacing,
    incomplete,
    nowhere,
    unknown_orientation,
)
from BrainAgeLib.scan.file_kind import FileKind, is_compressed, read_head
from BrainAgeLib.scan.itk import FileImage, named_as, open_header, read_volume
from BrainAgeLib.scan.nifti_places import contradiction, nifti_1_header, ras_affine_of
from BrainAgeLib.scan.other_volumes import read_other_volume

ByteStream = gzip.GzipFile | BufferedReader
HEADER_BYTES = 348
CHUNK_BYTES = 2**20
MOST_SURPLUS_BYTES = 2**28  # before or after the voxels: 256 MiB that nobody asked for
MOST_QUATERNION = 1.001  # the square of b, c, d; 1 but for rounding in the largest rotations
SPACING_TOLERANCE = 0.01  # of the spacing: headers round to float32, faults are larger
# What a voxel is, by the number in the field datatype; V is a colour.
_VOXEL_TYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 32: "c8", 64: "f8", 128: "V3", 256: "i1"},
    **{512: "u2", 768: "u4", 1024: "i8", 1280: "u8", 1792: "c16", 2304: "V4"},
}


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of a NIfTI-1 header that matter here.

    ``block``: all of them, as stored. ``size``: voxels along each axis, 1 to 7 of them.
    ``spacing_mm``: ``pixdim`` of the first three. ``sform``: 3 x 4, index to RAS world.
    ``quaternion``: b, c, d of the qform. ``data_offset``: bytes before the voxels. ``voxel_type``:
    as stored, or None for a type that the format does not know.
    """

    block: bytes
    magic: bytes
    size: tuple[int, ...]
    voxel_type: np.dtype | None
    spacing_mm: tuple[float, ...]
    data_offset: float
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    sform: np.ndarray

    @property
    def says_orientation(self) -> bool:
        """Whether either affine is there at all."""
        return self.qform_code > 0 or self.sform_code > 0


def read_nifti(path: Path, name: str) -> FileImage:
    """Read the volume in a NIfTI file, compressed or not.

    ``name``: what messages call the file. Raises InputError when it cannot be read as one scalar
    volume with a place in the world. Axes that are a little off the right angle, which ITK refuses,
    are read as they are.
    """
    header = read_nifti_header(path, name)
    suffix = ".nii.gz" if is_compressed(path) else ".nii"
    with named_as(path, suffix) as readable:
        # The header's size is checked before the file is unpacked to see whether it is all there.
        try:
            check_shape(open_header(readable, FileKind.NIFTI, name), name)
        except ShearedError:
            _find_non_finite(path, header, name)
            return read_other_volume(path, FileKind.NIFTI, name)
        broken = _find_non_finite(path, header, name)
        image = read_volume(readable, FileKind.NIFTI, name)
    if broken is not None:
        image = _with_nan(image, broken)
    if not header.says_orientation:
        return FileImage(image, (path,), (unknown_orientation(),))
    doubt = contradiction(nifti_1_header(header.block), ras_affine_of(image))
    return FileImage(image, (path,), (doubt,) if doubt else ())


def half_of_a_pair(name: str) -> InputError:
    """Return the error for a scan that lies in two files, one of which says nothing of sides."""
    return InputError(
        f"{name} is half of an Analyze or NIfTI pair (.hdr and .img)",
        "convert the scan to one .nii.gz file",
    )


def read_nifti_header(path: Path, name: str) -> NiftiHeader:
    """Return the header of a NIfTI file, compressed or not.

    Raises InputError when it is cut off, contradicts itself or places the voxels nowhere.
    """
    head = read_head(path)
    if len(head) < HEADER_BYTES:
        raise incomplete(name)
    order = "<" if head[:4] == HEADER_BYTES.to_bytes(4, "little") else ">"
    dimension, *size = struct.unpack_from(order + "8h", head, 40)
    voxel_type = _VOXEL_TYPES.get(struct.unpack_from(order + "h", head, 70)[0])
    header = NiftiHeader(
        block=head[:HEADER_BYTES],
        magic=head[344:348],
        size=tuple(size[: max(0, min(dimension, 7))]),
        voxel_type=np.dtype(order + voxel_type) if voxel_type else None,
        spacing_mm=struct.unpack_from(order + "3f", head, 80),
        data_offset=struct.unpack_from(order + "f", head, 108)[0],
        qform_code=struct.unpack_from(order + "h", head, 252)[0],
        sform_code=struct.unpack_from(order + "h", head, 254)[0],
        quaternion=struct.unpack_from(order + "3f", head, 256),
        sform=np.reshape(struct.unpack_from(order + "12f", head, 280), (3, 4)),
    )
    _check(header, name)
    return header


def _check(header: NiftiHeader, name: str) -> None:
    if header.magic[:3] != b"n+1":
        raise half_of_a_pair(name)
    has_voxels = header.voxel_type is not None and min(header.size, default=0) > 0
    if not has_voxels or not HEADER_BYTES <= header.data_offset <= MOST_SURPLUS_BYTES:
        raise InputError(f"the header of {name} makes no sense", "convert the scan again")
    if len(header.size) < 3:
        return  # a picture: the next check says so
    check_spacing(header.spacing_mm, name)
    if header.sform_code > 0 >= header.qform_code:
        _check_sform(header, name)
    is_rotation = float(np.square(header.quaternion).sum()) <= MOST_QUATERNION  # NaN is none, too
    if header.qform_code > 0 >= header.sform_code and not is_rotation:
        raise nowhere(name)  # ITK would take some other rotation


def _check_sform(header: NiftiHeader, name: str) -> None:
    """Compare the spacings of the affine with ``pixdim``: ITK takes the latter, others the former.

    With a qform beside it, ITK takes whichever of the two fits ``pixdim``.
    """
    affine_mm = np.linalg.norm(header.sform[:, :3], axis=0)
    if not np.isfinite(header.sform).all() or not affine_mm.all():
        raise nowhere(name)
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


def _find_non_finite(path: Path, header: NiftiHeader, name: str) -> np.ndarray | None:
    """Return which voxels are not finite numbers, as flat bools in file order; None for no one.

    Raises InputError when the file is damaged or shorter than its header promises. Needs little
    memory unless there is something to return.
    """
    try:
        with gzip.open(path) if is_compressed(path) else path.open("rb") as file:
            file.read(int(header.data_offset))
            non_finite = _search(file, header, name)
            _read_to_the_end(file, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise incomplete(name) from error
    return non_finite


def _search(file: ByteStream, header: NiftiHeader, name: str) -> np.ndarray | None:
    voxel_type = np.dtype(header.voxel_type)
    voxels_in_all, voxels_seen = math.prod(header.size), 0
    non_finite = None
    while voxels_seen < voxels_in_all:
        wanted = min(CHUNK_BYTES // voxel_type.itemsize, voxels_in_all - voxels_seen)
        chunk = file.read(wanted * voxel_type.itemsize)
        if len(chunk) < wanted * voxel_type.itemsize:
            raise incomplete(name)
        if voxel_type.kind == "f":
            broken = ~np.isfinite(np.frombuffer(chunk, voxel_type))
            if broken.any():
                non_finite = np.zeros(voxels_in_all, bool) if non_finite is None else non_finite
                non_finite[voxels_seen : voxels_seen + wanted] = broken
        voxels_seen += wanted
    return non_finite


def _read_to_the_end(file: ByteStream, name: str) -> None:
    """Read what follows the voxels, for a checksum stands at the end."""
    surplus = 0
    while chunk := file.read(CHUNK_BYTES):
        surplus += len(chunk)
        if surplus > MOST_SURPLUS_BYTES:
            raise InputError(
                f"{name} is much longer than its header says", "convert the scan again"
            )


def _with_nan(image: sitk.Image, broken: np.ndarray) -> sitk.Image:
    """Return the image with NaN back where ITK has put something else."""
    voxels = sitk.GetArrayFromImage(image)
    voxels[broken.reshape(voxels.shape)] = np.nan
    restored = sitk.GetImageFromArray(voxels)
    restored.CopyInformation(image)
    return restored
