"""Scans of other sequences than T1, simulated from the parts of a brain.

A scan of any sequence is a weighted sum of parts (``tissue_parts``) with lesions, vessels, shading,
another mask and noise. White matter is 1. Arrays are (slice, part, y, x) or (slice, y, x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.records import SequenceName
from BrainAgeLib.template.intensity import GREY_MATTER_LEVEL
from BrainAgeLib.training.strips import smooth_field
from BrainAgeLib.training.tissue_parts import (
    CORTEX,
    DEEP_GREY,
    INNER_FLUID,
    LEVEL,
    OUTER_FLUID,
    RIM,
    SULCAL_FLUID,
    WHITE,
)


@dataclass(frozen=True)
class SequenceRange:
    """How bright a sequence shows tissues, white matter being 1; each drawn from its range.

    ``fluid``: as it is, or below grey matter where ``fluid_is_below``. ``deep_grey``: from 0, as
    the cortex, to 1, as white matter, and beyond. ``texture``: how much of what a T1 shows within
    tissues stays, of the contrast of grey and white matter. ``lesion``: in white matter.
    ``vessel``: those that are not as dark as flowing blood leaves them. ``beside_ventricles``: how
    far healthy white matter goes from its brightness, 0, towards that of grey matter, 1.
    """

    grey: tuple[float, float]
    fluid: tuple[float, float]
    fluid_is_below: bool = False
    deep_grey: tuple[float, float] = (0.0, 1.0)
    texture: tuple[float, float] = (-0.6, 0.3)
    lesion: tuple[float, float] = (1.1, 1.9)
    vessel: tuple[float, float] = (0.0, 1.2)
    beside_ventricles: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Disturbances:
    """What scans are disturbed by, each drawn from nothing to this, or with this chance.

    Standard deviations: ``noise`` of the brighter one of grey and white matter, whose square root
    is drawn evenly; ``shading`` and ``uneven`` tissue of the logarithm, ``slice_gain`` as a
    fraction, ``mask_wander`` of where the mask ends, as a fraction of brain in a pixel, which is
    drawn for each place. ``sharpness``: of what blurring takes away. Chances: ``lesions``, ``fat``
    and ``fluid`` left outside, a mask without all of the fluid around the brain, half the time nor
    of that in the sulci (``tight``), one with what lies outside (``wide``).
    """

    noise: float = 0.07
    shading: float = 0.25
    slice_gain: float = 0.06
    sharpness: tuple[float, float] = (-0.6, 0.8)
    uneven: float = 0.08
    mask_wander: float = 0.15
    lesions: float = 0.5
    fluid: float = 0.5
    fat: float = 0.3
    tight: float = 0.5
    wide: float = 0.3


# Set by hand, like the ranges and the numbers in the functions.
RANDOM = Disturbances()
# As ``appearance.EVALUATION`` is for a T1: everyday noise and shading, a healthy brain, loosely
# stripped. Set by hand.
EVERYDAY = Disturbances(0.03, 0.08, 0.01, (0.0, 0.0), 0.03, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0)

# Textbook orders of brightness, wide around what the few real scans at hand show.
_T1 = SequenceRange(
    (0.58, 0.9),
    (0.32, 0.64),
    True,
    (0, 0.6),
    (0.3, 1),
    (0.55, 0.9),
    (0, 1),
    beside_ventricles=(0, 0.4),
)
RANGES: dict[SequenceName, SequenceRange] = {
    "T1w": _T1,
    "T1w after contrast": replace(_T1, lesion=(0.55, 1.5), vessel=(1.5, 3.5)),
    "T2w": SequenceRange((1.1, 1.6), (1.6, 4.4), deep_grey=(0.0, 1.5), lesion=(1.3, 2.2)),
    "FLAIR": SequenceRange((1.1, 1.75), (0.08, 0.7), lesion=(1.2, 2.2), beside_ventricles=(0, 1.5)),
    "PDw": SequenceRange((1.08, 1.4), (0.8, 1.7), lesion=(1.1, 1.6)),
}


def simulate(
    parts: torch.Tensor,
    sequence: SequenceName,
    generator: np.random.Generator,
    by: Disturbances = RANDOM,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a scan (slice, y, x) of thick parts (slice, part, y, x), and its mask, 0 or 1.

    Brightness, lesions, vessels, what was left outside, shading, mask and noise are drawn anew.
    """
    drawn = RANGES[sequence]
    grey = _between(drawn.grey, generator)
    fluid = _between(drawn.fluid, generator)
    if drawn.fluid_is_below:
        fluid = max(0.03, grey - fluid)
    image = _texture(parts, grey, drawn, generator)
    image = image + _tissues(parts, drawn, (grey, fluid), by, generator)
    image = image + _vessels(parts, drawn, sequence, (grey, fluid), generator)
    image = image + parts[:, RIM] * _left_outside(parts[:, RIM], fluid, by, generator)
    sharper = _between(by.sharpness, generator)
    image = (image + sharper * (image - _around(image))).clamp(min=0)
    image = image * smooth_field(image, _between((0, by.shading), generator), 3, generator).exp()
    gains = generator.normal(1, _between((0, by.slice_gain), generator), (len(image), 1, 1))
    image = image * torch.from_numpy(gains).float()
    sd = by.noise * float(generator.random()) ** 2 * max(1.0, grey)
    noise = generator.normal(0, sd, (2, *image.shape))
    real, imaginary = torch.from_numpy(noise).float()
    return torch.hypot(image + real, imaginary), _mask(parts, by, generator)


