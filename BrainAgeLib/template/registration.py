"""Affine registration of an extracted brain to the template.

Two steps. A coarse search places the head, however it is pitched, rolled or cut: every start of a
grid of rotations and shifts is scored on a few thousand template points at once. SimpleITK then
refines the best few. Everything is deterministic: no random sampling, a fixed number of work units.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError, is_out_of_memory
from BrainAgeLib.scan.geometry import Volume, apply_affine, sitk_from_volume
from BrainAgeLib.template.template import Template

# Sums are split by work unit: one fixed number gives one result on any machine. With more than one,
# ITK takes a second thread even where it was told to use one.
WORK_UNITS = 1
# What follows and the numbers in the functions were set by hand and judged by where brains end:
# thick slices 0.62 mm (median, 1.07 mm in 95 %) from the place of their 3D volume,
# Testing/studies/gate/registration_error.py.
SEARCH_SPACING_MM = 8.0
REFINE_SPACING_MM = 6.0
FINAL_SPACINGS_MM = (4.0, 3.0)
PAD_MM = 12.0  # the template is seen with some background around it, or the brain may grow past it
FAINTEST = 10.0  # of 255: the blurred template's edge
PITCH_DEGREES = (-40.0, -26.0, -13.0, 0.0, 13.0, 26.0, 40.0)
ROLL_AND_YAW_DEGREES = (-26.0, -13.0, 0.0, 13.0, 26.0)
SHIFT_Z_MM = (-30.0, -15.0, 0.0, 15.0, 30.0)
LEAST_IN_IMAGE = 0.2  # of the template's points, for a start to be scored at all
STARTS_TO_REFINE = 3
STEPS = 100


class RegistrationError(BrainAgeError):
    """A brain whose place in the template cannot be found."""


@dataclass(frozen=True)
class Registration:
    """Where the template lies in the scan.

    ``template_to_scan``: 4 x 4 affine, LPS mm, from template points to scan points (the direction
    in which ITK resamples a scan onto the template). ``similarity``: correlation of the registered
    scan with the template over the template brain, -1 to 1.
    """

    template_to_scan: np.ndarray
    similarity: float

    @property
    def scan_to_template(self) -> np.ndarray:
        """4 x 4 affine, LPS mm, from scan points to template points."""
        return np.linalg.inv(self.template_to_scan)

    @property
    def is_found(self) -> bool:
        """Whether the place was found; otherwise the scan is said to be in template space."""
        return self is not NOT_REGISTERED

    def to_itk(self) -> sitk.AffineTransform:
        """Return the transform with which ITK resamples the scan onto the template."""
        transform = sitk.AffineTransform(3)
        transform.SetMatrix(self.template_to_scan[:3, :3].ravel().tolist())
        transform.SetTranslation(self.template_to_scan[:3, 3].tolist())
        return transform


NOT_REGISTERED = Registration(np.eye(4), float("nan"))
"""For a scan that is in template space already."""


def register_to_template(
    brain: Volume, template: Template, on_progress: Callable[[float], None] | None = None
) -> Registration:
    """Register an extracted brain (background 0) to the template with 12 degrees of freedom.

    Raises RegistrationError when the brain holds too little to be registered.
    """
    report = on_progress or (lambda _fraction: None)
    starts, center = _search(brain, template)
    report(0.2)
    coarse = _Problem(brain, template, REFINE_SPACING_MM)
    candidates = [_similarity_transform(start, center) for start in starts]
    scores = [coarse.refine(candidate) for candidate in candidates]
    best = candidates[int(np.argmin(scores))]
    report(0.5)
    affine = sitk.AffineTransform(3)
    affine.SetCenter(best.GetCenter())
    affine.SetMatrix(best.GetMatrix())
    affine.SetTranslation(best.GetTranslation())
    score = coarse.refine(affine)
    for spacing_mm in FINAL_SPACINGS_MM:
        score = _Problem(brain, template, spacing_mm).refine(affine)
        report(0.5 + 0.5 * FINAL_SPACINGS_MM[-1] / spacing_mm)
    result = np.eye(4)
    result[:3, :3] = np.array(affine.GetMatrix()).reshape(3, 3)
    result[:3, 3] = affine.TransformPoint((0.0, 0.0, 0.0))
    return Registration(result, -score)


def correlation(values: np.ndarray, others: np.ndarray) -> float:
    """Return Pearson's correlation of values (point,); 0 where one of the two never changes."""
    a, b = values - values.mean(), others - others.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


