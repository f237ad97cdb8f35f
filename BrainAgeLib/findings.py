"""The codes of everything that can be found about a scan; scripts and tables go by them.

Severity, limit and wording stand with the check that speaks. ``docs/quality.md`` lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class FindingCode(str, Enum):
    """What is said of a scan, in the words of ``prediction.json`` and ``results.csv``.

    ``unit``: of its value and limit, where they have one.
    """

    unit: str

    def __new__(cls, text: str, unit: str = "") -> FindingCode:
        """Return the code that is written as this text."""
        code = str.__new__(cls, text)
        code._value_, code.unit = text, unit
        return code

    # The reader of scans.
    NON_FINITE_VOXELS = "non_finite_voxels"
    PADDING = "padding"
    OVERFLOW = "overflow"
    EMPTY_SLICES = "empty_slices"
    COPIED_SLICES = "copied_slices"
    OTHER_PICTURES = "other_pictures"
    SEVERAL_VOLUMES = "several_volumes"
    UNKNOWN_ORIENTATION = "unknown_orientation"
    TWO_AFFINES = "two_affines", "degrees"
    AGE_NOT_READ = "age_not_read"
    TWO_AGES = "two_ages", "years"
    TWO_SEXES = "two_sexes"
    # The kind of picture.
    NOT_T1 = "not_t1"
    UNLIKE_T1 = "unlike_t1"
    WEAK_CONTRAST = "weak_contrast"
    UNEVEN_TISSUE = "uneven_tissue"
    CONTRAST_AGENT = "contrast_agent"
    BIAS_FIELD = "bias_field"
    NEGATIVE_VALUES = "negative_values"
    BRIGHT_BACKGROUND = "bright_background"
    HEADER_NOT_T1 = "header_not_t1"
    OTHER_SEQUENCE = "other_sequence"
    NOT_AS_SAID = "not_as_said"
    # How much of the brain was acquired, and how finely.
    NO_SLICES_IN_VIEW = "no_slices_in_view"
    TOO_FEW_SLICES = "too_few_slices"
    BRAIN_CUT = "brain_cut"
    PART_OF_BRAIN = "part_of_brain"
    SLICE_HEIGHTS = "slice_heights", "mm"
    SLICE_SPACING = "slice_spacing", "mm"
    PIXEL_SIZE = "pixel_size", "mm"
    # The header's grid.
    WRONG_SPACING = "wrong_spacing"
    WRONG_PIXEL_SIZE = "wrong_pixel_size"
    REGISTRATION_SCALE = "registration_scale"
    SHEAR = "shear"
    ORIENTATION = "orientation"
    HEAD_TURNED = "head_turned", "degrees"
    # The brain's outline.
    NO_BRAIN = "no_brain"
    NO_SKULL = "no_skull"
    BRAIN_VOLUME = "brain_volume", "ml"
    MASK_LEAKS = "mask_leaks"
    MASK_MISSES_BRAIN = "mask_misses_brain"
    MASK_TOO_SMALL = "mask_too_small"
    MASK_AT_EDGE = "mask_at_edge"
    # The place in the template.
    NOT_REGISTERED = "not_registered"
    NOT_IN_TEMPLATE_SPACE = "not_in_template_space"
    REGISTRATION_SIMILARITY = "registration_similarity"
    REGISTRATION_OVERLAP = "registration_overlap"
    REGISTRATION_DOUBTFUL = "registration_doubtful"
    # Noise and motion.
    NOISE = "noise"
    SLICE_BRIGHTNESS = "slice_brightness"
    SLICE_SHIFTS = "slice_shifts", "mm"
    SLICE_ORDER = "slice_order"
    SLICE_MISSING = "slice_missing"
    REPEATED_SLICES = "repeated_slices"
    GHOSTS = "ghosts"
    # The result itself, and the machine that made it.
    MEMBERS_DISAGREE = "members_disagree", "years"
    AGE_OUTSIDE_TRAINING = "age_outside_training", "years"
    UNLIKE_TRAINING = "unlike_training"
    ONE_SIDED = "one_sided"
    SKULL_ONE_SIDED = "skull_one_sided"
    SITE_AGE_RANGE = "site_age_range", "years"
    SITE_ACQUISITION = "site_acquisition"
    GPU_MEMORY = "gpu_memory"

    def __str__(self) -> str:
        return self.value


WIDENING = frozenset(
    {
        FindingCode.PART_OF_BRAIN,
        FindingCode.SLICE_HEIGHTS,
        FindingCode.UNLIKE_TRAINING,
    }
)
"""Those with which the interval is wider than usual."""

UNITS: dict[str, str] = {code.value: code.unit for code in FindingCode if code.unit}
"""Of values and limits that are numbers; others are fractions, ratios or counts."""

SEQUENCE_WORDS: dict[str, str] = {
    "T1w": "a T1-weighted scan",
    "T1w after contrast": "a T1-weighted scan after contrast agent",
    "T2w": "a T2-weighted scan",
    "FLAIR": "a FLAIR scan",
    "PDw": "a proton-density-weighted scan",
    "other": "another sequence",
}
"""What a scan of each sequence (``records.SequenceName``) is called in a sentence."""

_OF_THE_CONTRAST = frozenset(
    {FindingCode.UNLIKE_T1, FindingCode.WEAK_CONTRAST, FindingCode.UNEVEN_TISSUE}
)
_OF_THE_OUTLINE = frozenset(
    {FindingCode.MASK_LEAKS, FindingCode.MASK_MISSES_BRAIN, FindingCode.MASK_TOO_SMALL}
)
_OF_THE_PLACE = frozenset(
    {
        FindingCode.REGISTRATION_SIMILARITY,
        FindingCode.REGISTRATION_OVERLAP,
        FindingCode.REGISTRATION_DOUBTFUL,
    }
)
_OF_THE_SIZE = frozenset({FindingCode.REGISTRATION_SCALE, FindingCode.BRAIN_VOLUME})
_OF_THE_MODEL = frozenset({FindingCode.MEMBERS_DISAGREE, FindingCode.UNLIKE_TRAINING})
_OF_THE_SIDES = frozenset({FindingCode.ONE_SIDED, FindingCode.SKULL_ONE_SIDED})
_OF_FEW_SLICES = (
    _OF_THE_CONTRAST
    | _OF_THE_OUTLINE
    | _OF_THE_PLACE
    | _OF_THE_SIZE
    | _OF_THE_MODEL
    | _OF_THE_SIDES
    | {
        FindingCode.BRAIN_CUT,
        FindingCode.PART_OF_BRAIN,
        FindingCode.SLICE_HEIGHTS,
        FindingCode.WRONG_SPACING,
        FindingCode.WRONG_PIXEL_SIZE,
    }
)

_OF_ANOTHER_PICTURE = (
    _OF_THE_CONTRAST | _OF_THE_OUTLINE | _OF_THE_PLACE | _OF_THE_MODEL | _OF_THE_SIDES
)

# Set by hand, by what the measurements of a check rest on: a place in the template that eight
# slices and more are needed for, a contrast, a size, a registration. What the next scan of this
# person would meet again is not here: their age, an error of the header. Nor is what may be why
# another check refuses: a lesion or an operation, where the template does not fit.
FOLLOW_FROM: dict[str, frozenset[FindingCode]] = {
    FindingCode.TOO_FEW_SLICES: _OF_FEW_SLICES,
    FindingCode.NOT_T1: _OF_ANOTHER_PICTURE,
    FindingCode.BRIGHT_BACKGROUND: _OF_ANOTHER_PICTURE | {FindingCode.NOT_T1},
    FindingCode.MASK_AT_EDGE: _OF_ANOTHER_PICTURE
    | _OF_THE_SIZE
    | {
        FindingCode.NOT_T1,
        FindingCode.WRONG_SPACING,
        FindingCode.WRONG_PIXEL_SIZE,
        FindingCode.SHEAR,
        FindingCode.ORIENTATION,
    },
    FindingCode.WRONG_SPACING: _OF_THE_SIZE,
    FindingCode.WRONG_PIXEL_SIZE: _OF_THE_SIZE,
    FindingCode.REGISTRATION_SIMILARITY: _OF_THE_OUTLINE | _OF_THE_MODEL,
}
"""What says no more of a scan that is refused for this already: the short answer leaves it out."""


def explained_by(refused: Iterable[str]) -> frozenset[FindingCode]:
    """Return the codes that say no more of a scan that is refused for these."""
    return frozenset(after for code in refused for after in FOLLOW_FROM.get(code, ()))
