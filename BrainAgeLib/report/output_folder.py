"""The folder that takes one scan's outputs, and one run at a time.

``prediction.json`` is the first that is removed and the last that is written, so its presence says
that the rest is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.whole_file import (
    FULL_DISK_ERRORS,
    TEMPORARY_PREFIX,
    full_disk_error,
    temporary_name,
)

LOCK_NAME = ".brainage-lock"
PROBE_NAME = "probe"
PROBE_BYTES = 4096  # an empty file fits on a full disk


@dataclass(frozen=True)
class OutputFolder:
    """The folder that takes one scan's outputs, and their names in it."""

    path: Path

    @property
    def prediction(self) -> Path:
        """The record; its presence says that everything else is complete."""
        return self.path / "prediction.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def saliency(self) -> Path:
        """The saliency map on the scan's own grid."""
        return self.path / "saliency.nii.gz"

    @property
    def brain_mask(self) -> Path:
        """The brain on the scan's own grid."""
        return self.path / "brain_mask.nii.gz"

    @property
    def to_template(self) -> Path:
        """The ITK transform of the registration."""
        return self.path / "to_template.tfm"

    @property
    def thumbnail(self) -> Path:
        """A small picture of the middle slice, for the index of a batch."""
        return self.path / "thumbnail.png"

    @property
    def dicom_files(self) -> tuple[Path, Path]:
        """The structured report and the page, both DICOM."""
        return (self.path / "report.dcm", self.path / "page.dcm")

    @property
    def files(self) -> tuple[Path, ...]:
        """All outputs but the DICOM ones, in the order in which earlier ones are removed."""
        images = (self.saliency, self.brain_mask, self.to_template)
        return (self.prediction, self.report, *images, self.thumbnail)


@contextmanager
def output_folder(path: str | Path, scan: str | Path | None = None) -> Iterator[OutputFolder]:
    """Make the folder if need be, see that it takes files, and remove earlier outputs of ours.

    Nothing else that lies there is touched, and no other run gets the folder meanwhile. A folder
    that was made for a run that fails is removed again while it is empty. ``scan`` is
    the input: one that stands where an output belongs is not removed but refused, and in the folder
    of a DICOM series all DICOM files stay.

    Raises InputError when the folder cannot be made or written to or another run is at work in it,
    BrainAgeError when the disk is full.
    """
    folder = OutputFolder(Path(path))
    is_new = not folder.path.exists()
    make_output_folder(folder.path)
    try:
        with folder_lock(folder.path):
            _make_room(folder, scan)
            yield folder
    except BaseException:
        if is_new:
            with suppress(OSError):  # it holds something, or another run is at work in it
                folder.path.rmdir()
        raise


def _make_room(folder: OutputFolder, scan: str | Path | None) -> None:
    """Remove earlier outputs of ours, but never the scan."""
    if scan is not None:
        _refuse_to_overwrite(folder, Path(scan))
    holds_scan = scan is not None and Path(scan).is_dir() and folder.path.samefile(scan)
    dicom_files = () if holds_scan else folder.dicom_files
    for file in (*folder.files, *dicom_files, *_stale_temporary_files(folder)):
        _remove(file)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other runs out of ``folder`` meanwhile.

    The lock is the operating system's, on a file in the folder: whatever ends a run, a kill or a
    power cut too, gives it back, and a file that is left means nothing. Raises InputError when
    another run is at work there. A file system without locks has none.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"another run is writing into {folder}",
            "wait until it has ended, or choose another output folder",
        ) from error
    except OSError:
        pass  # some network disks have no locks
    try:
        yield
    finally:
        if os.name != "nt":  # while it is ours: afterwards it may be another's
            _unlink_quietly(folder / LOCK_NAME)
        lock.release()
        if os.name == "nt":  # where nobody can remove a file that is open
            _unlink_quietly(folder / LOCK_NAME)


def _unlink_quietly(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def make_output_folder(path: Path) -> None:
    """Make a folder if need be and see that it takes files; its parent must be there.

    Raises InputError when it cannot be made or written to, FullDiskError when the disk is full.
    """
    _make(path)
    _try_to_write(path)


def _make(path: Path) -> None:
    """Make the folder; its parent must be there, lest a mistyped path grow a tree."""
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise InputError(
                f"the output folder {path} is a file", "name a folder, or one to be made"
            ) from None
    except FileNotFoundError:
        raise InputError(
            f"the output folder {path} cannot be made: there is no folder {path.parent}",
            "make that folder first, or mend the path",
        ) from None
    except NotADirectoryError:
        raise InputError(
            f"the output folder {path} cannot be made: {path.parent} is no folder",
            "mend the path",
        ) from None
    except OSError as error:
        raise _folder_error(error, path, "cannot be made") from error


def _try_to_write(path: Path) -> None:
    # Permission bits do not tell: root, network shares and read-only disks do not follow them.
    try:
        probe = temporary_name(path / PROBE_NAME)
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _folder_error(error, path, "is not writable") from error


def _folder_error(error: OSError, path: Path, what: str) -> BrainAgeError:
    if error.errno in FULL_DISK_ERRORS:
        return full_disk_error(path)
    return InputError(
        f"the output folder {path} {what}: {error.strerror or error}",
        "choose another folder or change its permissions",
    )


def _refuse_to_overwrite(folder: OutputFolder, scan: Path) -> None:
    for file in folder.files:
        if file.exists() and scan.exists() and file.samefile(scan):
            raise InputError(
                f"the scan {scan} lies where this run writes its {file.name}",
                "choose another output folder",
            )


def _stale_temporary_files(folder: OutputFolder) -> list[Path]:
    """Find what a killed run left: our prefix and one of our names."""
    ours = (*folder.files, *folder.dicom_files)
    names = tuple(f"-{name}" for name in (*(file.name for file in ours), PROBE_NAME))
    found = folder.path.glob(f"{TEMPORARY_PREFIX}*")
    return sorted(file for file in found if file.name.endswith(names))


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        reason = "it is a folder" if file.is_dir() else error.strerror or error
        raise InputError(
            f"{file}, where an output belongs, cannot be removed: {reason}",
            "close programs that use it, or choose another output folder",
        ) from error