class _Problem:
    """Template and scan at one resolution."""

    def __init__(self, brain: Volume, template: Template, spacing_mm: float) -> None:
        # Copies: two threads must not share what ITK notes down in an image while it works.
        self.fixed, self.mask = map(deepcopy, _fixed(template, spacing_mm))
        self.moving = _isotropic(brain, spacing_mm)

    def refine(self, transform: sitk.Transform) -> float:
        """Improve ``transform`` in place; return minus the correlation."""
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfWorkUnits(WORK_UNITS)
        method.SetMetricAsCorrelation()
        method.SetMetricFixedMask(self.mask)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(sitk.sitkLinear)
        # The step is estimated in mm anew at each iteration: with one fixed step the rotations,
        # whose units differ, run away. Line searches find the same place in four times the time.
        method.SetOptimizerAsRegularStepGradientDescent(
            1.0, 0.005, STEPS, 0.6, 1e-8, method.EachIteration, 2.0
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        try:
            method.Execute(self.fixed, self.moving)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            raise RegistrationError("the brain could not be registered to the template") from error
        return float(method.GetMetricValue())


@lru_cache(maxsize=8)
def _fixed(template: Template, spacing_mm: float) -> tuple[sitk.Image, sitk.Image]:
    """Return the template at one resolution and where the correlation is taken."""
    image = _isotropic(template.t1, spacing_mm, PAD_MM)
    radius = round(PAD_MM / spacing_mm)
    return image, sitk.BinaryDilate(sitk.Cast(image > FAINTEST, sitk.sitkUInt8), [radius] * 3)


def _similarity_transform(start: np.ndarray, center: np.ndarray) -> sitk.Transform:
    transform = sitk.Similarity3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist())
    transform.SetTranslation((apply_affine(start, center) - center).tolist())
    return transform


def _isotropic(volume: Volume, spacing_mm: float, pad_mm: float = 0.0) -> sitk.Image:
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


def _search(brain: Volume, template: Template) -> tuple[list[np.ndarray], np.ndarray]:
    """Return rigid starts (4 x 4, template to scan), best first, and the template's center."""
    coarse = _isotropic(brain, SEARCH_SPACING_MM)
    values = sitk.GetArrayFromImage(coarse)
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
    origin = np.array(coarse.GetOrigin())
    scored = []
    for rotation in _rotations():
        turned = (points - center) @ rotation.T + scan_center - origin
        for shift in SHIFT_Z_MM:
            # The shift is along the template's own z: what a cut-off top or bottom does.
            found, inside = _nearest(values, (turned + rotation[:, 2] * shift) @ to_index.T)
            enough = inside.mean() >= LEAST_IN_IMAGE
            score = correlation(found[inside], wanted[inside]) if enough else 0.0
            scored.append((score, rotation, shift))
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


def _rotations() -> list[np.ndarray]:
    def turn(axis: int, degrees: float) -> np.ndarray:
        angle, (a, b) = np.deg2rad(degrees), [n for n in range(3) if n != axis]
        matrix = np.eye(3)
        matrix[a, a] = matrix[b, b] = np.cos(angle)
        matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
        return matrix

    return [
        turn(0, pitch) @ turn(1, roll) @ turn(2, yaw)
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


def _nearest(values: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest values at (i, j, k) indices and which of these lie in the image."""
    place = np.zeros(len(indices), np.int64)
    inside = np.ones(len(indices), bool)
    # An axis at a time: numpy is slow on rows of three, and this is the search's inner loop.
    for axis, count in zip((2, 1, 0), values.shape, strict=True):
        rounded = np.rint(indices[:, axis]).astype(np.int64)
        inside &= (rounded >= 0) & (rounded < count)
        place = place * count + rounded.clip(0, count - 1)
    return values.reshape(-1)[place], inside


def _distance_mm(one: np.ndarray, other: np.ndarray, center: np.ndarray) -> float:
    """Return how far two transforms move the corners of a 140 mm cube around ``center`` apart."""
    corners = np.stack(np.meshgrid(*[(-70.0, 70.0)] * 3), -1).reshape(-1, 3) + center
    difference = apply_affine(one, corners) - apply_affine(other, corners)
    return float(np.sqrt((difference**2).sum(1).mean()))
