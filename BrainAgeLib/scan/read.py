"""The door: a path, whatever it is stored in, or an image in memory becomes a scan."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding, InputRecord, SequenceTags, Sex
from BrainAgeLib.scan.checks import ShearedError, check_grid, check_shape
from BrainAgeLib.scan.dicom import DicomImage, read_dicom_file, read_dicom_folder
from BrainAgeLib.scan.file_kind import (
    KIND_BYTES,
    FileKind,
    cannot_be_read,
    is_compressed,
    is_half_of_a_pair,
    kind_of,
    read_head,
    require_path,
)
from BrainAgeLib.scan.itk import FileImage, named_as, open_header, quiet_itk
from BrainAgeLib.scan.nifti import half_of_a_pair, read_nifti, read_nifti_header
from BrainAgeLib.scan.other_volumes import read_other_grid, read_other_volume
from BrainAgeLib.scan.sidecar import tags_of_file
from BrainAgeLib.scan.text_headers import read_text_headed
from BrainAgeLib.scan.voxel_values import non_finite_places, settle_voxels

ARCHIVES = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!")
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # gzip twice, bzip2, xz, zstd
OTHERS = (FileKind.NIFTI_2, FileKind.MGH)
COMPRESSIBLE = (FileKind.NIFTI, *OTHERS)
POINTERS = (b"version https://git-lfs", b"/annex/objects/")  # what stands for a file elsewhere

# Formats of images that are not read, by suffix, and what makes NIfTI of them.
OF_OTHER_PROGRAMS = {
    ".mif": ("MRtrix", "mrconvert"),
    ".mih": ("MRtrix", "mrconvert"),
    ".mnc": ("MINC", "mnc2nii"),
    ".head": ("AFNI", "3dAFNItoNIFTI"),
    ".brik": ("AFNI", "3dAFNItoNIFTI"),
    ".par": ("Philips PAR/REC", "dcm2niix"),
    ".rec": ("Philips PAR/REC", "dcm2niix"),
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scan:
    """A scan as it was acquired.

    ``image``: 3D, scalar, float32, finite, on its own grid and orientation; world coordinates are
    exactly those of the file. ``slice_thickness_mm``, ``age_years`` and ``sex`` come from a DICOM
    header, or are None. ``findings``: what the reader had to settle. ``sequence``: what the header,
    or what lies beside the file, says of the sequence. ``dicom_files``: those of a DICOM series, in
    slice order. ``non_finite``: where the file holds no finite numbers, 1 on the grid of ``image``;
    None for nowhere.
    """

    image: sitk.Image
    input: InputRecord
    slice_thickness_mm: float | None = None
    age_years: float | None = None
    sex: Sex | None = None
    findings: tuple[Finding, ...] = ()
    sequence: SequenceTags = SequenceTags()
    dicom_files: tuple[Path, ...] = ()
    non_finite: sitk.Image | None = None

    def with_findings(self, *more: Finding) -> Scan:
        """Return the same scan with more to say of it."""
        return replace(self, findings=self.findings + more)

    def without(self, code: FindingCode) -> Scan:
        """Return the same scan without findings of one code."""
        return replace(self, findings=tuple(item for item in self.findings if item.code != code))


def read_scan(path: str | os.PathLike[str], series_uid: str | None = None) -> Scan:
    """Read a NIfTI, MGH, NRRD, MetaImage or DICOM file, or the DICOM series in a folder.

    ``series_uid`` picks one of several series. The format is told by content, not by name. Raises
    InputError when this is not one scalar volume with a place in the world and something in it.
    """
    given = os.fsdecode(path)
    name = printable(given)
    require_path(given)
    try:
        with quiet_itk():
            scan = _read(Path(given), given, name, series_uid)
    except OSError as error:
        raise cannot_be_read(name, error) from error
    size, spacing = scan.image.GetSize(), scan.image.GetSpacing()
    of_dicom = f" from {len(scan.dicom_files)} DICOM files" if scan.dicom_files else ""
    logger.info("%d x %d x %d voxels of %.2f x %.2f x %.2f mm%s", *size, *spacing, of_dicom)
    return scan


def grid_of_file(path: Path) -> tuple[tuple[int, ...], np.ndarray]:
    """Return size (i, j, k) and affine (4 x 4, index to LPS in mm) of the volume in a file.

    Its header alone is read. Raises InputError when it is not that of one scalar volume.
    """
    name = printable(path.name)
    require_path(str(path))
    try:
        kind = kind_of(path)
        if kind is None:
            raise _not_a_scan(path, name)
        if kind in OTHERS:
            return read_other_grid(path, kind, name)
        suffix = ""
        if kind is FileKind.NIFTI:
            read_nifti_header(path, name)
            suffix = ".nii.gz" if is_compressed(path) else ".nii"
        with named_as(path, suffix) as readable:
            header = open_header(readable, kind, name)
    except OSError as error:
        raise cannot_be_read(name, error) from error
    except ShearedError:
        if kind is not FileKind.NIFTI:
            raise
        return read_other_grid(path, kind, name)
    check_shape(header, name)
    check_grid(header, name)
    dimension = header.GetDimension()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(header.GetDirection(), (dimension, dimension))[:3, :3]
    affine[:3, :3] *= header.GetSpacing()[:3]
    affine[:3, 3] = header.GetOrigin()[:3]
    return tuple(header.GetSize()[:3]), affine


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
    if "vector" in image.GetPixelIDTypeAsString():  # of one component, as was checked
        image = sitk.VectorIndexSelectionCast(image, 0)
    image = sitk.Cast(image, sitk.sitkFloat32)
    settled, findings = settle_voxels(image, name)
    record = InputRecord(None, None, None)
    return Scan(settled, record, findings=findings, non_finite=non_finite_places(image))


def _read(path: Path, given: str, name: str, series_uid: str | None) -> Scan:
    if path.is_dir():
        return _scan_of_dicom(read_dicom_folder(path, series_uid, name), given, name)
    kind = kind_of(path)
    if kind is None:
        raise _not_a_scan(path, name)
    if kind not in COMPRESSIBLE and is_compressed(path):
        raise InputError(f"{name} is a {kind.value} file inside gzip", "unpack it first")
    if kind is FileKind.DICOM:
        return _scan_of_dicom(read_dicom_file(path, series_uid, name), given, name)
    if series_uid is not None:
        raise InputError(f"{name} is a {kind.value} file and has no series", "omit --series")
    file = _read_file(path, kind, name)
    settled, findings = settle_voxels(file.image, name)
    record = InputRecord(given, sha256_of(file.files), None)
    return Scan(
        settled,
        record,
        findings=file.findings + findings,
        sequence=tags_of_file(path),
        non_finite=non_finite_places(file.image),
    )


def _read_file(path: Path, kind: FileKind, name: str) -> FileImage:
    if kind is FileKind.NIFTI:
        return read_nifti(path, name)
    if kind is FileKind.NIFTI_2 and is_half_of_a_pair(path):
        raise half_of_a_pair(name)
    if kind in OTHERS:
        return read_other_volume(path, kind, name)
    return read_text_headed(path, kind, name)


def _scan_of_dicom(dicom: DicomImage, given: str, name: str) -> Scan:
    check_grid(dicom.image, name)
    settled, findings = settle_voxels(dicom.image, name)
    doubts = (dicom.header.doubt,) if dicom.header.doubt else ()
    return Scan(
        settled,
        InputRecord(given, sha256_of(dicom.files), dicom.header.series_uid or None),
        dicom.slice_thickness_mm,
        dicom.header.age_years,
        dicom.header.sex,
        dicom.findings + doubts + findings,
        dicom.header.sequence,
        dicom.files,
    )


def _not_a_scan(path: Path, name: str) -> InputError:
    if path.stat().st_size == 0:
        return InputError(f"{name} is an empty file", "copy or convert the scan again")
    head = read_head(path, KIND_BYTES)
    if head.startswith(POINTERS):
        return InputError(
            f"{name} is a pointer of Git LFS or git-annex, not the file itself",
            "get it first, by git lfs pull or datalad get",
        )
    if head.startswith(PACKED):
        return InputError(f"{name} is packed in a way that is not read", "unpack it; .nii.gz is")
    if head[:4] in ARCHIVES or path.suffix.lower() in (
        ".tar",
        ".zip",
        ".7z",
    ):
        return InputError(
            f"{name} is an archive", "unpack it, and give the folder that comes of it"
        )
    if path.with_suffix(".hdr").is_file() and path.suffix.lower() == ".img":
        return half_of_a_pair(name)
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix in OF_OTHER_PROGRAMS:
        program, converter = OF_OTHER_PROGRAMS[suffix]
        return InputError(
            f"{name} is an image in the format of {program}, which is not read",
            f"convert it to one .nii.gz file, for one by {converter}",
        )
    return InputError(
        f"{name} is not a medical image with world coordinates",
        "give a NIfTI, MGH, NRRD, MetaImage or DICOM file, or the folder of a DICOM series",
    )


def sha256_of(files: Iterable[Path]) -> str:
    """Return the SHA-256 of files, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(2**20):
                digest.update(chunk)
    return digest.hexdigest()
