"""ITK's readers, with errors that a user understands."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.scan.file_kind import FileKind
from BrainAgeLib.scan.scan import sheared

IMAGE_IO = {
    FileKind.NIFTI: "NiftiImageIO",
    FileKind.NRRD: "NrrdImageIO",
    FileKind.METAIMAGE: "MetaImageIO",
    FileKind.DICOM: "GDCMImageIO",
}


def open_header(path: Path, kind: FileKind, name: str) -> sitk.ImageFileReader:
    """Return ITK's reader after it has read the header only.

    Raises InputError when ITK cannot read it.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # ITK ends the whole program
        raise InputError(f"the path of {name} is not UTF-8", "rename it") from error
    reader = sitk.ImageFileReader()
    reader.SetImageIO(IMAGE_IO[kind])
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _explained(error, name) from error
    return reader


def read_voxels(reader: sitk.ImageFileReader | sitk.ImageSeriesReader, name: str) -> sitk.Image:
    """Return the image of a reader as float32, without the header's comments and names.

    Raises InputError when ITK cannot read it.
    """
    reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise _explained(error, name) from error
    return sitk.Cast(image, sitk.sitkFloat32)  # a copy takes no comments along


def incomplete(name: str) -> InputError:
    """Return the error for a file that is cut off or damaged."""
    return InputError(f"{name} is incomplete or damaged", "copy or convert the scan again")


def _explained(error: RuntimeError, name: str) -> BrainAgeError:
    """Return what ITK's error means to a user."""
    if "orthonormal" in str(error):
        return sheared(name)
    if "bad_alloc" in str(error) or "allocate" in str(error):
        return BrainAgeError(f"there is not enough memory to read {name}", "close other programs")
    return incomplete(name)
