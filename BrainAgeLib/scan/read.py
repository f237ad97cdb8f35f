"""Read a scan, whatever it is stored in."""

from __future__ import annotations

import os
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.records import InputRecord
from BrainAgeLib.scan.file_kind import (
    FileKind,
    cannot_be_read,
    is_compressed,
    kind_of,
    require_path,
)
from BrainAgeLib.scan.quiet_itk import quiet_itk
from BrainAgeLib.scan.read_dicom import DicomImage, read_dicom_file, read_dicom_folder
from BrainAgeLib.scan.read_file import read_file
from BrainAgeLib.scan.scan import (
    Scan,
    check_grid,
    check_shape,
    settle_voxels,
    sha256_of,
)

__all__ = ["Scan", "read_scan", "scan_from_image"]


def read_scan(path: str | os.PathLike[str], series_uid: str | None = None) -> Scan:
    """Read a NIfTI, NRRD, MetaImage or DICOM file, or the DICOM series in a folder.

    ``series_uid`` picks one of several series. The format is told by content, not by name. Raises
    InputError when this is not one scalar volume with a place in the world and something in it.
    """
    given = os.fsdecode(path)
    name = printable(given)
    require_path(given)
    try:
        with quiet_itk():
            return _read(Path(given), given, name, series_uid)
    except OSError as error:
        raise cannot_be_read(name, error) from error


def scan_from_image(image: sitk.Image) -> Scan:
    """Return a scan of an image in memory, which stays as it is.

    Raises InputError when it is not one scalar volume with a place in the world and something in
    it.
    """
    name = "the image"
    check_shape(image, name)
    size = image.GetSize()
    if len(size) > 3:  # one volume, as was checked: an extent of 0 drops the axis
        image = sitk.Extract(image, [*size[:3], *(0 for _ in size[3:])])
    check_grid(image, name)
    settled, findings = settle_voxels(sitk.Cast(image, sitk.sitkFloat32), name)
    return Scan(settled, InputRecord(None, None, None), findings=findings)


def _read(path: Path, given: str, name: str, series_uid: str | None) -> Scan:
    if path.is_dir():
        return _scan_of_dicom(read_dicom_folder(path, series_uid, name), given, name)
    kind = kind_of(path)
    if kind is None:
        raise _not_a_scan(path, name)
    if kind is not FileKind.NIFTI and is_compressed(path):
        raise InputError(f"{name} is a {kind.value} file inside gzip", "unpack it first")
    if kind is FileKind.DICOM:
        return _scan_of_dicom(read_dicom_file(path, series_uid, name), given, name)
    if series_uid is not None:
        raise InputError(f"{name} is a {kind.value} file and has no series", "omit --series")
    file = read_file(path, kind, name)
    settled, findings = settle_voxels(file.image, name)
    record = InputRecord(given, sha256_of(file.files), None)
    return Scan(settled, record, findings=file.findings + findings)


def _scan_of_dicom(dicom: DicomImage, given: str, name: str) -> Scan:
    check_grid(dicom.image, name)
    settled, findings = settle_voxels(dicom.image, name)
    return Scan(
        settled,
        InputRecord(given, sha256_of(dicom.files), dicom.header.series_uid or None),
        dicom.slice_thickness_mm,
        dicom.header.age_years,
        dicom.header.sex,
        dicom.findings + findings,
        dicom.header.sequence,
        dicom.files,
    )


def _not_a_scan(path: Path, name: str) -> InputError:
    if path.stat().st_size == 0:
        return InputError(f"{name} is an empty file", "copy or convert the scan again")
    return InputError(
        f"{name} is not a medical image with world coordinates",
        "give a NIfTI, NRRD, MetaImage or DICOM file, or the folder of a DICOM series",
    )
