"""Read a scan from one NIfTI, NRRD or MetaImage file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.file_kind import FileKind, is_compressed
from BrainAgeLib.scan.itk_reader import open_header, read_voxels
from BrainAgeLib.scan.nifti_header import read_nifti_header
from BrainAgeLib.scan.nifti_voxels import find_non_finite
from BrainAgeLib.scan.scan import check_grid, check_shape
from BrainAgeLib.scan.suffixed_link import named_as
from BrainAgeLib.scan.text_header import (
    check_text_header,
    data_file,
    read_text_header,
    says_orientation,
)

_SUFFIXES = {FileKind.NRRD: (".nrrd", ".nhdr"), FileKind.METAIMAGE: (".mha", ".mhd")}


@dataclass(frozen=True)
class FileImage:
    """A volume from a file. ``image``: 3D, float32. ``files``: all that hold it."""

    image: sitk.Image
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]


def read_file(path: Path, kind: FileKind, name: str) -> FileImage:
    """Read the volume in one file, and its data file when the voxels have their own.

    ``name``: what messages call the file. Raises InputError when it cannot be read as one scalar
    volume with a place in the world; voxel values are not looked at.
    """
    if kind is FileKind.NIFTI:
        return _read_nifti(path, name)
    if kind is FileKind.NIFTI_2:
        raise InputError(f"{name} is NIfTI-2, which is not supported", "convert it to NIfTI-1")
    fields = read_text_header(path)
    check_text_header(fields, name)
    findings = _orientation_findings(says_orientation(fields))
    voxels = data_file(path, fields, name)
    if voxels is None:
        with named_as(path, *_SUFFIXES[kind]) as readable:
            return FileImage(_read_through_itk(readable, kind, name), (path,), findings)
    if not path.name.endswith(_SUFFIXES[kind]):
        raise InputError(
            f"{name} is a {kind.value} header under another name",
            f"rename it to end in {_SUFFIXES[kind][1]}",
        )
    return FileImage(_read_through_itk(path, kind, name), (path, voxels), findings)


def _read_nifti(path: Path, name: str) -> FileImage:
    header = read_nifti_header(path, name)
    suffix = ".nii.gz" if is_compressed(path) else ".nii"
    with named_as(path, suffix) as readable:
        # The header's size is checked before the file is unpacked to see whether it is all there.
        check_shape(open_header(readable, FileKind.NIFTI, name), name)
        broken = find_non_finite(path, header, name)
        image = _read_through_itk(readable, FileKind.NIFTI, name)
    if broken is not None:
        image = _with_nan(image, broken)
    return FileImage(image, (path,), _orientation_findings(header.says_orientation))


def _with_nan(image: sitk.Image, broken: np.ndarray) -> sitk.Image:
    """Return the image with NaN back where ITK has put something else."""
    voxels = sitk.GetArrayFromImage(image)
    voxels[broken.reshape(voxels.shape)] = np.nan
    restored = sitk.GetImageFromArray(voxels)
    restored.CopyInformation(image)
    return restored


def _read_through_itk(path: Path, kind: FileKind, name: str) -> sitk.Image:
    reader = open_header(path, kind, name)
    check_shape(reader, name)
    check_grid(reader, name)
    size = reader.GetSize()
    if len(size) > 3:  # one volume, as was checked: an extent of 0 drops the axis
        reader.SetExtractSize([*size[:3], *(0 for _ in size[3:])])
    return read_voxels(reader, name)


def _orientation_findings(is_known: bool) -> tuple[Finding, ...]:
    if is_known:
        return ()
    message = (
        "The header does not say which way the axes run; they are taken as left, posterior, "
        "superior, so that left and right may be exchanged in the pictures and the map. "
        "Convert the scan again from the original."
    )
    return (Finding(FindingCode.UNKNOWN_ORIENTATION, "warn", message),)
