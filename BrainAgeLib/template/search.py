"""Where the affine registration begins: a search over how the head may be pitched, rolled or cut.

Another such search is over a head that lies on its side or face down by the header.

Every start of a grid of rotations and shifts is scored on a few thousand template points at once.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.scan.geometry import Volume, apply_affine, rotation_about, sitk_from_volume
from BrainAgeLib.template.template import Template

# Set by hand, like the numbers in the functions; see ``registration``.
SEARCH_SPACING_MM = 8.0
PITCH_DEGREES = (-40.0, -26.0, -13.0, 0.0, 13.0, 26.0, 40.0)
ROLL_AND_YAW_DEGREES = (-26.0, -13.0, 0.0, 13.0, 26.0)
SHIFT_Z_MM = (-30.0, -15.0, 0.0, 15.0, 30.0)
LYING_DEGREES = (90.0, -90.0, 180.0)  # about the long axis of a body: on either side, face down
LEAST_IN_IMAGE = 0.2  # of the template's points, for a start to be scored at all
STARTS_TO_REFINE = 3


class RegistrationError(BrainAgeError):
    """A brain whose place in the template cannot be found."""


def search(
    brain: Volume, template: Template, lying_degrees: float = 0.0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return rigid starts (4 x 4, template to scan), best first, and the template's center.

    ``lying_degrees``: by how much the whole person is turned about the body's long axis, against
    how the header's axes say that people lie.
    """
    coarse = isotropic(brain, SEARCH_SPACING_MM)
    step = round(SEARCH_SPACING_MM / float(template.t1.spacing_mm[0]))
    samples = template.t1.voxels[::step, ::step, ::step]
    indices = np.stack(
        np.meshgrid(*(np.arange(n) * step for n in samples.shape), indexing="ij"), -1
    )
    points = apply_affine(template.t1.affine, indices[..., ::-1].reshape(-1, 3).astype(float))
    wanted = samples.ravel().astype(np.float64)
    center = (points * wanted[:, None]).sum(0) / wanted.sum()
    scan_center = _center_of_mass(coarse)
    to_index = np.linalg.inv(np.array(coarse.GetDirection()).reshape(3, 3) * SEARCH_SPACING_MM)
    middle = to_index @ (scan_center - np.array(coarse.GetOrigin()))
    around = (points - center).T
    reach_mm = float(np.linalg.norm(around, axis=0).max()) + max(SHIFT_Z_MM)
    seen = _Seen(sitk.GetArrayFromImage(coarse), middle, reach_mm / SEARCH_SPACING_MM)
    scored = []
    for rotation in _rotations(lying_degrees):
        turned = to_index @ rotation
        places = turned @ around + middle[:, None]
        for shift in SHIFT_Z_MM:
            # The shift is along the template's own z: what a cut-off top or bottom does.
            found, inside = seen.at(places + turned[:, 2:] * shift)
            scored.append((_likeness(found, inside, wanted), rotation, shift))
    scored.sort(key=lambda item: -item[0])
    starts: list[np.ndarray] = []
    for _, rotation, shift in scored:
        start = np.eye(4)
        start[:3, :3] = rotation
        start[:3, 3] = scan_center + rotation[:, 2] * shift - rotation @ center
        if all(_distance_mm(start, other, center) > 12.0 for other in starts):
            starts.append(start)
        if len(starts) == STARTS_TO_REFINE:
            break
    return starts, center


def _rotations(lying_degrees: float) -> list[np.ndarray]:
    lying = rotation_about(2, lying_degrees)
    return [
        lying @ rotation_about(0, pitch) @ rotation_about(1, roll) @ rotation_about(2, yaw)
        for pitch in PITCH_DEGREES
        for roll in ROLL_AND_YAW_DEGREES
        for yaw in ROLL_AND_YAW_DEGREES
    ]


def _center_of_mass(image: sitk.Image) -> np.ndarray:
    occupied = np.argwhere(sitk.GetArrayViewFromImage(image) > 0)
    if len(occupied) < 8:
        raise RegistrationError("the brain is too small to be registered")
    middle = occupied.mean(0)[::-1]
    return np.array(image.TransformContinuousIndexToPhysicalPoint(middle.tolist()))


class _Seen:
    """A scan (k, j, i) with as much around it as any start looks at, voxel by nearest voxel.

    ``middle``: the index (i, j, k) about which starts turn the template. ``reach``: how many voxels
    from there they look.
    """

    def __init__(self, values: np.ndarray, middle: np.ndarray, reach: float) -> None:
        last = np.array(values.shape)[::-1] - 1
        before, after = (np.ceil(reach + way).clip(0) + 1 for way in (-middle, middle - last))
        margins = np.stack([before, after], 1).astype(int)[::-1]
        # What is padded needs no check at each point: this is the search's inner loop.
        padded = np.pad(values.astype(np.float64), margins)
        self._first, self._shape = before[:, None], padded.shape
        self._values = padded.reshape(-1)
        self._inside = np.pad(np.ones(values.shape), margins).reshape(-1)

    def at(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the values at (3, point) indices i, j, k, and 1 in the image, 0 beyond it."""
        i, j, k = np.rint(indices + self._first)
        place = ((k * self._shape[1] + j) * self._shape[2] + i).astype(np.intp)
        return self._values[place], self._inside[place]


def _likeness(found: np.ndarray, inside: np.ndarray, wanted: np.ndarray) -> float:
    """Return the correlation of values (point,) where they are inside; 0 where too few are."""
    count = inside.sum()
    if count / len(wanted) < LEAST_IN_IMAGE:
        return 0.0
    # The same as ``correlation`` of what is inside: to pick that out would take most of the time.
    found = found - inside * (found.sum() / count)
    wanted = wanted - (inside @ wanted) / count
    scale = np.sqrt((found @ found) * (inside @ wanted**2))
    return float(found @ wanted / scale) if scale > 0 else 0.0


def _distance_mm(one: np.ndarray, other: np.ndarray, center: np.ndarray) -> float:
    """Return how far two transforms move the corners of a 140 mm cube around ``center`` apart."""
    corners = np.stack(np.meshgrid(*[(-70.0, 70.0)] * 3), -1).reshape(-1, 3) + center
    difference = apply_affine(one, corners) - apply_affine(other, corners)
    return float(np.sqrt((difference**2).sum(1).mean()))


def correlation(values: np.ndarray, others: np.ndarray) -> float:
    """Return Pearson's correlation of values (point,); 0 where one of the two never changes."""
    a, b = values - values.mean(), others - others.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


def isotropic(volume: Volume, spacing_mm: float, pad_mm: float = 0.0) -> sitk.Image:
    """Smooth to about ``spacing_mm`` and resample onto an isotropic grid along the same axes."""
    image = sitk_from_volume(volume)
    size = np.array(image.GetSize())
    for axis in range(3):
        spacing = image.GetSpacing()[axis]
        if spacing < spacing_mm and size[axis] >= 4:
            image = sitk.RecursiveGaussian(image, 0.4 * spacing_mm, direction=axis)
    extent_mm = (size - 1) * np.array(image.GetSpacing()) + 2 * pad_mm
    new_size = np.maximum(1, np.ceil(extent_mm / spacing_mm).astype(int) + 1)
    first = image.TransformContinuousIndexToPhysicalPoint(
        (-pad_mm / np.array(image.GetSpacing())).tolist()
    )
    return sitk.Resample(
        image,
        new_size.tolist(),
        sitk.Transform(),
        sitk.sitkLinear,
        first,
        (spacing_mm,) * 3,
        image.GetDirection(),
        0.0,
    )
