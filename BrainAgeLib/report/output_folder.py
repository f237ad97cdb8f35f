"""The folder that takes one scan's outputs.

``prediction.json`` is the first that is removed and the last that is written, so its presence says
that the rest is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from BrainAgeLib.errors import InputError
from BrainAgeLib.run_folder import (
    PROBE_NAME,
    folder_lock,
    make_output_folder,
    refuse_to_overwrite,
    removed_if_it_fails,
)
from BrainAgeLib.whole_file import TEMPORARY_PREFIX, patiently

RECORD_NAME = "prediction.json"


@dataclass(frozen=True)
class OutputFolder:
    """The folder that takes one scan's outputs, and their names in it."""

    path: Path

    @property
    def prediction(self) -> Path:
        """The record; its presence says that everything else is complete."""
        return self.path / RECORD_NAME

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
    """Make the folder if need be and see that it takes files; what lies there stays.

    No other run gets the folder meanwhile. A folder that was made for a run that fails is removed
    again while it is empty. ``scan`` is the input: one that stands where an output belongs is
    refused.

    Raises InputError when the folder cannot be made or written to or another run is at work in it,
    BrainAgeError when the disk is full.
    """
    folder = OutputFolder(Path(path))
    with removed_if_it_fails(folder.path):
        make_output_folder(folder.path)
        with folder_lock(folder.path):
            if scan is not None:
                refuse_to_overwrite(Path(scan), folder.files, "the scan")
            yield folder


def make_room(folder: OutputFolder, scan: str | Path | None = None) -> list[str]:
    """Remove files by the names of our outputs and nothing else; return the names that were there.

    In the folder of a DICOM series, which ``scan`` may be, all DICOM files stay. Raises InputError
    for what cannot be removed.
    """
    holds_scan = scan is not None and Path(scan).is_dir() and folder.path.samefile(scan)
    outputs = (*folder.files, *(() if holds_scan else folder.dicom_files))
    there = [file.name for file in outputs if file.exists() or file.is_symlink()]
    for file in (*outputs, *_stale_temporary_files(folder)):
        _remove(file)
    return there


def _stale_temporary_files(folder: OutputFolder) -> list[Path]:
    """Find what a killed run left: our prefix and one of our names."""
    ours = (*folder.files, *folder.dicom_files)
    names = tuple(f"-{name}" for name in (*(file.name for file in ours), PROBE_NAME))
    unfinished = folder.path.glob(f"{TEMPORARY_PREFIX}*")
    return sorted(file for file in unfinished if file.name.endswith(names))


def _remove(file: Path) -> None:
    try:
        patiently(lambda: file.unlink(missing_ok=True))
    except OSError as error:
        reason = "it is a folder" if file.is_dir() else error.strerror or error
        raise InputError(
            f"{file}, where an output belongs, cannot be removed: {reason}",
            "close programs that use it, or choose another output folder",
        ) from error
