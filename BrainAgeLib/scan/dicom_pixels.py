"""The pixels of DICOM files: ITK's, but where it would take the wrong bits of a word.

ITK (GDCM) takes the low bits of a word for the value, wherever the header says that they lie, and
gives up over overlays of a size that is no whole number of bytes, and over an element of a kind
(VR) that the standard does not know. It turns an inverse picture (MONOCHROME1) about 0 or -1 when
values are signed, else about the highest that a word can hold, which parts slices of different
scale, and takes the first frame's scale for all. Bits: part 5 of the standard, chapter 8,
https://dicom.nema.org/medical/dicom/current/output/chtml/part05/chapter_8.html
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import SimpleITK as sitk
from pydicom.uid import UID, RLELossless

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.scan.checks import incomplete
from BrainAgeLib.scan.dicom_elements import elements_of, silent_pydicom, whole_dataset
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.file_kind import FileKind
from BrainAgeLib.scan.itk import IMAGE_IO, itk_path, read_voxels

# Films, JPEG XL and High-Throughput JPEG 2000, which GDCM does not know.
_SYNTAXES_NOT_READ = ("1.2.840.10008.1.2.4.1", "1.2.840.10008.1.2.4.2")
Rescale = tuple[float | None, float | None]


def read_pixels(headers: Sequence[DicomHeader], name: str) -> np.ndarray:
    """Return the values (slice, row, column), float32, of files of one size, in their order.

    ``name``: what messages call them together. An inverse picture is turned about, its darkest
    value becomes 0. Raises InputError when pixels cannot be read.
    """
    are_apart = len({header.slice.rescale for header in headers}) > 1
    if any(header.bits.are_odd or (header.is_inverse and are_apart) for header in headers):
        voxels = np.concatenate([_own_values(header, name) for header in headers])
    else:
        voxels = _values_by_itk_or_own(headers, name)
    columns, rows, frames = headers[0].size
    if voxels.shape != (frames * len(headers), rows, columns):
        raise incomplete(name)
    return voxels - voxels.min() if headers[0].is_inverse else voxels


def each_scaled(voxels: np.ndarray, by: Rescale, rescales: Sequence[Rescale]) -> np.ndarray:
    """Return frames (frame, row, column) that were all scaled ``by`` one scale, each by its own."""
    slope, intercept = by
    stored = np.rint((voxels - np.float32(intercept or 0.0)) / np.float32(slope or 1.0))
    scales = np.array([(own or 1.0, offset or 0.0) for own, offset in rescales], np.float32)
    scaled: np.ndarray = stored * scales[:, 0, None, None] + scales[:, 1, None, None]
    return scaled


def _values_by_itk_or_own(headers: Sequence[DicomHeader], name: str) -> np.ndarray:
    """Return what ITK reads, or the file's own words where it gives up over some other element."""
    paths = [itk_path(header.path, f"{header.slice.name} in {name}") for header in headers]
    try:
        return _values_by_itk(paths, name)
    except InputError:
        if all(header.bits.stored for header in headers):
            with suppress(InputError):
                return np.concatenate([_own_values(header, name) for header in headers])
        _check_packing(headers[0], name)
        raise


def _check_packing(header: DicomHeader, name: str) -> None:
    """Raise InputError where pixels are packed in a way that ITK does not know."""
    with elements_of(header.path, ()) as said:
        syntax = UID(said.meta.text("TransferSyntaxUID"))
    if syntax.startswith(_SYNTAXES_NOT_READ):
        raise InputError(
            f"the pixels of {name} are packed in a way that is not read ({printable(syntax.name)})",
            "export the series again without compression",
        )


def _values_by_itk(paths: Sequence[str], name: str) -> np.ndarray:
    reader: sitk.ImageFileReader | sitk.ImageSeriesReader
    if len(paths) == 1:
        reader = sitk.ImageFileReader()
        reader.SetFileName(paths[0])
    else:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(paths)
    reader.SetImageIO(IMAGE_IO[FileKind.DICOM])
    return np.asarray(sitk.GetArrayFromImage(read_voxels(reader, name)))


def _own_values(header: DicomHeader, name: str) -> np.ndarray:
    """Return the values (frame, row, column) of one file by the bits that its header names."""
    bits = header.bits
    try:
        with silent_pydicom():
            dataset = whole_dataset(header.path)
            syntax = dataset.file_meta.TransferSyntaxUID
            if syntax.is_encapsulated and syntax != RLELossless:
                raise ValueError(syntax)  # whether these have been shifted, their codec knows
            dataset.BitsStored = dataset.BitsAllocated  # pydicom, too, would take the low bits
            dataset.HighBit, dataset.PixelRepresentation = dataset.BitsAllocated - 1, 0
            words = dataset.pixel_array
    except Exception as error:  # pydicom has as many as there are ways to store pixels
        raise InputError(
            f"the pixels of {header.slice.name} in {name} are stored in an unusual way that cannot "
            "be read (high bit or overlay)",
            "convert the scan, for one by dcm2niix",
        ) from error
    values = words.astype(np.int64) >> bits.lowest & (1 << bits.stored) - 1
    if bits.are_signed:
        values -= (values >> bits.stored - 1) << bits.stored
    slope, intercept = header.slice.rescale
    scaled = values.astype(np.float32) * np.float32(slope or 1.0) + np.float32(intercept or 0.0)
    columns, rows, frames = header.size
    if scaled.size != columns * rows * frames:
        raise incomplete(name)
    scaled = scaled.reshape(frames, rows, columns)
    return -scaled if header.is_inverse else scaled
