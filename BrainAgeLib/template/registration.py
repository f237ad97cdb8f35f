"""Affine registration of an extracted brain to the template.

Scan and template are looked at where they are brighter than fluid, the coil's shading taken out:
dark rims differ by strip and contrast. Two steps. A coarse search places the head, however it is
pitched, rolled or cut: every start of a grid of rotations and shifts is scored on a few thousand
template points at once. SimpleITK then refines the best few; where none of them fits, those of the
picture turned around, dark for bright, as for a T2-weighted scan, and those of a head that lies on
its side or face down as well. Everything is deterministic: no random sampling, a
fixed number of work units. Where a run has a second thread, that one takes what does not have to
wait for its turn; the same work comes to the same bits there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.ahead import Ahead, when_asked
from BrainAgeLib.errors import is_out_of_memory
from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.stages import Advance
from BrainAgeLib.template.bright_part import bright_part, bright_template, turned
from BrainAgeLib.template.search import LYING_DEGREES, RegistrationError, isotropic, search
from BrainAgeLib.template.template import Template

# Sums are split by work unit: one fixed number gives one result on any machine. The last steps wait
# for each other, so a second thread must help within each: a scan takes 0.4 s less on two cores.
# ITK takes that thread even where it was told to use one.
WORK_UNITS = 2
# What follows and the numbers in the functions were set by hand and judged by where brains end:
# thick slices 0.58 mm (median, 1.25 mm in 95 %) from the place of their 3D volume,
# Testing/studies/gate/registration_error.py.
REFINE_SPACING_MM = 6.0
FINAL_SPACINGS_MM = (4.0, 3.0)
PAD_MM = 12.0  # the template is seen with some background around it, or the brain may grow past it
FAINTEST = 10.0  # of 255: the blurred template's edge
STEPS = 100
# Of a coarse registration, or the picture is turned around and the head tried lying, too.
UPRIGHT_SIMILARITY = 0.8


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
    brain: Volume,
    template: Template,
    advance: Advance | None = None,
    ahead: Ahead = when_asked,
    meanwhile: Callable[[], object] = lambda: None,
) -> Registration:
    """Register an extracted brain (background 0) to the template with 12 degrees of freedom.

    ``meanwhile``: what a second thread of ``ahead`` is to do while the last steps, which wait for
    each other, need but one. Raises RegistrationError when the brain holds too little to be
    registered.
    """
    report = advance or (lambda _fraction: None)
    bright = bright_template(template)
    way = _upright(brain, bright, ahead)
    report(0.4)
    if not way.fits:
        way = _turned_around(brain, bright, ahead) or _lying(way, bright, ahead)
    report(0.5)
    finer = [ahead(partial(_Problem, way.part, bright, mm)) for mm in FINAL_SPACINGS_MM]
    whole = ahead(partial(_Problem, way.whole, template, FINAL_SPACINGS_MM[-1]))
    ahead(meanwhile)
    affine = sitk.AffineTransform(3)
    affine.SetCenter(way.start.GetCenter())
    affine.SetMatrix(way.start.GetMatrix())
    affine.SetTranslation(way.start.GetTranslation())
    way.coarse.refine(affine)
    for spacing_mm, images in zip(FINAL_SPACINGS_MM, finer, strict=True):
        images().refine(affine)
        report(0.5 + 0.5 * FINAL_SPACINGS_MM[-1] / spacing_mm)
    score = whole().score(affine)
    result = np.eye(4)
    result[:3, :3] = np.array(affine.GetMatrix()).reshape(3, 3)
    result[:3, 3] = affine.TransformPoint((0.0, 0.0, 0.0))
    return Registration(result, -score)


def make_template_ready(template: Template) -> None:
    """Make what a process's first registration needs of the template; it is kept then."""
    bright = bright_template(template)
    for spacing_mm in (REFINE_SPACING_MM, *FINAL_SPACINGS_MM):
        _fixed(bright, spacing_mm)
    _fixed(template, FINAL_SPACINGS_MM[-1])


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


def _upright(whole: Volume, bright: Template, ahead: Ahead) -> _Way:
    """Return the best place of a picture whose head lies as its header says."""
    part = bright_part(whole)
    later = ahead(partial(_Problem, part, bright, REFINE_SPACING_MM))
    starts = _starts(part, bright)
    coarse = later()
    return _Way(whole, part, coarse, _best_of(starts, coarse, ahead))


def _turned_around(brain: Volume, bright: Template, ahead: Ahead) -> _Way | None:
    """Return the best place of the picture dark for bright, if it fits."""
    with suppress(RegistrationError):
        way = _upright(turned(brain), bright, ahead)
        return way if way.fits else None
    return None


def _lying(way: _Way, bright: Template, ahead: Ahead) -> _Way:
    """Return the best place of a head that may lie on its side or face down as well.

    Ways to lie that lead nowhere are left out.
    """
    starts = [way.start]
    for degrees in LYING_DEGREES:
        with suppress(RegistrationError):
            starts.append(_best_of(_starts(way.part, bright, degrees), way.coarse, ahead))
    return replace(way, start=min(starts, key=way.coarse.score))


def _starts(
    brain: Volume, template: Template, lying_degrees: float = 0.0
) -> list[sitk.Similarity3DTransform]:
    """Return where to begin with a head that lies so; see ``search``."""
    starts, center = search(brain, template, lying_degrees)
    return [_similarity_transform(start, center) for start in starts]


def _best_of(
    starts: list[sitk.Similarity3DTransform], coarse: _Problem, ahead: Ahead
) -> sitk.Similarity3DTransform:
    """Return the best of the starts after all were refined."""
    here, there = starts[::2], starts[1::2]
    also_coarse = deepcopy(coarse)
    scores_there = [ahead(partial(also_coarse.refine, start)) for start in there]
    scores = [coarse.refine(start) for start in here]
    scores += [score() for score in scores_there]
    return [*here, *there][int(np.argmin(scores))]


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
        method.MetricUseMovingImageGradientFilterOff()  # a score needs no gradients
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
