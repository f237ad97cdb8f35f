"""Read a scan from a folder that holds a DICOM series, or from one DICOM file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.dicom_frames import read_frames
from BrainAgeLib.scan.dicom_header import (
    IMAGE_ORIENTATION,
    IMAGE_POSITION,
    PIXEL_SPACING,
    DicomHeader,
    read_dicom_header,
    stored_class,
)
from BrainAgeLib.scan.dicom_repetitions import choose_repetition
from BrainAgeLib.scan.file_kind import FileKind, kind_of, read_head
from BrainAgeLib.scan.itk_reader import IMAGE_IO, read_voxels
from BrainAgeLib.scan.scan import check_pixels, check_size, check_spacing
from BrainAgeLib.scan.slice_stack import stack_slices

Series = dict[str, list[DicomHeader]]


@dataclass(frozen=True)
class DicomImage:
    """A volume from DICOM.

    ``image``: 3D, float32. ``files``: in slice order. ``header``: of the first slice.
    ``findings``: what had to be chosen.
    """

    image: sitk.Image
    files: tuple[Path, ...]
    header: DicomHeader
    slice_thickness_mm: float | None
    findings: tuple[Finding, ...] = ()


def read_dicom_folder(folder: Path, series_uid: str | None, name: str) -> DicomImage:
    """Read the series in a folder, or the one of several that ``series_uid`` names.

    ``name``: what messages call the folder. Raises InputError when there is no such series or its
    slices do not make one volume.
    """
    series, broken = dicom_series_in(folder)
    if not series:
        raise _no_series(folder, name, broken)
    headers = _chosen(series, series_uid, name)
    _check_no_slice_is_broken(headers, broken, series, name)
    if len(headers) == 1:
        return _read_single(headers[0], name, "export the whole series")
    if any(header.size[2] > 1 for header in headers):
        raise InputError(f"{name} holds {len(headers)} volumes", "give one of its files")
    chosen, findings = choose_repetition(headers)
    return replace(_read_slices(chosen, name), findings=findings)


def read_dicom_file(path: Path, series_uid: str | None, name: str) -> DicomImage:
    """Read the volume in one DICOM file of many frames.

    Raises InputError when the file is a slice, holds no image or is not of series ``series_uid``.
    """
    header = read_dicom_header(path)
    if header is None:
        raise InputError(
            f"{name} holds no complete DICOM image",
            "give the folder of a DICOM series, or export the file again",
        )
    _chosen({header.series_uid: [header]}, series_uid, name)
    return _read_single(header, name, "give the folder that holds the series")


def dicom_series_in(folder: Path) -> tuple[Series, list[Path]]:
    """Return the headers of the images in a folder by series, and the DICOM files without one.

    Files in its subfolders do not count.
    """
    series: Series = {}
    broken = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or kind_of(path) is not FileKind.DICOM:
            continue
        header = read_dicom_header(path)
        if header is None:
            broken.append(path)
        else:
            series.setdefault(header.series_uid, []).append(header)
    return series, broken


def _chosen(series: Series, series_uid: str | None, name: str) -> list[DicomHeader]:
    listing = tuple(
        f"{uid}  {headers[0].series_description or 'no description'}, "
        f"{len(headers)} file{'s' if len(headers) > 1 else ''}"
        for uid, headers in series.items()
    )
    if series_uid is not None:
        if series_uid not in series:
            raise InputError(
                f"{name} holds no DICOM series {series_uid}", "choose one of these", listing
            )
        return series[series_uid]
    if len(series) > 1:
        raise InputError(
            f"{name} holds {len(series)} DICOM series", "choose one with --series UID", listing
        )
    return next(iter(series.values()))


def _check_no_slice_is_broken(
    headers: list[DicomHeader], broken: Iterable[Path], series: Series, name: str
) -> None:
    """Raise InputError when a file that cannot be read looks like a slice of the series.

    It would be missing, at the end of the stack even without a gap. It looks like one when it is of
    the same kind of object, which reports are not, and not of another series as far as it goes.
    """
    ours = headers[0]
    others = [uid for uid in series if uid != ours.series_uid]
    for path in broken:
        if stored_class(path) == ours.object_class and not _mentions(path, others):
            raise InputError(
                f"a slice of {name} is incomplete or damaged: {printable(path.name)}",
                "copy or export the series again",
            )


def _mentions(path: Path, uids: list[str]) -> bool:
    found = re.findall(rb"[0-9.]{8,64}", read_head(path))
    return any(uid.encode() in found for uid in uids)


def _read_single(header: DicomHeader, name: str, hint: str) -> DicomImage:
    if header.size[2] < 2:
        raise InputError(f"{name} is a single DICOM slice, not a volume", hint)
    image, thickness_mm, findings = read_frames(header, name)
    return DicomImage(image, (header.path,), header, thickness_mm, findings)


def _read_slices(headers: list[DicomHeader], name: str) -> DicomImage:
    first = headers[0]
    check_pixels(first.pixel_id, name)
    check_size((*first.size[:2], len(headers)), name)
    orientations = _numbers(headers, IMAGE_ORIENTATION, 6, name)
    pixels_mm = _numbers(headers, PIXEL_SPACING, 2, name)
    check_spacing(pixels_mm[0], name)
    alike = all(header.size == first.size for header in headers)
    if not alike or not _are_equal(orientations) or not _are_equal(pixels_mm):
        raise InputError(
            f"the slices of {name} differ in direction, size or pixel size: not one volume",
            "is it a localizer? give a T1 series",
        )
    stack = stack_slices(_numbers(headers, IMAGE_POSITION, 3, name), orientations[0], name)
    ordered = [headers[index] for index in stack.order]
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO(IMAGE_IO[FileKind.DICOM])
    reader.SetFileNames([str(header.path) for header in ordered])
    image = read_voxels(reader, name)
    files = tuple(header.path for header in ordered)
    return DicomImage(image, files, ordered[0], ordered[0].slice_thickness_mm)


def _numbers(
    headers: list[DicomHeader], tag: str, count: int, name: str
) -> list[tuple[float, ...]]:
    numbers = []
    for header in headers:
        found = header.numbers(tag, count)
        if found is None:
            raise InputError(
                f"{printable(header.path.name)} in {name} does not say where its slice lies"
                f" (DICOM tag {tag})",
                "export the series again, or convert it, for one by dcm2niix",
            )
        numbers.append(found)
    return numbers


def _are_equal(numbers: list[tuple[float, ...]]) -> bool:
    return bool(np.allclose(numbers, numbers[0], rtol=0, atol=1e-3))


def _no_series(folder: Path, name: str, broken: list[Path]) -> InputError:
    if broken:
        return InputError(
            f"{name} holds DICOM files but no complete image", "copy or export the series again"
        )
    return InputError(
        f"{name} holds no DICOM image",
        "give an image file, or the folder that itself holds the files of one DICOM series; "
        "`brainage batch` takes a folder of many scans",
    )
