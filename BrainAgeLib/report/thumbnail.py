"""One small picture of a scan, for the index of a batch."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from BrainAgeLib.records import Pictures, SlicePicture
from BrainAgeLib.report.report_images import outlined
from BrainAgeLib.whole_file import write_atomically

SIDE_PX = 72


def write_thumbnail(pictures: Pictures, path: Path) -> None:
    """Write the slice with the largest brain, outlined; nothing when there is no picture.

    Raises BrainAgeError when it cannot be written.
    """
    slices = pictures.input_slices
    if not slices:
        return
    middle = len(slices) // 2
    picture = max(slices, key=_brain_mm2) if any(map(_brain_mm2, slices)) else slices[middle]
    stream = io.BytesIO()
    outlined(picture, picture.mask, SIDE_PX).save(stream, "PNG", optimize=True)
    write_atomically(path, stream.getvalue())


def _brain_mm2(picture: SlicePicture) -> float:
    if picture.mask is None:
        return 0.0
    return float(np.count_nonzero(picture.mask)) * picture.pixel_mm[0] * picture.pixel_mm[1]
