"""The DICOM files behind a volume, in Slicer's database: read, never written.

The worker judges files as the command line does: echo time, contrast agent, thickness, missing and
uneven slices. So it gets the files themselves, as long as the volume still shows what they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from BrainAgeLib.scan.dicom_header import SliceHeader, read_dicom_header, read_frames
from BrainAgeSlicer import volumes

INSTANCE_UIDS = "DICOM.instanceUIDs"  # attribute of a volume: one for each slice, in order
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
LARGEST_TURN_ERROR = 1e-3  # of the cosines; a lattice that was scaled or mirrored is another scan
DISTINCT_MM = 0.01


@dataclass(frozen=True)
class DicomFiles:
    """The files of a volume's slices, or the one file of all.

    ``ijkToRAS``: 4 x 4, from the volume's voxel indices (i, j, k) to where the headers say.
    """

    files: tuple[Path, ...]
    ijkToRAS: np.ndarray


def instanceUIDs(node: Any) -> list[str]:
    """Return what a volume was loaded from; [] when it was not from DICOM."""
    return (node.GetAttribute(INSTANCE_UIDS) or "").split()


def database() -> Any:
    """Return Slicer's DICOM database, or None where there is none."""
    return getattr(slicer, "dicomDatabase", None)


def filesBehind(node: Any) -> tuple[Path, ...]:
    """Return the files that a volume was loaded from; () unless the database has all of them."""
    known, uids = database(), instanceUIDs(node)
    if not known or not uids:
        return ()
    names = [known.fileForInstance(uid) for uid in dict.fromkeys(uids)]
    files = tuple(Path(name) for name in names if name)
    complete = len(files) == len(names) and all(each.is_file() for each in files)
    return files if complete else ()


def stillShown(node: Any, files: tuple[Path, ...]) -> DicomFiles | None:
    """Return the files with their lattice, or None when the volume shows something else by now.

    It shows them when its voxels are theirs, and lies in the world as they do or turned and moved.
    """
    try:
        headers = _slicesOf(files)
        stored = _read(files)
    except OSError:
        return None
    voxels = slicer.util.arrayFromVolume(node)
    if stored is None or headers is None or len(headers) != len(voxels):
        return None
    asStored, ijkToRAS = stored
    if not np.array_equal(asStored, voxels):
        if not np.array_equal(asStored[::-1], voxels):
            return None
        ijkToRAS = ijkToRAS @ volumes.reversedSlices(len(voxels))
        if len(files) == 1:  # its frames are told in the order in which they are stored
            headers = headers[::-1]
    k, j, i = voxels.shape
    corners = np.array([[x, y, z, 1.0] for z in range(k) for y in (0, j - 1) for x in (0, i - 1)])
    told = np.concatenate([_sliceToRAS(each) @ corners[:4].T for each in headers], axis=1)[:3].T
    inWorld = volumes.toWorld(node, corners @ volumes.ijkToRASOf(node)[:3].T)
    # Without an acquisition transform an uneven stack is shown as the reader lays it.
    if not any(_isTurnedOnly(each, inWorld) for each in (told, corners @ ijkToRAS[:3].T)):
        return None
    return DicomFiles(files, _latticeThrough(headers))


def _slicesOf(files: tuple[Path, ...]) -> list[SliceHeader] | None:
    """Return where the slices lie; None when one does not say, or two share a place."""
    headers = [read_dicom_header(each).slice for each in files]
    if len(headers) == 1:
        headers = read_frames(files[0])
    if any(None in (each.position_mm, each.orientation, each.pixel_mm) for each in headers):
        return None
    places = np.array([each.position_mm for each in headers])
    if len(places) < 2 or len(np.unique((places / DISTINCT_MM).round(), axis=0)) < len(places):
        return None
    return headers


def _read(files: tuple[Path, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return voxels (k, j, i) and lattice as Slicer's own reader makes them of the files."""
    _scene, node, storage = volumes.sceneOfOurOwn()
    storage.ResetFileNameList()
    storage.SetFileName(str(files[0]))
    for each in files if len(files) > 1 else ():
        storage.AddFileName(str(each))
    storage.SetSingleFile(0)
    if not storage.ReadData(node):
        return None
    return np.array(slicer.util.arrayFromVolume(node)), volumes.ijkToRASOf(node)


def _sliceToRAS(header: SliceHeader) -> np.ndarray:
    """Return 4 x 4, from (i, j, anything, 1) of one slice to RAS in mm."""
    matrix = np.diag([1.0, 1.0, 0.0, 1.0])
    betweenRows, betweenColumns = np.array(header.pixel_mm)
    matrix[:3, 0] = np.array(header.orientation)[:3] * betweenColumns
    matrix[:3, 1] = np.array(header.orientation)[3:] * betweenRows
    matrix[:3, 3] = header.position_mm
    return np.asarray(RAS_FROM_LPS @ matrix)


def _latticeThrough(headers: list[SliceHeader]) -> np.ndarray:
    """Return the right-angled lattice of a stack, as the worker lays it."""
    first, last = _sliceToRAS(headers[0]), _sliceToRAS(headers[-1])
    normal = np.cross(first[:3, 0], first[:3, 1])
    normal /= np.linalg.norm(normal)
    down = first[:3, 1] / np.linalg.norm(first[:3, 1])
    first[:3, 0] = np.cross(down, normal) * np.linalg.norm(first[:3, 0])
    first[:3, 2] = normal * (normal @ (last - first)[:3, 3]) / (len(headers) - 1)
    return first


def _isTurnedOnly(points: np.ndarray, others: np.ndarray) -> bool:
    """Return whether one set of points (n, 3) is the other, but for a turn and a shift."""
    known = np.c_[points, np.ones(len(points))]
    fitted, *_rest = np.linalg.lstsq(known, others, rcond=None)
    turn = fitted[:3]
    isTurn = np.abs(turn @ turn.T - np.eye(3)).max() <= LARGEST_TURN_ERROR
    near = np.abs(known @ fitted - others).max() <= volumes.LARGEST_LATTICE_ERROR_MM
    return bool(isTurn and np.linalg.det(turn) > 0 and near)
