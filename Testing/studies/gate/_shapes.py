"""What the gate would say of many healthy heads if their headers were wrong.

A wrong spacing scales the scan, and the registration takes it back (the study's faulty scans show
that it does). So the affines of sound scans alone tell how often a wrong header would be caught.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from BrainAgeLib.gate import header

FACTORS = (0.5, 0.67, 0.75, 0.8, 0.9, 1.0, 1.1, 1.25, 1.33, 1.5, 2.0)
PIXEL_MM, SLICE_MM = 1.0, 6.0
PIXELS, SLICES = 200, 24
PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}  # the axis of the slices


def shapes(folder: Path) -> dict[str, Any]:
    """Return for slice spacing and pixel size how many heads each factor gets refused.

    ``folder``: affines from template to scan (4 x 4) of scans whose axes are the template's.
    """
    affines = [np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npy"))]
    found: dict[str, Any] = {"people": len(affines), "slice spacing": {}, "pixel size": {}}
    for plane, axis in PLANES.items():
        pixel = 0 if axis else 1
        for kind, wrong in (("slice spacing", axis), ("pixel size", pixel)):
            found[kind][plane] = {
                str(factor): sum(_refused(a, axis, wrong, factor) for a in affines)
                for factor in FACTORS
            }
    return found


def _refused(template_to_scan: np.ndarray, axis: int, wrong: int, factor: float) -> bool:
    """Say whether a stack along ``axis`` is refused, its axis ``wrong`` scaled by ``factor``."""
    spacing_mm, shape = [PIXEL_MM] * 3, [PIXELS] * 3
    spacing_mm[axis], shape[2 - axis] = SLICE_MM, SLICES
    scaled = np.diag([factor if n == wrong else 1.0 for n in range(4)])
    affine = scaled @ np.diag([*spacing_mm, 1.0])
    to_template = np.linalg.inv(scaled @ template_to_scan)[:3, :3]
    measured = header.Header(*header.shape_of_head(to_template, affine, tuple(shape)))
    return bool(header.FAMILY.judge(measured))
