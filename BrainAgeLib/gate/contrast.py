"""Checks of what kind of picture it is: T1 or something else, shaded, enhanced."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.limits import above, below
from BrainAgeLib.gate.measurements import Measurements
from BrainAgeLib.records import Finding, SequenceTags

# What sound scans had and what faults left, here and in the other checks, is measured by
# Testing/studies/gate/limits.py; docs/quality.md has the tables.
MOST_GREY_TO_WHITE = 0.97  # sound scans 0.74 to 0.87; FLAIR-like 1.07, CT-like 1.05 and more
MOST_CSF_TO_WHITE = 0.9  # sound scans 0.27 to 0.70; PD-like 1.2, T2-like 2.2
LEAST_PATTERN = 0.2  # sound scans 0.31 and more; T2-like -0.4, PD-like -0.2
FLAT_GREY_TO_WHITE = 0.92  # three quarters of the contrast gone: 0.93
# The spread of sound scans grows with age: 0.052 + 0.0015 a year, with a standard deviation of
# 0.019. The limit is 2.6 of these above the line, at the predicted age.
MOST_SPREAD = 0.102
MOST_SPREAD_PER_YEAR = 0.0015
MOST_BRIGHT_SHARE = 0.025  # sound scans up to 0.010; painted vessels 0.06
MOST_FIELD_SD = 0.15  # sound scans up to 0.144; a field of 0.175 moved an age by 14 years
UNUSABLE_FIELD_SD = 0.35  # at 0.42 the registration fails too
MOST_NEGATIVE_SHARE = 0.05  # sound scans up to 0.001
MOST_NEGATIVE_IMAGE_SHARE = 0.2  # the air around a head that was standardised is half the picture
# Times of spin and gradient echo that no T1 protocol has: textbook values, generous.
LONGEST_T1_ECHO_MS = 40.0
LONGEST_T1_REPETITION_MS = 3000.0
FLAIR_INVERSION_MS = 1500.0
CHOOSE_T1 = "Choose the T1-weighted series without contrast agent of this examination."


def _not_t1(measured: Measurements) -> Finding | None:
    contrast = measured.contrast
    if contrast is None:
        return None
    # Where nothing was registered, the few slices may lie beside the small ventricles.
    fluid = contrast.csf_to_white if measured.placement is not None else None
    words = "This is not a T1-weighted scan: {} white matter. " + CHOOSE_T1
    return above(
        FindingCode.NOT_T1,
        contrast.grey_to_white,
        words.format("grey matter is not darker than"),
        refuse=MOST_GREY_TO_WHITE,
    ) or above(
        FindingCode.NOT_T1,
        fluid,
        words.format("fluid is about as bright as"),
        refuse=MOST_CSF_TO_WHITE,
    )


def _pattern(measured: Measurements) -> Finding | None:
    if measured.placement is None or _not_t1(measured) is not None:
        return None
    message = "Inside the brain, light and dark are not where a T1-weighted scan has them. "
    return below(
        FindingCode.UNLIKE_T1, measured.placement.pattern, LEAST_PATTERN, message + CHOOSE_T1
    )


def _weak(measured: Measurements) -> Finding | None:
    if measured.contrast is None or _not_t1(measured) is not None:
        return None
    message = (
        "Grey and white matter can hardly be told apart in this scan. "
        "Trust the age less, and use a series with more T1 contrast if there is one."
    )
    return above(
        FindingCode.WEAK_CONTRAST, measured.contrast.grey_to_white, message, FLAT_GREY_TO_WHITE
    )


def _spread(measured: Measurements) -> Finding | None:
    """Find brightness that scatters within a tissue: ghosts, motion, a registration that is off."""
    contrast, age = measured.contrast, measured.brain_age_years
    if contrast is None or measured.placement is None or age is None:
        return None
    message = (
        "Within one tissue the brightness scatters more than in sound scans of such a brain, as "
        "ghosts, motion, noise or a registration that is off leave it. Look at the pictures of "
        "the report, and trust the age less."
    )
    limit = round(MOST_SPREAD + MOST_SPREAD_PER_YEAR * age, 3)
    return above(FindingCode.UNEVEN_TISSUE, contrast.tissue_spread, message, limit)


def _contrast_agent(measured: Measurements) -> Finding | None:
    share = measured.contrast.bright_share if measured.contrast else None
    says_agent = measured.tags.says_contrast_agent
    if not says_agent and (share is None or share <= MOST_BRIGHT_SHARE):
        return None
    why = f"{100 * (share or 0.0):.1f} % of the brain is far brighter than white matter"
    if says_agent:
        why = "The DICOM header names a contrast agent"
    return Finding(
        FindingCode.CONTRAST_AGENT,
        "warn",
        f"{why}: this may be a scan after contrast agent, which the model has never seen. "
        "Use the series from before the injection.",
        None if share is None else round(share, 4),
        MOST_BRIGHT_SHARE,
    )


def _shading(measured: Measurements) -> Finding | None:
    message = (
        "The brightness changes strongly across the brain, as with a surface coil. "
        "Correct the shading (N4, for one) or use another series, or trust the age less."
    )
    field_sd = measured.contrast.field_sd if measured.contrast else None
    return above(FindingCode.BIAS_FIELD, field_sd, message, MOST_FIELD_SD, UNUSABLE_FIELD_SD)


def _negative(measured: Measurements) -> Finding | None:
    contrast = measured.contrast
    if contrast is None:
        return None
    message = (
        "{} has values of zero or less: the scan was standardised, or it is no MR picture. "
        "Give the scan as the scanner stored it."
    )
    share, of_image = contrast.negative_share, contrast.negative_image_share
    brain, image = f"{100 * share:.0f} % of the brain", f"{100 * of_image:.0f} % of the picture"
    return above(
        FindingCode.NEGATIVE_VALUES, share, message.format(brain), refuse=MOST_NEGATIVE_SHARE
    ) or above(
        FindingCode.NEGATIVE_VALUES,
        of_image,
        message.format(image),
        refuse=MOST_NEGATIVE_IMAGE_SHARE,
    )


def _tags(measured: Measurements) -> Finding | None:
    """Speak up when the header says otherwise; the picture alone refuses, for headers are wrong."""
    said = _not_t1_by_tags(measured.tags)
    if said is None:
        return None
    return Finding(
        FindingCode.HEADER_NOT_T1,
        "warn",
        f"The DICOM header says that this is no T1-weighted MR scan ({said}). {CHOOSE_T1}",
        said,
        None,
    )


def _not_t1_by_tags(tags: SequenceTags) -> str | None:
    echo, repetition, inversion = (
        tags.echo_time_ms or 0.0,
        tags.repetition_time_ms or 0.0,
        tags.inversion_time_ms or 0.0,
    )
    if tags.modality not in (None, "", "MR"):
        return f"modality {tags.modality}"
    if echo > LONGEST_T1_ECHO_MS:
        return f"echo time {echo:.0f} ms"
    if inversion > FLAIR_INVERSION_MS and repetition > LONGEST_T1_REPETITION_MS:
        return f"inversion time {inversion:.0f} ms"
    # An inversion before it makes a long repetition time a T1 one (MPRAGE, fluid attenuation).
    if repetition > LONGEST_T1_REPETITION_MS and not inversion:
        return f"repetition time {repetition:.0f} ms"
    return None


CHECKS = (_not_t1, _pattern, _weak, _spread, _contrast_agent, _shading, _negative, _tags)