def _texture(
    parts: torch.Tensor, grey: float, drawn: SequenceRange, generator: np.random.Generator
) -> torch.Tensor:
    """Return what a T1 shows within grey and white matter, as this sequence does."""
    all_grey, white = parts[:, CORTEX] + parts[:, DEEP_GREY], parts[:, WHITE]
    texture = parts[:, LEVEL] - GREY_MATTER_LEVEL * all_grey - white
    strength = _between(drawn.texture, generator) * abs(1 - grey) / (1 - GREY_MATTER_LEVEL)
    return strength * texture * (all_grey + white)


def _tissues(
    parts: torch.Tensor,
    drawn: SequenceRange,
    levels: tuple[float, float],
    by: Disturbances,
    generator: np.random.Generator,
) -> torch.Tensor:
    """Return grey matter, white matter and fluid, uneven from place to place, and lesions.

    ``levels``: of grey matter and fluid.
    """
    like, (grey, fluid) = parts[:, WHITE], levels
    uneven = _between((0, by.uneven), generator)

    def shown(brightness: float, part: int) -> torch.Tensor:
        return brightness * (1 + smooth_field(like, uneven, 4, generator)) * parts[:, part]

    deep = grey + (1 - grey) * _between(drawn.deep_grey, generator)
    image = shown(1.0, WHITE) + shown(grey, CORTEX) + shown(deep, DEEP_GREY)
    image = image + _within_tissues(parts, drawn, grey - 1, generator)
    around = fluid * _between((0.75, 1.15), generator)
    image = image + fluid * parts[:, INNER_FLUID]
    image = image + around * (parts[:, SULCAL_FLUID] + parts[:, OUTER_FLUID])
    if generator.random() < by.lesions:
        blobs = smooth_field(like, 1.0, 14, generator) - _between((1.0, 2.2), generator)
        places = (3 * blobs).clamp(0, 1) * parts[:, WHITE] * (_around(like, 9) > 0.5)
        image = image + places * (_between(drawn.lesion, generator) - 1)
    return image


def _within_tissues(
    parts: torch.Tensor, drawn: SequenceRange, contrast: float, generator: np.random.Generator
) -> torch.Tensor:
    """Return what tracts, nuclei and the rim of the ventricles add to their tissues.

    ``contrast``: grey less white matter, negative in a T1. White matter beside the ventricles, as
    the callosum and the caps of the horns, is often as bright as grey matter in healthy people,
    above all in FLAIR.
    """
    like = parts[:, WHITE]
    tracts = smooth_field(like, _between((0, 0.4), generator) * abs(contrast), 10, generator)
    nuclei = smooth_field(like, _between((0, 0.6), generator) * abs(contrast), 10, generator)
    image = tracts * parts[:, WHITE] + nuclei * parts[:, DEEP_GREY]
    if generator.random() < 0.7:
        near = (_between((1.0, 4.0), generator) * _around(parts[:, INNER_FLUID], 7)).clamp(0, 1)
        patches = (0.6 + smooth_field(like, 0.5, 10, generator)).clamp(0, 1)
        towards_grey = _between(drawn.beside_ventricles, generator) * contrast
        image = image + towards_grey * near * patches * like
    return image


