"""ITK's readers: silent, under a name that ITK goes by, with errors that a user understands."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.checks import check_grid, check_shape, incomplete, sheared
from BrainAgeLib.scan.file_kind import FileKind

IMAGE_IO = {
    FileKind.NIFTI: "NiftiImageIO",
    FileKind.NRRD: "NrrdImageIO",
    FileKind.METAIMAGE: "MetaImageIO",
    FileKind.DICOM: "GDCMImageIO",
}
PREFIX = "brainage-"
NIFTI_SUFFIXES = (".nii.gz", ".nii", ".hdr.gz", ".img.gz", ".hdr", ".img")
# SimpleITK hands names of files on as UTF-8. The C library of Windows takes them for text of the
# system's code page otherwise, and finds nothing in the folders of a user whose name has an umlaut.
NAMES_LOCALE = ".UTF-8" if os.name == "nt" else None
NO_SUCH_PROCESS, NOT_ENDED, MAY_WAIT = 87, 258, 0x100000  # of Windows
_STDERR = 2
_one_at_a_time = threading.RLock()


@dataclass(frozen=True)
class FileImage:
    """A volume from a file. ``image``: 3D, float32. ``files``: all that hold it."""

    image: sitk.Image
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]


def read_volume(path: Path, kind: FileKind, name: str) -> sitk.Image:
    """Return the one volume in a file as float32; voxel values are not looked at.

    ``name``: what messages call the file. Raises InputError when it is not one scalar volume with
    a place in the world.
    """
    reader = open_header(path, kind, name)
    check_shape(reader, name)
    check_grid(reader, name)
    size = reader.GetSize()
    if len(size) > 3:  # one volume, as was checked: an extent of 0 drops the axis
        reader.SetExtractSize([*size[:3], *(0 for _ in size[3:])])
    return read_voxels(reader, name)


def open_header(path: Path, kind: FileKind, name: str) -> sitk.ImageFileReader:
    """Return ITK's reader after it has read the header only.

    Raises InputError when ITK cannot read it.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO(IMAGE_IO[kind])
    reader.SetFileName(itk_path(path, name))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _explained(error, name) from error
    return reader


def itk_path(path: Path, name: str) -> str:
    """Return a path as ITK takes it; raise InputError for one that is not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # ITK ends the whole program
        raise InputError(f"the path of {name} is not UTF-8", "rename it") from error
    return str(path)


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


def _explained(error: RuntimeError, name: str) -> BrainAgeError:
    """Return what ITK's error means to a user."""
    if "orthonormal" in str(error):
        return sheared(name)
    if "bad_alloc" in str(error) or "allocate" in str(error):
        return BrainAgeError(f"there is not enough memory to read {name}", "close other programs")
    return incomplete(name)


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK, and the libraries inside it, from writing to the terminal; let it find any name.

    ITK's warnings have a switch. MetaIO, VNL and the JPEG codecs write to the C error stream past
    it, so that stream goes nowhere meanwhile, whoever writes to it.
    """
    with _one_at_a_time:
        warns = sitk.ProcessObject.GetGlobalWarningDisplay()
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            with _without_error_stream(), _names_as_given():
                yield
        finally:
            sitk.ProcessObject.SetGlobalWarningDisplay(warns)


@contextmanager
def _names_as_given() -> Iterator[None]:
    before = locale.setlocale(locale.LC_CTYPE)
    if NAMES_LOCALE is not None:
        with suppress(locale.Error):  # a Windows older than 10, or its first years
            locale.setlocale(locale.LC_CTYPE, NAMES_LOCALE)
    try:
        yield
    finally:
        if NAMES_LOCALE is not None:
            try:
                locale.setlocale(locale.LC_CTYPE, before)
            except locale.Error:  # Windows does not take every name back that it gives
                with suppress(locale.Error):
                    locale.setlocale(locale.LC_CTYPE, "")


@contextmanager
def _without_error_stream() -> Iterator[None]:
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:  # a program without a console has no such stream
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


@contextmanager
def named_as(path: Path, *suffixes: str) -> Iterator[Path]:
    """Give a path to the file that ends in one of ``suffixes``: ITK goes by the suffix.

    It also reads the voxels of a scan.nii.gz from the scan.nii beside it, when there is one: then
    the file gets a place of its own. The link, or the copy where links are not allowed, is removed
    afterwards, and what a killed run left of its own is removed before.
    """
    if path.name.endswith(suffixes) and not _has_double(path):
        yield path
        return
    remove_leftovers()
    # What cannot be removed yet, as where something on Windows has it open, the next run removes.
    with tempfile.TemporaryDirectory(
        prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        renamed = Path(folder) / f"scan{suffixes[0]}"
        try:
            renamed.symlink_to(path.resolve())
        except OSError:  # Windows allows links to few
            shutil.copyfile(path, renamed)
        yield renamed


def _has_double(path: Path) -> bool:
    """Say whether a file of the same name but another suffix of NIfTI lies beside it."""
    for suffix in NIFTI_SUFFIXES:
        if path.name.endswith(suffix):
            stem = path.name.removesuffix(suffix)
            others = (path.with_name(stem + other) for other in NIFTI_SUFFIXES if other != suffix)
            return any(other.exists() for other in others)
    return False


def remove_leftovers() -> None:
    """Remove the temporary folders of runs of ours that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdigit() and folder.is_dir() and not _is_running(int(number)):
            with suppress(OSError):  # another user's
                shutil.rmtree(folder)


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # where os.kill would end it
        import _winapi

        try:
            handle = _winapi.OpenProcess(MAY_WAIT, False, process)
        except (OSError, OverflowError) as error:
            return getattr(error, "winerror", None) != NO_SUCH_PROCESS
        try:
            return _winapi.WaitForSingleObject(handle, 0) == NOT_ENDED
        finally:
            _winapi.CloseHandle(handle)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
