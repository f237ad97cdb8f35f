"""Which image format a file is in, told by its first bytes and never by its name."""

from __future__ import annotations

import gzip
import re
import zlib
from enum import Enum
from pathlib import Path

HEAD_BYTES = 2**16
_GZIP = b"\x1f\x8b"
_NIFTI_1 = ((348).to_bytes(4, "little"), (348).to_bytes(4, "big"))
_NIFTI_2 = ((540).to_bytes(4, "little"), (540).to_bytes(4, "big"))


class FileKind(Enum):
    """The formats that scans come in."""

    NIFTI = "NIfTI"
    NIFTI_2 = "NIfTI-2"
    NRRD = "NRRD"
    METAIMAGE = "MetaImage"
    DICOM = "DICOM"


def kind_of(path: Path) -> FileKind | None:
    """Return the format of a file, or None when it is none of ours.

    Raises OSError when the file cannot be opened.
    """
    head = read_head(path)
    if head[:4] in _NIFTI_1:
        return FileKind.NIFTI
    if head[:4] in _NIFTI_2:
        return FileKind.NIFTI_2
    if head.startswith(b"NRRD0"):
        return FileKind.NRRD
    if re.search(rb"^NDims\s*=", head[:4096], re.MULTILINE):
        return FileKind.METAIMAGE
    # Old files have no preamble and begin with their first group, 0002 or 0008.
    if head[128:132] == b"DICM" or head[:2] in (b"\x02\x00", b"\x08\x00"):
        return FileKind.DICOM
    return None


def is_compressed(path: Path) -> bool:
    """Say whether the whole file is gzip, as .nii.gz is."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked if it is gzip; what can be had of a damaged one.

    Raises OSError when the file cannot be opened.
    """
    if not is_compressed(path):
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    head = b""
    try:
        with gzip.open(path) as file:
            # In small steps, so that what lies before the damage is not lost.
            while len(head) < HEAD_BYTES and (chunk := file.read(64)):
                head += chunk
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass
    return head
