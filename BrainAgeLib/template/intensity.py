"""Bias field and contrast, removed in one fit in template space.

The template says where grey and white matter are expected. There the logarithm of the image is
modelled as one brightness per tissue plus a smooth polynomial field, fitted robustly, since some
of those places hold something else (cerebrospinal fluid in a shrunken brain, a lesion, an error
of registration). Dividing by the field removes the coil's shading. Mapping the brightnesses of
both tissues and of cerebrospinal fluid to fixed values then makes scans of different T1 contrast
alike. A line through the two tissues alone would not: scans in which grey and white matter are
nearly alike would show the border of cortex and fluid as fluid, and the brain as an old one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from BrainAgeLib.statistics import SD_OF_MEDIAN_SIZE
from BrainAgeLib.template.template import BRAIN_CENTER_MM

# Takes residuals (point,) and their standard deviation, returns weights (point,).
Reweigh = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# The models were trained on what comes of these numbers: whoever changes one trains anew. Those,
# here and in the functions, that name no source were set by hand.
GREY_MATTER_LEVEL = 0.7  # what MPRAGE scans have when white matter is 1
WHITE_MATTER_LEVEL = 1.0
FLUID_LEVEL = 0.0
HIGHEST_LEVEL = 1.5
LEAST_COVER = 0.5  # of a pixel that is fitted
LEAST_SHOWN = 0.01  # of a pixel, for its brightness to be taken for that of the brain in it
PRIOR_THRESHOLD = 0.75  # where the template is sure enough of a tissue
FIELD_ORDER = 3
FIELD_UNIT_MM = 80.0
ROUNDS = 4  # of reweighting
# Scales of Tukey's biweight (Beaton and Tukey 1974) and of Huber's weights (Huber 1964) in robust
# standard deviations: 95 % efficiency.
TUKEY, HUBER = 4.685, 1.345
RIDGE = 1e-3  # on each coefficient of the field, for each point
LEAST_POINTS = 40  # of each tissue
MOST_POINTS = 10_000  # more change the fit by less than 0.1 %
# How much darker than grey matter fluid is taken to be, of white matter. What is darkest in a scan
# depends on how wide the ventricles are, and so on the age. Pure fluid is darker than grey matter
# by 0.47 in Cam-CAN, 0.54 in OASIS-1 and 0.43-0.57 on the scanners of IXI; the dark end of this
# range keeps what is half cortex from being taken for fluid where the contrast is strong.
FLUID_CONTRAST = 0.55
# Weaker grey-white contrast than this is noise; it must not be stretched to the full range.
LEAST_CONTRAST = 0.08


def normalise_intensity(
    masked: torch.Tensor,
    cover: torch.Tensor,
    points_mm: torch.Tensor,
    grey_matter: torch.Tensor,
    white_matter: torch.Tensor,
) -> torch.Tensor:
    """Return images (slice, y, x) with grey matter near 0.7, white matter near 1, the rest clipped.

    ``masked``: the scan, 0 where no brain is. ``cover``: the fraction of each pixel that is brain,
    0-1; the rest of it is shown as fluid, so that a brain whose fluid was stripped off looks like
    one whose fluid was left. ``points_mm``: (slice, y, x, 3) template coordinates.
    ``grey_matter``, ``white_matter``: template priors at these points, 0-1.
    """
    fitted = tissues_and_field(masked, cover, points_mm, grey_matter, white_matter)
    if fitted is None:
        return _without_priors(masked, cover)
    grey, white, field = fitted
    return _levels(masked / field, cover, grey, white)


def tissues_and_field(
    masked: torch.Tensor,
    cover: torch.Tensor,
    points_mm: torch.Tensor,
    grey_matter: torch.Tensor,
    white_matter: torch.Tensor,
    is_fluid_dark: bool = True,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """Return grey and white matter's brightness and the coil's field (slice, y, x) around 1.

    None where too little of the two is seen. ``is_fluid_dark``: whether what is darkest is to be
    left out at first.
    """
    brain = cover > LEAST_COVER
    # Where the mask covers a pixel in part, what is brain in it keeps its brightness.
    images = torch.where(brain, masked / cover.clamp(min=LEAST_COVER), torch.zeros_like(masked))
    is_grey = brain & (grey_matter > PRIOR_THRESHOLD) & (images > 0)
    is_white = brain & (white_matter > PRIOR_THRESHOLD) & (images > 0)
    chosen = is_grey | is_white
    if int(is_grey.sum()) < LEAST_POINTS or int(is_white.sum()) < LEAST_POINTS:
        return None
    places = torch.nonzero(chosen.flatten())[:, 0]
    places = places[:: 1 + len(places) // MOST_POINTS]
    design = torch.cat(
        [
            is_grey.flatten()[places, None],
            is_white.flatten()[places, None],
            field_monomials(points_mm.reshape(-1, 3)[places], FIELD_ORDER),
        ],
        1,
    ).double()
    target = torch.log(images.flatten()[places].double())
    # The tissue means are free; the field is held back where few slices say little about it.
    penalty = target.new_full((design.shape[1],), RIDGE * len(target))
    penalty[:2] = 0
    # Dark voxels are cerebrospinal fluid where the template has cortex: start without them.
    weights = torch.ones_like(target)
    if is_fluid_dark:
        weights = (target > torch.quantile(target, 0.1)).double()
    coefficients = robust_fit(design, target, penalty, weights, biweight)
    field = torch.exp(field_monomials(points_mm, FIELD_ORDER) @ coefficients[2:].float())
    grey, white = torch.exp(coefficients[:2]).float()
    return grey, white, field


def _levels(
    flat: torch.Tensor, cover: torch.Tensor, grey: torch.Tensor, white: torch.Tensor
) -> torch.Tensor:
    """Return the levels of images without shading, whose tissues have these brightnesses."""
    grey = torch.minimum(grey, white * (1 - LEAST_CONTRAST))
    fluid = (grey - white * FLUID_CONTRAST).clamp(min=0.0)
    flat = flat + (1 - cover) * fluid
    bright = (flat - grey) * (WHITE_MATTER_LEVEL - GREY_MATTER_LEVEL) / (white - grey)
    # Counted from fluid on, so that what is nothing but fluid comes out as exactly its level.
    dark = (flat - fluid) * (GREY_MATTER_LEVEL - FLUID_LEVEL) / (grey - fluid)
    levels = torch.where(flat > grey, GREY_MATTER_LEVEL + bright, FLUID_LEVEL + dark)
    return levels.clamp(0.0, HIGHEST_LEVEL).float()


def field_monomials(points_mm: torch.Tensor, order: int) -> torch.Tensor:
    """Return the monomials (..., term) of x, y, z up to an order, without the constant.

    ``points_mm``: (..., 3). Seen from the middle of the brain, in units of 80 mm: up to about 1.
    """
    center = points_mm.new_tensor(BRAIN_CENTER_MM)
    x, y, z = (points_mm - center).div(FIELD_UNIT_MM).unbind(-1)
    powers = [
        (a, b, c)
        for a in range(order + 1)
        for b in range(order + 1 - a)
        for c in range(order + 1 - a - b)
        if a + b + c > 0
    ]
    return torch.stack([x**a * y**b * z**c for a, b, c in powers], -1)


def robust_fit(
    design: torch.Tensor,
    target: torch.Tensor,
    penalty: torch.Tensor,
    weights: torch.Tensor,
    reweigh: Reweigh,
) -> torch.Tensor:
    """Return the coefficients (term,) of least squares, iteratively reweighted.

    ``design``: (point, term). ``target``: (point,). ``penalty``: (term,) added to the square of
    each coefficient. ``weights``: (point,) to begin with. ``reweigh`` takes the residuals and their
    robust standard deviation.
    """
    ridge = torch.diag(penalty)
    coefficients = target.new_zeros(design.shape[1])
    for _ in range(ROUNDS):
        weighted = design * weights[:, None]
        coefficients = torch.linalg.solve(weighted.T @ design + ridge, weighted.T @ target)
        residual = target - design @ coefficients
        weights = reweigh(residual, robust_deviation(residual))
    return coefficients


def robust_deviation(residual: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation of normal errors with these residuals' median size."""
    return SD_OF_MEDIAN_SIZE * residual.abs().median() + 1e-6  # so that it is never nothing


