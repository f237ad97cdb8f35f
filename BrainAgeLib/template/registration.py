"""Affine registration of an extracted brain to the template.

Scan and template are looked at where they are brighter than fluid, the coil's shading taken out:
dark rims differ by strip and contrast. Two steps. A coarse search places the head, however it is
pitched, rolled or cut: every start of a grid of rotations and shifts is scored on a few thousand
template points at once. SimpleITK then refines the best few; where none of them fits, those of the
picture turned around, dark for bright, as for a T2-weighted scan, and those of a head that lies on
its side or face down as well. Everything is deterministic: no random sampling, a
fixed number of work units.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import is_out_of_memory
from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.scan.voxel_values import WHITE_MATTER_QUANTILE
from BrainAgeLib.stages import Advance
from BrainAgeLib.template.search import LYING_DEGREES, RegistrationError, isotropic, search
from BrainAgeLib.template.template import BRIGHTEST, Template

# Sums are split by work unit: one fixed number gives one result on any machine. With more than one,
# ITK takes a second thread even where it was told to use one.
WORK_UNITS = 1
# What follows and the numbers in the functions were set by hand and judged by where brains end:
# thick slices 0.58 mm (median, 1.25 mm in 95 %) from the place of their 3D volume,
# Testing/studies/gate/registration_error.py.
REFINE_SPACING_MM = 6.0
FINAL_SPACINGS_MM = (4.0, 3.0)
PAD_MM = 12.0  # the template is seen with some background around it, or the brain may grow past it
# What is darker than this share of white matter is left out of both images, since it depends on the
# strip and the contrast: in trials that are not part of this repository loose and tight strips of
# one brain came 0.8-1.3 mm apart with it and 0.1-1.0 mm without it.
DARK_SHARE = 0.4
BRIGHT_RANGE = 0.8  # of white matter, above that
FAINT_SHARE = 0.25  # of white matter: darker is not looked at for the shading
SHADING_POINTS = 20_000
LARGEST_SHADING = 1.0  # of the logarithm
FAINT_T1 = 25.0  # of 255: the template's edge
FAINTEST = 10.0  # of 255: the blurred template's edge
STEPS = 100
# Of a coarse registration, or the picture is turned around and the head tried lying, too.
UPRIGHT_SIMILARITY = 0.8
# Of the brain's brightness, and of that: set by hand.
TURNED_QUANTILE, FAINTEST_SHARE = 0.98, 1e-3


@dataclass(frozen=True)
class Registration:
    """Where the template lies in the scan.

    ``template_to_scan``: 4 x 4 affine, LPS mm, from template points to scan points (the direction
    in which ITK resamples a scan onto the template). ``similarity``: squared correlation of the
    registered scan with the template over the template's brain and 12 mm around it, 0 to 1.
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
    brain: Volume, template: Template, advance: Advance | None = None
) -> Registration:
    """Register an extracted brain (background 0) to the template with 12 degrees of freedom.

    Raises RegistrationError when the brain holds too little to be registered.
    """
    report = advance or (lambda _fraction: None)
    bright = _bright_template(template)
    way = _upright(brain, bright)
    report(0.4)
    if not way.fits:
        way = _turned_around(brain, bright) or _lying(way, bright)
    report(0.5)
    affine = sitk.AffineTransform(3)
    affine.SetCenter(way.start.GetCenter())
    affine.SetMatrix(way.start.GetMatrix())
    affine.SetTranslation(way.start.GetTranslation())
    way.coarse.refine(affine)
    for spacing_mm in FINAL_SPACINGS_MM:
        _Problem(way.part, bright, spacing_mm).refine(affine)
        report(0.5 + 0.5 * FINAL_SPACINGS_MM[-1] / spacing_mm)
    score = _Problem(way.whole, template, FINAL_SPACINGS_MM[-1]).score(affine)
    result = np.eye(4)
    result[:3, :3] = np.array(affine.GetMatrix()).reshape(3, 3)
    result[:3, 3] = affine.TransformPoint((0.0, 0.0, 0.0))
    return Registration(result, -score)


@dataclass(frozen=True)
class _Way:
    """A picture, its bright part, the two images at a coarse resolution, the best place so far."""

    whole: Volume
    part: Volume
    coarse: _Problem
    start: sitk.Similarity3DTransform

    @property
    def fits(self) -> bool:
        return self.coarse.score(self.start) <= -UPRIGHT_SIMILARITY


def _upright(whole: Volume, bright: Template) -> _Way:
    """Return the best place of a picture whose head lies as its header says."""
    part = _bright_part(whole)
    coarse = _Problem(part, bright, REFINE_SPACING_MM)
    return _Way(whole, part, coarse, _best_start(coarse, part, bright, 0.0))


def _turned_around(brain: Volume, bright: Template) -> _Way | None:
    """Return the best place of the picture dark for bright, if it fits."""
    with suppress(RegistrationError):
        turned = _upright(_turned(brain), bright)
        return turned if turned.fits else None
    return None


def _lying(way: _Way, bright: Template) -> _Way:
    """Return the best place of a head that may lie on its side or face down as well."""
    starts = [way.start, *_lying_starts(way.coarse, way.part, bright)]
    return replace(way, start=min(starts, key=way.coarse.score))


