"""What a DICOM file of many frames says of each frame, in its functional groups.

SimpleITK does not hand them out, so they are picked from the file's bytes here. An element is its
tag, its kind (two letters) and a length of two bytes, or a length of four bytes alone.
Tags: https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.8.13.5.html
"""

from __future__ import annotations

import math
import mmap
import re
import struct
from pathlib import Path

POSITION = b"\x20\x00\x32\x00"
ORIENTATION = b"\x20\x00\x37\x00"
PIXEL_SPACING = b"\x28\x00\x30\x00"
SLICE_THICKNESS = b"\x18\x00\x50\x00"
RESCALE = (b"\x28\x00\x52\x10", b"\x28\x00\x53\x10")
EFFECTIVE_ECHO_TIME = b"\x18\x00\x82\x90"
TEMPORAL_POSITION_INDEX = b"\x20\x00\x28\x91"
FRAME_ACQUISITION_NUMBER = b"\x20\x00\x56\x91"
FRAME_TYPE = b"\x08\x00\x07\x90"
COMPLEX_COMPONENT = b"\x08\x00\x08\x92"
_SHARED_GROUPS = b"\x00\x52\x29\x92"
_PER_FRAME_GROUPS = b"\x00\x52\x30\x92"
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_LONGEST_TEXT = 200  # bytes; six cosines take at most 101
_BINARY = {b"FD": "<d", b"UL": "<I", b"US": "<H"}


def functional_groups(path: Path) -> bytes:
    """Return the bytes that describe the frames of a file, or none."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        start = content.find(_SHARED_GROUPS)
        if start < 0:
            start = content.find(_PER_FRAME_GROUPS)
        end = content.find(_PIXEL_DATA, max(start, 0))
        return content[start:end] if 0 <= start < end else b""


def decimals(groups: bytes, tag: bytes, count: int) -> list[tuple[float, ...]]:
    """Return the ``count`` finite decimals of each element of that tag, in the file's order."""
    found = []
    for text in _contents(groups, tag, b"DS"):
        try:
            numbers = tuple(float(word.strip(b" \0")) for word in text.split(b"\\"))
        except ValueError:
            continue
        if len(numbers) == count and all(map(math.isfinite, numbers)):
            found.append(numbers)
    return found


def words(groups: bytes, tag: bytes) -> list[str]:
    """Return the text of each element of that tag, several words of one parted by backslashes."""
    contents = _contents(groups, tag, b"CS")
    return [text.strip(b" \0").decode("ascii", "replace") for text in contents]


def numbers_of(groups: bytes, tag: bytes, kind: bytes) -> list[float]:
    """Return the number in each element of that tag; ``kind`` is FD, UL or US."""
    layout = _BINARY[kind]
    size = struct.calcsize(layout)
    contents = _contents(groups, tag, kind)
    found = [struct.unpack(layout, content)[0] for content in contents if len(content) == size]
    return [float(number) for number in found]


def _contents(groups: bytes, tag: bytes, kind: bytes) -> list[bytes]:
    found = []
    for match in re.finditer(re.escape(tag), groups):
        start = match.end()
        if groups[start : start + 2] == kind:
            (length,) = struct.unpack_from("<H", groups.ljust(start + 4), start + 2)
        else:
            (length,) = struct.unpack_from("<I", groups.ljust(start + 4), start)
        found.append(groups[start + 4 : start + 4 + min(length, _LONGEST_TEXT)])
    return found