def biweight(residual: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Return Tukey's weights: nothing beyond 4.685 deviations counts."""
    return (1 - (residual / (TUKEY * deviation)) ** 2).clamp(min=0) ** 2


def huber(residual: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Return Huber's weights: what is beyond 1.345 deviations counts less."""
    return 1.0 / (residual.abs() / (HUBER * deviation)).clamp(min=1.0)


def _without_priors(masked: torch.Tensor, cover: torch.Tensor) -> torch.Tensor:
    """Scale by percentiles where too little of the expected tissue is in view to fit anything.

    What is brain in a pixel that is covered in part has its own level, the rest that of fluid.
    """
    tissue = masked / cover.clamp(min=LEAST_SHOWN)
    inside = tissue[cover > LEAST_COVER]
    if len(inside) == 0:
        return torch.zeros_like(masked)
    middle, high = torch.quantile(inside, torch.tensor([0.4, 0.9], device=masked.device))
    scale = (WHITE_MATTER_LEVEL - GREY_MATTER_LEVEL) / (high - middle).clamp(min=1e-6)
    levels = (GREY_MATTER_LEVEL + (tissue - middle) * scale).clamp(0.0, HIGHEST_LEVEL)
    return FLUID_LEVEL + (levels - FLUID_LEVEL) * cover
