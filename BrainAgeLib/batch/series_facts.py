"""What header and voxel grid tell of a series or a file, without reading its voxels."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from BrainAgeLib.batch.choice import SeriesFacts
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import Plane
from BrainAgeLib.scan.checks import check_shape
from BrainAgeLib.scan.dicom_header import DicomHeader, names_contrast_agent
from BrainAgeLib.scan.file_kind import kind_of
from BrainAgeLib.scan.geometry import PLANES, slice_axis
from BrainAgeLib.scan.itk import open_header

_DERIVED = ("DERIVED", "PROJECTION IMAGE", "MIP")


def facts_of_file(path: Path) -> SeriesFacts:
    """Return what a NIfTI, NRRD or MetaImage file, and a JSON sidecar beside it, tell.

    A file that cannot be read may be the T1: it is no volume, and its complaint says why.
    """
    name = path.name
    sidecar = _sidecar(path)
    description = " ".join(filter(None, (name, str(sidecar.get("SeriesDescription", "")))))
    try:
        kind = kind_of(path)
        if kind is None:
            return SeriesFacts(str(path), None, description, None, 0, complaint="cannot be read")
        header = open_header(path, kind, name)
        check_shape(header, name)
    except (OSError, BrainAgeError) as error:
        return SeriesFacts(str(path), None, description, None, 0, complaint=str(error))
    dimension = header.GetDimension()
    direction = np.reshape(header.GetDirection(), (dimension, dimension))[:3, :3]
    plane, count = _plane(direction, header.GetSpacing()[:3], header.GetSize()[:3])
    return SeriesFacts(
        str(path),
        None,
        description,
        plane,
        count,
        _milliseconds(sidecar, "EchoTime"),
        _milliseconds(sidecar, "RepetitionTime"),
        _milliseconds(sidecar, "InversionTime"),
        is_gradient_echo="GR" in str(sidecar.get("ScanningSequence", "")),
        has_contrast_agent=names_contrast_agent(str(sidecar.get("ContrastBolusAgent") or "")),
    )


def facts_of_series(folder: Path, headers: Sequence[DicomHeader], alone: bool) -> SeriesFacts:
    """Return what the headers of one DICOM series tell.

    ``alone``: it is the folder's only one. A file of many frames stands for its own series.
    """
    first = headers[0]
    is_one_file = len(headers) == 1 and first.size[2] > 1
    plane, count = _plane_of_series(headers)
    times = first.sequence
    inversion_ms = times.inversion_time_ms
    image_type = first.slice.image_type.upper()
    localizer = " localizer" if "LOCALIZER" in image_type else ""
    return SeriesFacts(
        str(first.path if is_one_file else folder),
        None if alone or is_one_file else first.series_uid,
        f"{first.series_description}{localizer}",
        plane,
        count,
        times.echo_time_ms,
        times.repetition_time_ms,
        inversion_ms if inversion_ms is not None and inversion_ms > 0 else None,
        is_gradient_echo=first.is_gradient_echo,
        has_contrast_agent=times.says_contrast_agent,
        is_derived=any(word in image_type for word in _DERIVED),
    )


def _plane_of_series(headers: Sequence[DicomHeader]) -> tuple[Plane | None, int]:
    first = headers[0]
    orientation, pixel_mm = first.slice.orientation, first.slice.pixel_mm
    if orientation is None or pixel_mm is None:  # frames say it each for themselves
        return (PLANES[2], first.size[2]) if first.size[2] > 1 else (None, len(headers))
    row, column = np.reshape(orientation, (2, 3))
    normal = np.cross(row, column)
    places = [header.slice.position_mm for header in headers]
    heights = sorted({round(float(normal @ np.array(place)), 1) for place in places if place})
    same = {header.slice.orientation == orientation for header in headers}
    if len(heights) < 2 or same != {True}:
        return None, len(heights)
    spacing_mm = (heights[-1] - heights[0]) / (len(heights) - 1)
    direction = np.stack([row, column, normal], axis=1)
    size = (first.size[0], first.size[1], len(heights))
    plane, count = _plane(direction, (pixel_mm[1], pixel_mm[0], spacing_mm), size)
    return ("3d" if first.is_3d else plane), count


def _plane(
    direction: np.ndarray, spacing_mm: Sequence[float], size: Sequence[int]
) -> tuple[Plane, int]:
    """Return the plane of the slices of a grid (i, j, k) and how many there are."""
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(spacing_mm)
    axis = slice_axis(affine, tuple(size[::-1]))
    if axis < 0:
        return "3d", max(size)
    return PLANES[int(np.argmax(np.abs(direction[:, axis])))], size[axis]


def _sidecar(path: Path) -> dict[str, Any]:
    """Return the JSON file that BIDS and dcm2niix put beside an image, or nothing."""
    sidecar = path.with_name(path.name.removesuffix(".gz")).with_suffix(".json")
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _milliseconds(sidecar: dict[str, Any], key: str) -> float | None:
    """Return a time that the sidecar gives in seconds."""
    value = sidecar.get(key)
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        return None
    return 1000.0 * value
