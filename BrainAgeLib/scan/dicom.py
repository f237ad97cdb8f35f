"""Read a scan from a folder that holds a DICOM series, or from one DICOM file.

The headers tell which files and frames belong together and where they lie; whoever reads the pixels
has no say in that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.broken_slices import check_no_slice_is_broken
from BrainAgeLib.scan.checks import check_size, not_grey
from BrainAgeLib.scan.dicom_contents import (
    described,
    likeliest,
    line_to_type,
    no_series,
    without_picture,
)
from BrainAgeLib.scan.dicom_header import DicomHeader, read_dicom_header, read_frames
from BrainAgeLib.scan.dicom_pixels import each_scaled, read_pixels
from BrainAgeLib.scan.dicom_slices import (
    choose_repetition,
    not_alike,
    numbered_places,
    stack_slices,
)
from BrainAgeLib.scan.dicom_sorting import Series, joined, without_copies, without_strangers
from BrainAgeLib.scan.file_kind import FileKind, kind_of


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
    findings: tuple[Finding, ...]


def read_dicom_folder(folder: Path, series_uid: str | None, name: str) -> DicomImage:
    """Read the series in a folder, or the one of several that ``series_uid`` names.

    ``name``: what messages call the folder. Raises InputError when there is no such series or its
    slices do not make one volume.
    """
    series, others = dicom_series_in(folder)
    if not series:
        raise no_series(folder, name, others)
    headers, copies = _chosen(series, series_uid, name), None
    images = list(chain.from_iterable(series.values()))
    check_no_slice_is_broken(folder, headers, images, others, name)
    if all(header.size[2] > 1 for header in headers):
        headers, copies = without_copies(headers)
    if len(headers) == 1:
        image = _read_frames(headers[0], name, "export the whole series")
        return replace(image, findings=(*filter(None, [copies]), *image.findings))
    if any(header.size[2] > 1 for header in headers):
        raise _several_files(headers, name)
    return _read_slices(headers, name)


def read_dicom_file(path: Path, series_uid: str | None, name: str) -> DicomImage:
    """Read the volume in one DICOM file of many frames.

    Raises InputError when the file is a slice, holds no image or is not of series ``series_uid``.
    """
    header = read_dicom_header(path)
    if not header.is_whole and (what := without_picture(header)):
        raise InputError(
            f"{name} holds no complete DICOM image but {what}",
            "give the folder of a DICOM series; the folder of a disc lists them",
        )
    if not header.is_whole:
        raise InputError(
            f"{name} holds no complete DICOM image",
            "give the folder of a DICOM series, or export the file again",
        )
    _chosen({header.series_uid: [header]}, series_uid, name)
    return _read_frames(header, name, "give the folder that holds the series")


def dicom_series_in(folder: Path) -> tuple[Series, list[DicomHeader]]:
    """Return the headers of the images in a folder by series, and of DICOM files without one.

    The latter are damaged, or something else: a report is DICOM, too. Files in its subfolders do
    not count.
    """
    series: Series = {}
    others = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or kind_of(path) is not FileKind.DICOM:
            continue
        header = read_dicom_header(path)
        if header.is_whole:
            series.setdefault(header.series_uid, []).append(header)
        else:
            others.append(header)
    return joined(series), others


def _chosen(series: Series, series_uid: str | None, name: str) -> list[DicomHeader]:
    listing = tuple(f"{uid}  {described(headers)}" for uid, headers in series.items())
    if series_uid is not None:
        if series_uid not in series:
            raise InputError(
                f"{name} holds no DICOM series {series_uid}", "choose one of these", listing
            )
        return _without_mosaics(series[series_uid], name)
    if len(series) > 1:
        raise InputError(
            f"{name} holds {len(series)} DICOM series",
            f"choose one: {line_to_type(name, likeliest(series))}",
            listing,
        )
    return _without_mosaics(next(iter(series.values())), name)


def _without_mosaics(headers: list[DicomHeader], name: str) -> list[DicomHeader]:
    """Return the headers. Raises InputError where a file's slices are tiles of one picture."""
    if any("MOSAIC" in header.slice.image_type.upper().split("\\") for header in headers):
        raise InputError(
            f"{name} is a Siemens mosaic, whose slices are tiles of one picture; these are of "
            "function or diffusion nearly always, and no T1",
            "choose the T1 series; if it is one, convert it, for one by dcm2niix",
        )
    return headers


