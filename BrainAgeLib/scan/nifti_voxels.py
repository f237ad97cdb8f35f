"""A look at the voxels of a NIfTI file, for what ITK passes over.

ITK reads a file that ends early as if the rest were 0, a plain file named .nii.gz as noise, and
turns every voxel that is not a finite number into 0, all without a word.
"""

from __future__ import annotations

import gzip
import math
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.file_kind import is_compressed
from BrainAgeLib.scan.itk_reader import incomplete
from BrainAgeLib.scan.nifti_header import NiftiHeader

ByteStream = gzip.GzipFile | BufferedReader
CHUNK_BYTES = 2**20
MOST_SURPLUS_BYTES = 2**28  # after the voxels: 256 MiB that nobody asked for


def find_non_finite(path: Path, header: NiftiHeader, name: str) -> np.ndarray | None:
    """Return which voxels are not finite numbers, as flat bools in file order; None for no one.

    Raises InputError when the file is damaged or shorter than its header promises. Needs little
    memory unless there is something to return.
    """
    try:
        with gzip.open(path) if is_compressed(path) else path.open("rb") as file:
            file.read(int(header.data_offset))
            found = _search(file, header, name)
            _read_to_the_end(file, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise incomplete(name) from error
    return found


def _search(file: ByteStream, header: NiftiHeader, name: str) -> np.ndarray | None:
    voxel_type = np.dtype(header.voxel_type)
    voxels_in_all, voxels_seen = math.prod(header.size), 0
    found = None
    while voxels_seen < voxels_in_all:
        wanted = min(CHUNK_BYTES // voxel_type.itemsize, voxels_in_all - voxels_seen)
        chunk = file.read(wanted * voxel_type.itemsize)
        if len(chunk) < wanted * voxel_type.itemsize:
            raise incomplete(name)
        if voxel_type.kind == "f":
            broken = ~np.isfinite(np.frombuffer(chunk, voxel_type))
            if broken.any():
                found = np.zeros(voxels_in_all, bool) if found is None else found
                found[voxels_seen : voxels_seen + wanted] = broken
        voxels_seen += wanted
    return found


def _read_to_the_end(file: ByteStream, name: str) -> None:
    """Read what follows the voxels, for a checksum stands at the end."""
    surplus = 0
    while chunk := file.read(CHUNK_BYTES):
        surplus += len(chunk)
        if surplus > MOST_SURPLUS_BYTES:
            raise InputError(
                f"{name} is much longer than its header says", "convert the scan again"
            )
