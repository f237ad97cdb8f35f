"""Read by nibabel what ITK does not: NIfTI-2, FreeSurfer's MGH and MGZ, axes a little off."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.checks import (
    check_grid,
    check_one_volume,
    incomplete,
    not_grey,
    nowhere,
    sheared,
    unknown_orientation,
)
from BrainAgeLib.scan.file_kind import FileKind, is_compressed, read_head
from BrainAgeLib.scan.itk import FileImage
from BrainAgeLib.scan.nifti_places import RAS_OF_LPS, contradiction, in_mm

_CLASSES: dict[FileKind, Any] = {
    FileKind.NIFTI: nibabel.Nifti1Image,
    FileKind.NIFTI_2: nibabel.Nifti2Image,
    FileKind.MGH: nibabel.MGHImage,
}
GOOD_RAS_FLAG = slice(28, 30)  # bytes of an MGH header
LEAST_DETERMINANT = 0.1  # of directions; 1 when they are at right angles


def read_other_volume(path: Path, kind: FileKind, name: str) -> FileImage:
    """Read the volume in such a file, compressed or not.

    ``name``: what messages call the file. Raises InputError when it cannot be read as one scalar
    volume with a place in the world.
    """
    with _opened(path, kind, name) as stored:
        voxels = np.asarray(stored.dataobj, np.float32).reshape(stored.shape[:3])
    findings = _findings(path, kind, stored)
    return FileImage(_placed(voxels, _ras_affine(stored), name), (path,), findings)


def read_other_grid(path: Path, kind: FileKind, name: str) -> tuple[tuple[int, ...], np.ndarray]:
    """Return what the header alone tells: size (i, j, k) and affine (4 x 4) from index to LPS, mm.

    Raises InputError when the file is not one scalar volume with a place in the world.
    """
    with _opened(path, kind, name) as stored:
        return stored.shape[:3], _lps_affine(_ras_affine(stored), name)


@contextmanager
def _opened(path: Path, kind: FileKind, name: str) -> Iterator[Any]:
    """Give nibabel's image of a file that is one scalar volume; its voxels are not read yet."""
    try:
        with gzip.open(path) if is_compressed(path) else path.open("rb") as file:
            stored = _CLASSES[kind].from_stream(file)
            check_one_volume(tuple(int(count) for count in stored.shape), name)
            if stored.get_data_dtype().fields is not None or stored.get_data_dtype().kind == "c":
                raise not_grey("colour or complex numbers", name)
            yield stored
    except InputError:
        raise
    except Exception as error:  # nibabel's readers raise whatever the bytes make of them
        raise incomplete(name) from error


def _placed(voxels: np.ndarray, ras_affine: np.ndarray, name: str) -> sitk.Image:
    """Return voxels (i, j, k) as an image where the affine puts them."""
    affine = _lps_affine(ras_affine, name)
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T))
    image.SetSpacing(spacing_mm.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    direction = affine[:3, :3] / spacing_mm
    if abs(np.linalg.det(direction)) < LEAST_DETERMINANT:
        raise sheared(name)
    image.SetDirection(direction.ravel().tolist())
    check_grid(image, name)
    return image


def _ras_affine(stored: Any) -> np.ndarray:
    """Return the affine (4 x 4) of nibabel's image in mm; MGH knows no other unit."""
    affine: np.ndarray = stored.affine
    return affine if isinstance(stored, nibabel.MGHImage) else in_mm(affine, stored.header)


def _lps_affine(ras_affine: np.ndarray, name: str) -> np.ndarray:
    affine = RAS_OF_LPS @ ras_affine
    if not np.isfinite(affine).all() or not np.linalg.norm(affine[:3, :3], axis=0).all():
        raise nowhere(name)
    return affine


def _findings(path: Path, kind: FileKind, stored: Any) -> tuple[Finding, ...]:
    header = stored.header
    if kind is FileKind.MGH:  # nibabel sets the flag when it is not set
        return () if any(read_head(path)[GOOD_RAS_FLAG]) else (unknown_orientation(),)
    if max(int(header["qform_code"]), int(header["sform_code"])) <= 0:
        return (unknown_orientation(),)
    doubt = contradiction(header, _ras_affine(stored))
    return (doubt,) if doubt else ()
