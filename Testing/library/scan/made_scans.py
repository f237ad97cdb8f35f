"""Small made-up volumes, the files that hold them, whole or damaged, and what is said of these."""

from __future__ import annotations

import struct
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan

SHAPE_XYZ = (14, 12, 9)
SPACING_MM = (0.9, 1.1, 5.5)
ORIGIN_MM = (-31.25, 17.5, -8.0)
# Every way to store the axes of one scan: which axis comes first, second, third, and which way.
ORIENTATIONS = [
    "".join(axes[n][way[n]] for n in range(3))
    for axes in permutations((("R", "L"), ("A", "P"), ("I", "S")))
    for way in product((0, 1), repeat=3)
]
SLIGHT_TILT = (12.0, -7.0, 4.0)
INCOMPLETE = "is incomplete or damaged"
# Byte offsets in a NIfTI-1 header.
DIMENSION, SIZE_I, SIZE_K, VOXEL_TYPE, PIXDIM_K = 40, 42, 46, 70, 88
DATA_OFFSET, QFORM_CODE, SFORM = 108, 252, 280


def made_voxels(shape_xyz: tuple[int, ...] = SHAPE_XYZ, seed: int = 0) -> np.ndarray:
    """Return (i, j, k) float32 voxels, every one different."""
    numbers = np.random.default_rng(seed).permutation(int(np.prod(shape_xyz)))
    return numbers.reshape(shape_xyz).astype(np.float32)


def rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    """Return the 3 x 3 rotation about x, y and z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        a, b = (n for n in range(3) if n != axis)
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix


def made_affine(degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Return an affine from index to RAS world in mm, axes nearest to R, A, S."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) * SPACING_MM
    affine[:3, 3] = ORIGIN_MM
    return affine


def write_nifti(
    path: Path, voxels: np.ndarray | None = None, affine: np.ndarray | None = None
) -> Path:
    """Write a NIfTI file with qform and sform; return its path."""
    image = nibabel.Nifti1Image(
        made_voxels() if voxels is None else voxels, made_affine() if affine is None else affine
    )
    image.set_qform(image.affine, code=1)
    image.set_sform(image.affine, code=1)
    nibabel.save(image, path)
    return path


def turned(path: Path, orientation: str) -> nibabel.Nifti1Image:
    """Return the image of a file, stored in another orientation, such as "PIL"."""
    image = nibabel.load(path)
    now = nibabel.io_orientation(image.affine)
    wanted = nibabel.orientations.axcodes2ornt(orientation)
    return image.as_reoriented(nibabel.orientations.ornt_transform(now, wanted))


def itk_image(voxels_kji: np.ndarray | None = None) -> sitk.Image:
    """Return a SimpleITK image of (k, j, i) voxels, with spacing and origin."""
    image = sitk.GetImageFromArray(made_voxels().T if voxels_kji is None else voxels_kji)
    if image.GetDimension() == 3:
        image.SetSpacing(SPACING_MM)
        image.SetOrigin(ORIGIN_MM)
    return image


def lps_affine(image: sitk.Image) -> np.ndarray:
    """Return the 4 x 4 affine from index to LPS world by what ITK itself maps."""
    corner = np.array(image.TransformContinuousIndexToPhysicalPoint((0.0, 0.0, 0.0)))
    columns = [
        np.array(image.TransformContinuousIndexToPhysicalPoint(step)) - corner
        for step in np.eye(3).tolist()
    ]
    affine = np.eye(4)
    affine[:3] = np.stack([*columns, corner], axis=1)
    return affine


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
