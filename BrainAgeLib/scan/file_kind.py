"""What lies at a path: nothing, a folder, or which image format, told by its first bytes alone.

Imports nothing that takes time: whether there is a scan at all is known before the work begins.
"""

from __future__ import annotations

import gzip
import re
import stat
import zlib
from enum import Enum
from pathlib import Path

from BrainAgeLib.errors import InputError, printable

HEAD_BYTES = 2**16
KIND_BYTES = 2**12  # a tree of files is gone through by these
_GZIP = b"\x1f\x8b"
_NIFTI_1 = ((348).to_bytes(4, "little"), (348).to_bytes(4, "big"))
_NIFTI_2 = ((540).to_bytes(4, "little"), (540).to_bytes(4, "big"))


_MGH = (1).to_bytes(4, "big")  # its version, the only one
MGH_TYPES = 12
_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima", ".dcm.gz")


class FileKind(Enum):
    """The formats that scans come in."""

    NIFTI = "NIfTI"
    NIFTI_2 = "NIfTI-2"
    MGH = "MGH"
    NRRD = "NRRD"
    METAIMAGE = "MetaImage"
    DICOM = "DICOM"


def require_path(given: str) -> None:
    """See that there is a file or a folder. Raises InputError when there is neither."""
    name = printable(given)
    try:
        mode = Path(given).stat().st_mode if given else None
    except (FileNotFoundError, ValueError):  # ValueError: a zero byte
        mode = None
    except OSError as error:
        raise cannot_be_read(name, error) from error
    if mode is None and given and Path(given).is_symlink():
        raise InputError(
            f"{name} is a link to a file that is not there",
            "with git-annex or DataLad, get it first",
        )
    if mode is None:
        raise InputError(f"{name or 'an empty path'} does not exist", "check the path")
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise InputError(f"{name} is neither a file nor a folder", "give a file or a folder")


def is_lost(path: Path) -> bool:
    """Say whether a path is a link to what is not there, as git-annex leaves them."""
    try:
        return path.is_symlink() and not path.exists()
    except OSError:  # in a folder that nobody may look into
        return False


def has_dicom_suffix(path: Path) -> bool:
    """Say whether a file's name is one that only DICOM files have."""
    return path.name.lower().endswith(_DICOM_SUFFIXES)


def cannot_be_read(name: str, error: OSError) -> InputError:
    """Say in the system's words why something cannot be read."""
    reason = error.strerror or type(error).__name__
    return InputError(f"{name} cannot be read: {reason.lower()}", "check the file")


def kind_of(path: Path) -> FileKind | None:
    """Return the format of a file, or None when it is none of ours.

    Raises OSError when the file cannot be opened.
    """
    head = read_head(path, KIND_BYTES)
    if head[:4] in _NIFTI_1:
        return FileKind.NIFTI
    if head[:4] in _NIFTI_2:
        return FileKind.NIFTI_2
    if head.startswith(b"NRRD0"):
        return FileKind.NRRD
    if re.search(rb"^NDims\s*=", head, re.MULTILINE):
        return FileKind.METAIMAGE
    if head[:4] == _MGH and int.from_bytes(head[20:24], "big") < MGH_TYPES:
        return FileKind.MGH
    # Old files have no preamble and begin with their first group, 0002 or 0008.
    if head[128:132] == b"DICM" or head[:2] in (b"\x02\x00", b"\x08\x00"):
        return FileKind.DICOM
    return None


def is_half_of_a_pair(path: Path) -> bool:
    """Say whether a file is the header alone of an Analyze or NIfTI scan (.hdr beside .img)."""
    head = read_head(path, KIND_BYTES)
    is_old, is_new = head[:4] in _NIFTI_1, head[:4] in _NIFTI_2
    return (is_old and head[344:347] != b"n+1") or (is_new and head[4:7] != b"n+2")


def is_compressed(path: Path) -> bool:
    """Say whether the whole file is gzip, as .nii.gz is."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def read_head(path: Path, most_bytes: int = HEAD_BYTES) -> bytes:
    """Return the first bytes of a file, unpacked if it is gzip; what can be had of a damaged one.

    Raises OSError when the file cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(most_bytes)
        if not head.startswith(_GZIP):
            return head
        file.seek(0)
        head = b""
        try:
            with gzip.open(file) as unpacked:
                # In small steps, so that what lies before the damage is not lost.
                while len(head) < most_bytes and (chunk := unpacked.read(64)):
                    head += chunk
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass
        return head
