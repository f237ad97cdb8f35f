"""The gate: no number from a scan that cannot carry one.

Each check takes the measurements and returns a finding or None. A limit stands beside what chose
it; where that is a distribution, it was measured on the healthy scans of the training data.
"""

from __future__ import annotations

from collections.abc import Callable

from BrainAgeLib.quality.measurements import Measurements
from BrainAgeLib.records import Finding, Severity

Check = Callable[[Measurements], Finding | None]

# Brains of healthy adults hold 0.9 to 2.0 l; what lies well outside is no whole brain's mask.
BRAIN_VOLUME_ML = (900.0, 2000.0)
IMPOSSIBLE_VOLUME_ML = (700.0, 2300.0)
LEAST_SLICES_TO_REGISTER = 8
LEAST_COVERAGE = 0.75
LEAST_SIMILARITY = 0.6  # the lowest of 549 healthy brains had 0.75, with a median of 0.92
LEAST_OVERLAP = 0.85
# 276 registered scans of healthy brains had 0.95 or more, their middle slices alone 0.86 or more; a
# shift of 30 mm leaves 0.7.
LEAST_SHARE_IN_TEMPLATE = 0.7
SCALE_RANGE = (0.8, 1.5)  # 549 healthy brains, scan to template: 0.94 to 1.38
MOST_DISAGREEMENT_YEARS = 15.0


def judge(measured: Measurements) -> tuple[Finding, ...]:
    """Return what all checks found, in a fixed order."""
    found = (check(measured) for check in CHECKS)
    return tuple(finding for finding in found if finding is not None)


def no_brain() -> Finding:
    """Return the finding of a scan in which no brain could be found at all."""
    return Finding(
        "no_brain",
        "refuse",
        "No brain was found in this scan. Check that it is a T1-weighted scan of a head.",
    )


def not_registered() -> Finding:
    """Return the finding of a brain whose place in the template could not be found."""
    return Finding(
        "not_registered",
        "refuse",
        "The brain could not be registered to the template. Check that the scan is a whole "
        "T1-weighted head; a handful of slices only works with --in-template-space.",
    )


def on_the_cpu_instead() -> Finding:
    """Return the note that the GPU had too little memory."""
    return Finding(
        "gpu_memory", "note", "The GPU had too little memory for this scan; the CPU did the work."
    )


def _brain_volume(measured: Measurements) -> Finding | None:
    if measured.template_coverage is None:
        return None  # a scan in template space may be a single slice
    volume = measured.brain_volume_ml / max(measured.template_coverage, 0.1)
    low, high = BRAIN_VOLUME_ML
    if low <= volume <= high:
        return None
    lowest, highest = IMPOSSIBLE_VOLUME_ML
    severity: Severity = "warn" if lowest <= volume <= highest else "refuse"
    return Finding(
        "brain_volume",
        severity,
        f"The brain seems to have {volume:.0f} ml, which is unusual. "
        "Check the brain outline and the voxel size of the scan.",
        round(volume),
        f"{low:.0f} to {high:.0f} ml",
    )


def _nothing_in_view(measured: Measurements) -> Finding | None:
    if measured.slices_in_view > 0:
        return None
    return Finding(
        "no_slices_in_view",
        "refuse",
        "No slice of this scan shows brain where the template has it. "
        "With --in-template-space the scan's coordinates must be those of MNI152.",
        0,
        1,
    )


def _place_in_template(measured: Measurements) -> Finding | None:
    share = measured.share_in_template
    if share is None or share >= LEAST_SHARE_IN_TEMPLATE or measured.slices_in_view == 0:
        return None
    return Finding(
        "not_in_template_space",
        "refuse",
        f"Only {100 * share:.0f} % of the brain in this scan lies where the template has brain. "
        "With --in-template-space the scan's coordinates must be those of MNI152.",
        round(share, 3),
        LEAST_SHARE_IN_TEMPLATE,
    )


def _slices(measured: Measurements) -> Finding | None:
    count = measured.acquisition.slice_count
    if measured.similarity is None or count >= LEAST_SLICES_TO_REGISTER:
        return None
    return Finding(
        "too_few_slices",
        "refuse",
        f"{count} slices are too few to find the scan's place in the brain. Use the whole series.",
        count,
        LEAST_SLICES_TO_REGISTER,
    )


def _coverage(measured: Measurements) -> Finding | None:
    coverage = measured.template_coverage
    if coverage is None or coverage >= LEAST_COVERAGE:
        return None
    return Finding(
        "brain_cut",
        "warn",
        f"Only {100 * coverage:.0f} % of the brain lies in the scan. The age rests on that part.",
        round(coverage, 3),
        LEAST_COVERAGE,
    )


def _registration(measured: Measurements) -> Finding | None:
    for code, value, limit, words in (
        ("registration_similarity", measured.similarity, LEAST_SIMILARITY, "looks unlike"),
        ("registration_overlap", measured.template_overlap, LEAST_OVERLAP, "does not cover"),
    ):
        if value is not None and not value >= limit:
            return Finding(
                code,
                "refuse",
                f"The registered brain {words} the template. Check the registered image; "
                "the scan may not be T1-weighted, or not a whole head.",
                round(value, 3),
                limit,
            )
    return None


def _scale(measured: Measurements) -> Finding | None:
    if measured.scale is None:
        return None
    low, high = SCALE_RANGE
    if low <= measured.scale[0] and measured.scale[-1] <= high:
        return None
    worst = measured.scale[0] if measured.scale[0] < low else measured.scale[-1]
    return Finding(
        "registration_scale",
        "refuse",
        "The brain had to be stretched beyond what healthy brains need to fit the template. "
        "The slice spacing or pixel size in the header may be wrong.",
        round(worst, 3),
        f"{low} to {high}",
    )


def _disagreement(measured: Measurements) -> Finding | None:
    if not measured.members_years:
        return None
    distance = max(measured.members_years) - min(measured.members_years)
    if distance <= MOST_DISAGREEMENT_YEARS:
        return None
    return Finding(
        "members_disagree",
        "warn",
        f"The networks of the ensemble disagree by {distance:.0f} years. Trust the age less.",
        round(distance, 1),
        MOST_DISAGREEMENT_YEARS,
    )


def _age_range(measured: Measurements) -> Finding | None:
    limits = measured.trained_age_range_years
    if limits is None:
        return None
    for age, whose in (
        (measured.chronological_age_years, "chronological age"),
        (measured.brain_age_years, "predicted age"),
    ):
        if age is not None and not limits[0] <= age <= limits[1]:
            return Finding(
                "age_outside_training",
                "warn",
                f"The {whose} of {age:.0f} years is outside the ages that the model was trained "
                f"on ({limits[0]:.0f} to {limits[1]:.0f}).",
                round(age, 1),
                f"{limits[0]:.0f} to {limits[1]:.0f}",
            )
    return None


CHECKS: tuple[Check, ...] = (
    _nothing_in_view,
    _place_in_template,
    _slices,
    _brain_volume,
    _coverage,
    _registration,
    _scale,
    _disagreement,
    _age_range,
)
