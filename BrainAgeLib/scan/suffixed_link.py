"""A file under a name that ITK reads as what it is, for as long as it is read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "brainage-"
NIFTI_SUFFIXES = (".nii.gz", ".nii", ".hdr.gz", ".img.gz", ".hdr", ".img")


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
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as folder:
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
    if os.name == "nt":
        return True  # there, os.kill would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
