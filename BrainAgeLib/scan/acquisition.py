"""How a scan was acquired, from its grid."""

from __future__ import annotations

import numpy as np

from BrainAgeLib.records import Acquisition, Plane
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.slices import slice_axis

PLANES: tuple[Plane, Plane, Plane] = ("sagittal", "coronal", "axial")


def describe_acquisition(canonical: Volume, slice_thickness_mm: float | None) -> Acquisition:
    """Return plane, number and spacing of the slices of a volume with axes nearest to L, P, S.

    ``slice_thickness_mm`` is what the header says, or None. Of a 3D scan the axial slices count.
    """
    axis = slice_axis(canonical.affine, canonical.voxels.shape)
    along = 2 if axis < 0 else axis
    rows, columns = (n for n in (2, 1, 0) if n != along)
    matrix = canonical.affine[:3, :3]
    normal = np.cross(matrix[:, rows], matrix[:, columns])
    # Slices that were shifted within their planes are closer than their origins.
    spacing_mm = abs(normal @ matrix[:, along]) / np.linalg.norm(normal)
    in_plane = canonical.spacing_mm[[columns, rows]]
    return Acquisition(
        plane="3d" if axis < 0 else PLANES[axis],
        slice_count=int(canonical.voxels.shape[::-1][along]),
        slice_spacing_mm=round(float(spacing_mm), 4),
        slice_thickness_mm=slice_thickness_mm,
        in_plane_mm=(round(float(in_plane[0]), 4), round(float(in_plane[1]), 4)),
    )