def _read_frames(header: DicomHeader, name: str, hint: str) -> DicomImage:
    """Read the one file that makes up a series; ``hint`` is for one of a single slice."""
    if header.size[2] < 2:
        raise _single_slice(name, hint)
    _check_pixels([header], header.size, name)
    frames = read_frames(header.path)
    if len(frames) != header.size[2]:
        raise InputError(
            f"{name} does not say where each of its frames lies", "convert it, for one by dcm2niix"
        )
    chosen, findings = choose_repetition(frames)
    if len(chosen) < 2:
        raise _single_slice(name, hint)
    stack = stack_slices([frames[number] for number in chosen], name)
    order = [chosen[place] for place in stack.order]
    scaled = replace(header, slice=replace(header.slice, rescale=frames[0].rescale))
    voxels = read_pixels([scaled], name)[order]
    rescales = [frames[number].rescale for number in order]
    if {*rescales} != {frames[0].rescale}:
        if header.is_inverse:
            raise InputError(
                f"the frames of {name} are not scaled alike", "convert it, for one by dcm2niix"
            )
        voxels = each_scaled(voxels, frames[0].rescale, rescales)
    image = sitk.GetImageFromArray(voxels)
    stack.place(image)
    thickness_mm = frames[order[0]].thickness_mm or header.slice.thickness_mm
    return DicomImage(image, (header.path,), header, thickness_mm, findings)


def _read_slices(headers: Sequence[DicomHeader], name: str) -> DicomImage:
    """Read a series of files that hold a slice each."""
    headers, strangers = without_strangers(headers)
    headers, copies = without_copies(headers)
    chosen, findings = choose_repetition([header.slice for header in headers])
    taken = [headers[number] for number in chosen]
    if len(taken) < 2:
        raise _single_slice(name, "export the whole series")
    size = (*taken[0].size[:2], len(taken))
    _check_pixels(taken, size, name)
    if any(header.size != taken[0].size for header in taken):
        raise not_alike(name)
    stack = stack_slices([header.slice for header in taken], name)
    ordered = [taken[place] for place in stack.order]
    files = tuple(header.path for header in ordered)
    image = sitk.GetImageFromArray(read_pixels(ordered, name))
    stack.place(image)
    said = tuple(finding for finding in (strangers, copies) if finding)
    thickness_mm = ordered[0].slice.thickness_mm
    return DicomImage(image, files, ordered[0], thickness_mm, said + findings)


def _check_pixels(headers: Sequence[DicomHeader], size: Sequence[int], name: str) -> None:
    if not all(header.is_grey for header in headers):
        raise not_grey("colour", name)
    check_size(size, name)


def _several_files(headers: Sequence[DicomHeader], name: str) -> InputError:
    """Return the error for a series of more than one file that is not of one slice a file."""
    seen: set[int] = set()
    volumes = InputError(f"{name} holds {len(headers)} volumes", "give one of its files")
    frames = [read_frames(header.path) or [header.slice] for header in headers]
    if len({each[0].orientation for each in frames}) > 1:
        return volumes
    numbers = iter(numbered_places([frame.position_mm for each in frames for frame in each]))
    for each in frames:
        places = {next(numbers) for _ in each}
        if places & seen:
            return volumes
        seen |= places
    return InputError(
        f"{name} holds a volume in {len(headers)} files, each with other slices of it",
        "a single one of them would be a part of the head: export the series again as one file or "
        "with one slice a file, or convert it, for one by dcm2niix",
    )


def _single_slice(name: str, hint: str) -> InputError:
    return InputError(f"{name} is a single DICOM slice, not a volume", hint)
