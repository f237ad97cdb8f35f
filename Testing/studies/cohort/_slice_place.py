"""Where in the template single atlas slices lie, for ``oasis.py``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import minimize

from BrainAgeLib.scan.geometry import Volume, sitk_from_volume
from BrainAgeLib.template.template import load_template

LEVELS_MM = np.arange(-8.0, 45.0, 1.0)
BLUR_PIXELS = 1.5
SLICE_MM = 1.0
STEPS = {
    "level_mm": 2.0,
    "scale_x": 0.03,
    "scale_y": 0.03,
    "x_mm": 2.0,
    "y_mm": 2.0,
    "pitch": 0.05,
}


@dataclass(frozen=True)
class Place:
    """Where a slice lies. World coordinates are LPS mm; a slice's row 0 is its front.

    x = ``scale_x`` (column - middle) + ``x_mm``; y likewise of rows; z = ``level_mm`` + ``pitch``
    (y - ``y_mm``).
    """

    level_mm: float
    scale_x: float = 1.0
    scale_y: float = 1.0
    x_mm: float = 0.0
    y_mm: float = 18.0
    pitch: float = 0.0

    def affine(self, shape: tuple[int, int]) -> np.ndarray:
        """Return index (i, j, k) to world (4 x 4) of a slice (row, column)."""
        rows, columns = shape
        matrix = np.eye(4)
        matrix[:3, 0] = (self.scale_x, 0.0, 0.0)
        matrix[:3, 1] = (0.0, self.scale_y, self.pitch * self.scale_y)
        matrix[:3, 2] = np.cross(matrix[:3, 0], matrix[:3, 1])
        matrix[:3, 2] *= SLICE_MM / np.linalg.norm(matrix[:3, 2])
        middle = matrix[:3, 0] * (columns - 1) / 2 + matrix[:3, 1] * (rows - 1) / 2
        matrix[:3, 3] = np.array([self.x_mm, self.y_mm, self.level_mm]) - middle
        return matrix


def likeness(pixels: np.ndarray, place: Place) -> float:
    """Return the correlation of a slice (row, column) with the template at a place."""
    template = load_template().t1
    rows, columns = np.indices(pixels.shape)
    index = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)]).reshape(4, -1)
    points = np.linalg.inv(template.affine) @ place.affine(pixels.shape) @ index
    there = map_coordinates(template.voxels, points[2::-1], order=1).reshape(pixels.shape)
    here = gaussian_filter(pixels, BLUR_PIXELS)
    there = gaussian_filter(there, BLUR_PIXELS)
    both = (here > 0.05 * here.max()) | (there > 0.05 * there.max())
    return float(np.corrcoef(here[both], there[both])[0, 1])


def common_place(mean: np.ndarray) -> Place:
    """Return the place of the mean of all slices: level, scales, shifts and pitch."""
    best = max((Place(level) for level in LEVELS_MM), key=lambda place: likeness(mean, place))
    for _ in range(3):
        found = minimize(
            _unlikeness,
            np.zeros(len(STEPS)),
            (mean, best),
            method="Powell",
            options={"xtol": 0.02, "ftol": 1e-6},
        )
        best = _moved(best, found.x)
    return best


def _unlikeness(steps: np.ndarray, mean: np.ndarray, start: Place) -> float:
    return -likeness(mean, _moved(start, steps))


def _moved(place: Place, steps: np.ndarray) -> Place:
    changes = {
        name: float(getattr(place, name) + step * unit)
        for (name, unit), step in zip(STEPS.items(), steps, strict=True)
    }
    return replace(place, **changes)


def own_level(pixels: np.ndarray, common: Place) -> Place:
    """Return the common place at the level that is most like this slice."""
    places = [replace(common, level_mm=common.level_mm + step) for step in np.arange(-15, 16, 1.0)]
    return max(places, key=lambda place: likeness(pixels, place))


def placed_image(pixels: np.ndarray, place: Place) -> sitk.Image:
    """Return a one-slice image in template space."""
    return sitk_from_volume(Volume(pixels[None].astype(np.float32), place.affine(pixels.shape)))
