"""What kind of picture it is: its tissues' brightness, its shading, its values.

Tissue contrast is measured on the scan's own voxels, before anything is normalised: the
normalisation for the models takes grey matter to be darker than white, and must not be asked. The
template says where grey matter, white matter and the ventricles are expected. There the logarithm
of the scan is modelled as one brightness for each tissue plus a smooth field of the second order,
fitted robustly. The order of the three brightnesses tells a T1 scan from others, see ``sequence``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate import sequence
from BrainAgeLib.gate.evidence import Contrast, Evidence, Family, above, below
from BrainAgeLib.gate.field_of_view import around_to_brain, look_around
from BrainAgeLib.records import Finding, SequenceTags
from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.intensity import field_monomials, huber, robust_deviation, robust_fit
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.template import GREY, VENTRICLE, WHITE, Template

# What sound scans had and what faults left, here and in the other families, is measured by
# Testing/studies/gate/limits.py; docs/quality.md has the tables.
FLAT_GREY_TO_WHITE = 0.92  # three quarters of the contrast gone: 0.93
CLEAR_BRIGHT_WHITE = 1.1  # T1 1.26 and more; a FLAIR as flat as can be: 0.9
# The spread of sound scans grows with age: 0.052 + 0.0015 a year, with a standard deviation of
# 0.019. The limit is 2.6 of these above the line, at the predicted age.
MOST_SPREAD, MOST_SPREAD_PER_YEAR = 0.102, 0.0015
MOST_FIELD_SD = 0.15  # sound scans up to 0.142; a field of 0.175 moved an age by 14 years
UNUSABLE_FIELD_SD = 0.35  # at 0.42 the registration fails too
# 18 sound whole heads of four sources up to 0.003. A constant added to the sample until it was 0.10
# moved the age by 0.6 years, until 0.30 by 3.3, and no other check spoke up to 0.63 (6.0 years).
MOST_BACKGROUND, UNUSABLE_BACKGROUND = 0.05, 0.25
MOST_NEGATIVE_FRACTION = 0.05  # sound scans up to 0.001

# How it is measured was set by hand; the limits above were chosen on what it then gave.
MOST_VOXELS_LOOKED_AT = 60_000  # of the brain
LEAST_VOXELS = (60, 60, 15)  # of grey matter, white matter and ventricles
FIELD_ORDER, RIDGE = 2, 1e-3  # the second on each coefficient of the field, for each voxel
BRIGHTEST = 0.3  # of the places of grey and white matter
BRIGHT = 1.4  # of white matter: vessels and enhancement, not tissue
DARKEST = 0.001  # of the voxels of the image
BELOW_ZERO = -0.02  # of the brain's brightness; interpolation leaves less


def measure(evidence: Evidence) -> Contrast:
    """Return the contrast of a scan whose place in the template is known."""
    seen = evidence.contrast or look(evidence.placed, evidence.template, evidence.tags)
    return replace(
        seen,
        pattern=evidence.view.pattern() if evidence.placed.is_registered else None,
        brain_age_years=evidence.raw.age_years if evidence.raw else None,
        read_as=evidence.sequence,
        said=evidence.said_sequence,
    )


def look(placed: PlacedScan, template: Template, tags: SequenceTags) -> Contrast:
    """Return what the scan's own voxels show, before anybody reads it."""
    k, j, i = np.nonzero(placed.mask)
    chosen = slice(None, None, 1 + len(k) // MOST_VOXELS_LOOKED_AT)
    values = placed.volume.voxels[k[chosen], j[chosen], i[chosen]].astype(float)
    index = np.stack([i, j, k], -1)[chosen].astype(float)
    points = apply_affine(placed.index_to_template, index)
    positive = values > 0
    tissues = _measure_tissues(values[positive], points[positive], template)
    if not placed.is_registered:
        # The few slices may lie beside the small ventricles.
        tissues |= {"csf_to_white": None, "tissue_spread": None}
    grey = tissues.get("grey_to_white") or 0.0
    if placed.is_registered and grey > sequence.MOST_GREY_TO_WHITE_BY_HEADER:
        tissues["around_to_brain"] = around_to_brain(look_around(placed, template))
    return Contrast(
        **tissues,  # type: ignore[arg-type]
        tags=tags,
        negative_fraction=1.0 - float(positive.mean()) if len(values) else 0.0,
        negative_image_fraction=_fraction_below_zero(placed.volume.voxels, values[positive]),
        background_to_brain=_background(placed.volume.voxels, values[positive]),
    )


def _background(voxels: np.ndarray, brain: np.ndarray) -> float:
    darkest = float(np.quantile(voxels, DARKEST))
    return max(0.0, darkest) / float(np.median(brain)) if len(brain) else 0.0


def _measure_tissues(
    values: np.ndarray, points_mm: np.ndarray, template: Template
) -> dict[str, float | None]:
    """Return the fields of Contrast that rest on the tissues; none where there is too little.

    ``values``: (voxel,) above 0. ``points_mm``: (voxel, 3) in the template.
    """
    tissue = template.tissue_at(points_mm)
    counts = [int((tissue == n).sum()) for n in (GREY, WHITE, VENTRICLE)]
    if any(counts[n] < LEAST_VOXELS[n] for n in (GREY, WHITE)):
        return {}
    known = tissue >= 0
    logs = np.log(values)
    monomials = field_monomials(torch.from_numpy(points_mm), FIELD_ORDER).numpy()
    field, residual = _fit(logs[known], tissue[known], monomials[known])
    flat = logs - monomials @ field
    grey, white, ventricle = (
        float(np.median(flat[tissue == n])) if counts[n] else np.nan
        for n in (GREY, WHITE, VENTRICLE)
    )
    has_ventricle = counts[VENTRICLE] >= LEAST_VOXELS[VENTRICLE]
    return {
        "grey_to_white": float(np.exp(grey - white)),
        "csf_to_white": float(np.exp(ventricle - white)) if has_ventricle else None,
        "tissue_spread": float(robust_deviation(torch.from_numpy(residual))),
        "field_sd": float((monomials[known] @ field).std()),
        "bright_fraction": float((flat > white + np.log(BRIGHT)).mean()),
        "bright_white_log_odds": _bright_white_log_odds(
            flat[tissue == GREY], flat[tissue == WHITE]
        ),
    }


def _bright_white_log_odds(grey: np.ndarray, white: np.ndarray) -> float:
    """Return ``Contrast.bright_white_log_odds`` of the brightness of places of grey and white.

    Where cortex shares its pixels with fluid, its median is darker than cortex is; the brightest
    places of a tissue are the purest.
    """
    limit = np.quantile(np.concatenate([grey, white]), 1 - BRIGHTEST)
    is_bright = [int((values >= limit).sum()) + 0.5 for values in (grey, white)]
    return float(np.log(is_bright[1] / is_bright[0] * len(grey) / len(white)))


def _fit(
    logs: np.ndarray, tissue: np.ndarray, monomials: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the field's coefficients (term,) and the residual (voxel,), of logarithms."""
    design = np.concatenate([tissue[:, None] == np.arange(3), monomials], 1).astype(float)
    target = torch.from_numpy(logs)
    penalty = target.new_full((design.shape[1],), RIDGE * len(logs))
    penalty[:3] = 1e-9  # a tissue that is not in view must not make the fit impossible
    solution = robust_fit(
        torch.from_numpy(design), target, penalty, torch.ones_like(target), huber
    ).numpy()
    return solution[3:], logs - design @ solution


def _fraction_below_zero(voxels: np.ndarray, brain: np.ndarray) -> float:
    """Return the fraction of an image (k, j, i) that is clearly below zero.

    ``brain``: (voxel,), the brain's values above zero.
    """
    return float((voxels < BELOW_ZERO * np.median(brain)).mean()) if len(brain) else 0.0


def _weak(measured: Contrast) -> Finding | None:
    if not sequence.is_read_as_t1(measured) or sequence.not_t1(measured) is not None:
        return None
    message = (
        "Grey and white matter can hardly be told apart in this scan. "
        "Trust the age less, and use a series with more T1 contrast if there is one."
    )
    return above(
        FindingCode.WEAK_CONTRAST, measured.grey_to_white, message, warn=FLAT_GREY_TO_WHITE
    ) or below(
        FindingCode.WEAK_CONTRAST,
        measured.bright_white_log_odds,
        CLEAR_BRIGHT_WHITE,
        message,
        "warn",
    )


def _spread(measured: Contrast) -> Finding | None:
    """Find brightness that scatters within a tissue: ghosts, motion, a registration that is off."""
    age, spread = measured.brain_age_years, measured.tissue_spread
    if age is None or spread is None or not sequence.is_read_as_t1(measured):
        return None
    message = (
        "Within one tissue the brightness scatters more than in sound scans of such a brain, as "
        "ghosts, motion, noise or a registration that is off leave it. Look at the pictures of "
        "the report, and trust the age less."
    )
    beyond = spread - MOST_SPREAD_PER_YEAR * age  # a limit by age would tell a refused scan's
    return above(FindingCode.UNEVEN_TISSUE, beyond, message, warn=MOST_SPREAD)


def _shading(measured: Contrast) -> Finding | None:
    message = (
        "The brightness changes strongly across the brain, as with a surface coil. "
        "Correct the shading (N4, for one) or use another series, or trust the age less."
    )
    return above(
        FindingCode.BIAS_FIELD, measured.field_sd, message, MOST_FIELD_SD, UNUSABLE_FIELD_SD
    )


def _negative(measured: Contrast) -> Finding | None:
    message = (
        "{:.0f} % of the {} has values of zero or less: the scan was standardised, or it is no MR "
        "picture. Give the scan as the scanner stored it."
    )
    for fraction, where, limit in (
        (measured.negative_fraction, "brain", MOST_NEGATIVE_FRACTION),
        (measured.negative_image_fraction, "picture", sequence.MOST_NEGATIVE_IMAGE_FRACTION),
    ):
        if not fraction <= limit:
            said = message.format(100 * fraction, where)
            return above(FindingCode.NEGATIVE_VALUES, fraction, said, refuse=limit)
    return None


def _bright_background(measured: Contrast) -> Finding | None:
    message = (
        "The background is not dark: something was added to all values, or no air is in the "
        "picture, and contrast cannot be judged. Give the scan as the scanner stored it."
    )
    return above(
        FindingCode.BRIGHT_BACKGROUND,
        measured.background_to_brain,
        message,
        MOST_BACKGROUND,
        UNUSABLE_BACKGROUND,
    )


CHECKS = (
    *(
        sequence.not_as_said,
        sequence.other_sequence,
        sequence.not_t1,
        sequence.unlike_t1,
        _weak,
        _spread,
        sequence.contrast_agent,
    ),
    *(_shading, _negative, _bright_background, sequence.header_not_t1),
)
FAMILY = Family(Contrast, measure, CHECKS)
