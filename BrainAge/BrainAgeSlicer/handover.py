"""A scan on its way to the worker: its DICOM files where it still shows them, else its image."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeSlicer import dicomfiles, volumes

# A stack that leans by up to a hundredth of its height is straightened by the worker.
MOST_STRAIGHTENED_MM = 3.0


@dataclass(frozen=True)
class HandOver:
    """``path``: what the worker reads. ``lattice``: where its outputs lie.

    ``withoutHeader``: why the image goes alone although it came from DICOM, or an empty string.
    """

    path: Path
    lattice: volumes.Lattice
    isDicom: bool = False
    withoutHeader: str = ""


def handOver(node: Any, folder: Path) -> HandOver:
    """Copy a scan into a folder of our own. The user's nodes and files stay as they are.

    Raises BrainAgeError when it cannot be written.
    """
    name = volumes.fileNameOf(node)  # the report shows it
    files = dicomfiles.filesBehind(node)
    shown = dicomfiles.stillShown(node, files) if files else None
    if shown is not None:
        return HandOver(_copied(shown.files, folder / name), _latticeOf(node, shown), isDicom=True)
    path = folder / f"{name}.nrrd"
    lattice = volumes.exportVolume(node, path)
    if not dicomfiles.instanceUIDs(node):
        return HandOver(path, lattice)
    why = _("its DICOM files are no longer in Slicer's database")
    if files:
        why = _("it no longer shows what its DICOM files hold")
    return HandOver(path, lattice, withoutHeader=why)


def _latticeOf(node: Any, shown: dicomfiles.DicomFiles) -> volumes.Lattice:
    i, j, k = node.GetImageData().GetDimensions()
    own = volumes.ijkToRASOf(node)
    return volumes.Lattice(own, shown.ijkToRAS, (k, j, i), True, MOST_STRAIGHTENED_MM)


def _copied(files: tuple[Path, ...], folder: Path) -> Path:
    """Copy files under names that differ, since those of a database need not; return the folder."""
    try:
        folder.mkdir()
        for number, each in enumerate(files):
            shutil.copyfile(each, folder / f"{number:05}.dcm")
    except OSError as error:
        raise BrainAgeError(
            _("The scan could not be copied to {folder}.").format(folder=folder.parent),
            _("free some disk space"),
        ) from error
    return folder