def _turned(brain: Volume) -> Volume:
    """Return the brain dark for bright: of a T2-weighted scan, what a T1 shows, nearly."""
    inside = brain.voxels > 0
    brightest = float(np.quantile(brain.voxels[inside], TURNED_QUANTILE))
    faint = FAINTEST_SHARE * brightest  # still brain, not background
    turned = np.where(inside, (brightest - brain.voxels).clip(faint), 0.0)
    return brain.with_voxels(turned.astype(np.float32))


def _best_start(
    coarse: _Problem, brain: Volume, template: Template, lying_degrees: float
) -> sitk.Similarity3DTransform:
    """Return the best of the refined starts of a head that lies so; see ``search``."""
    starts, center = search(brain, template, lying_degrees)
    candidates = [_similarity_transform(start, center) for start in starts]
    scores = [coarse.refine(candidate) for candidate in candidates]
    return candidates[int(np.argmin(scores))]


def _lying_starts(
    coarse: _Problem, brain: Volume, template: Template
) -> list[sitk.Similarity3DTransform]:
    """Return the best start of each way a head may lie, without those that lead nowhere."""
    starts = []
    for degrees in LYING_DEGREES:
        with suppress(RegistrationError):
            starts.append(_best_start(coarse, brain, template, degrees))
    return starts


def _bright_part(brain: Volume) -> Volume:
    """Return what is brighter than fluid, from 0 on: dark rims differ by strip and contrast."""
    inside = brain.voxels[brain.voxels > 0]
    if len(inside) == 0:
        raise RegistrationError("the brain is too small to be registered")
    white_matter = float(np.quantile(inside, WHITE_MATTER_QUANTILE))
    share = brain.voxels / (white_matter * _shading(brain, white_matter)) - DARK_SHARE
    return brain.with_voxels((BRIGHTEST * share.clip(0.0, BRIGHT_RANGE)).astype(np.float32))


def _shading(brain: Volume, white_matter: float) -> np.ndarray:
    """Return the smooth field (k, j, i) around 1 that tissue's brightness follows.

    Where a coil leaves the top of a brain dark, the top would be taken for fluid otherwise. Tissue
    is brighter in the middle, too; so is the template's.
    """
    axes = [np.linspace(-1.0, 1.0, n, dtype=np.float32) for n in brain.voxels.shape]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    terms = [z, y, x, z * z, y * y, x * x, z * y, z * x, y * x]
    tissue = brain.voxels > FAINT_SHARE * white_matter
    step = 1 + int(tissue.sum()) // SHADING_POINTS
    chosen = np.flatnonzero(tissue)[::step]
    rows = [np.broadcast_to(term, tissue.shape).reshape(-1)[chosen] for term in terms]
    design = np.stack([np.ones(len(chosen), np.float32), *rows], 1)
    target = np.log(brain.voxels.reshape(-1)[chosen] / white_matter)
    factors, *_ = np.linalg.lstsq(design, target, rcond=None)
    field = factors[0] + sum(f * term for f, term in zip(factors[1:], terms, strict=True))
    return np.exp((field - np.median(field[tissue])).clip(-LARGEST_SHADING, LARGEST_SHADING))


@lru_cache(maxsize=2)
def _bright_template(template: Template) -> Template:
    """Return the template with the bright part of its T1."""
    t1 = template.t1.with_voxels(np.where(template.t1.voxels > FAINT_T1, template.t1.voxels, 0))
    return replace(template, t1=_bright_part(t1))


class _Problem:
    """Template and scan at one resolution."""

    def __init__(self, brain: Volume, template: Template, spacing_mm: float) -> None:
        # Copies: two threads must not share what ITK notes down in an image while it works.
        self.fixed, self.mask = map(deepcopy, _fixed(template, spacing_mm))
        self.moving = isotropic(brain, spacing_mm)

    def refine(self, transform: sitk.Transform) -> float:
        """Improve ``transform`` in place; return minus the squared correlation."""
        method = self._comparison()
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

    def score(self, transform: sitk.Transform) -> float:
        """Return minus the squared correlation where ``transform`` puts the scan."""
        method = self._comparison()
        method.SetInitialTransform(transform)
        return float(method.MetricEvaluate(self.fixed, self.moving))

    def _comparison(self) -> sitk.ImageRegistrationMethod:
        """Return what compares the two by their squared correlation."""
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfWorkUnits(WORK_UNITS)
        method.SetMetricAsCorrelation()
        method.SetMetricFixedMask(self.mask)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(sitk.sitkLinear)
        return method


@lru_cache(maxsize=8)
def _fixed(template: Template, spacing_mm: float) -> tuple[sitk.Image, sitk.Image]:
    """Return the template at one resolution and where the correlation is taken."""
    image = isotropic(template.t1, spacing_mm, PAD_MM)
    radius = round(PAD_MM / spacing_mm)
    return image, sitk.BinaryDilate(sitk.Cast(image > FAINTEST, sitk.sitkUInt8), [radius] * 3)


def _similarity_transform(start: np.ndarray, center: np.ndarray) -> sitk.Similarity3DTransform:
    transform = sitk.Similarity3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist())
    transform.SetTranslation((apply_affine(start, center) - center).tolist())
    return transform