def _vessels(
    parts: torch.Tensor,
    drawn: SequenceRange,
    sequence: SequenceName,
    levels: tuple[float, float],
    generator: np.random.Generator,
) -> torch.Tensor:
    """Return what vessels and the choroid plexus add to the fluid that they lie in.

    ``levels``: of grey matter and fluid.
    """
    image, (grey, fluid) = torch.zeros_like(parts[:, WHITE]), levels
    has_agent = sequence == "T1w after contrast"
    brighter = _between(drawn.vessel, generator) - fluid
    if has_agent or generator.random() < 0.6:
        # After an agent more of them are seen: so much that it comes to what the real one shows.
        least = _between((0.3, 1.2) if has_agent else (0.8, 1.8), generator)
        places = smooth_field(image, 1.0, 28, generator) - least
        near = parts[:, SULCAL_FLUID] + parts[:, OUTER_FLUID] + has_agent * 0.6 * parts[:, RIM]
        image = image + (2 * places).clamp(0, 1) * near * brighter
    if has_agent or generator.random() < 0.5:
        # The choroid plexus; without an agent it is about as bright as tissue.
        usual = _between((0.7, max(1.0, grey)), generator) - fluid
        choroid = brighter if has_agent else usual
        places = smooth_field(image, 1.0, 20, generator) - 1.0
        image = image + (2 * places).clamp(0, 1) * parts[:, INNER_FLUID] * choroid
    return image


def _left_outside(
    like: torch.Tensor, fluid: float, by: Disturbances, generator: np.random.Generator
) -> torch.Tensor:
    """Return the brightness of bone, fluid, fat and marrow that lie around the brain."""
    bright = _between((0.02, 0.4), generator) + smooth_field(like, 0.25, 9, generator)
    if generator.random() < by.fluid:
        wet = smooth_field(like, 1.0, 7, generator) > _between((-0.5, 1.0), generator)
        bright = bright + _between((0.0, fluid), generator) * wet
    if generator.random() < by.fat:
        fat = smooth_field(like, 1.0, 9, generator) > _between((0.3, 1.2), generator)
        bright = bright + _between((0.3, 1.5), generator) * fat
    return bright.clamp(min=0.01)


def _mask(parts: torch.Tensor, by: Disturbances, generator: np.random.Generator) -> torch.Tensor:
    """Return the brain (slice, y, x), 0 or 1, with more or less of what lies around it."""
    outer, sulcal, outside = 1.0, 1.0, 0.0
    if generator.random() < by.tight:
        outer = float(generator.random())
        # Some strips follow the gyri and leave little of the fluid between them either.
        sulcal = float(generator.random()) if generator.random() < 0.5 else 1.0
    if generator.random() < by.wide:
        outside = float(generator.random())
    within = [INNER_FLUID, CORTEX, DEEP_GREY, WHITE]
    brain = parts[:, within].sum(1) + sulcal * parts[:, SULCAL_FLUID]
    brain = brain + outer * parts[:, OUTER_FLUID] + outside * parts[:, RIM]
    edge = 0.5 + smooth_field(brain, by.mask_wander, 6, generator)
    return (_around(brain) > edge.clamp(0.15, 0.85)).float()


def _around(image: torch.Tensor, width: int = 3) -> torch.Tensor:
    """Return the mean (slice, y, x) of so many pixels around each, within its slice."""
    return functional.avg_pool2d(image[:, None], width, 1, width // 2)[:, 0]


def _between(limits: tuple[float, float], generator: np.random.Generator) -> float:
    return float(generator.uniform(*limits))
