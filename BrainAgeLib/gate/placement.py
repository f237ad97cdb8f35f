"""Checks of the registration: whether the brain lies where the template has it."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.limits import below
from BrainAgeLib.gate.measurements import Measurements
from BrainAgeLib.records import Finding

LEAST_SIMILARITY = 0.7  # the lowest of 549 healthy brains had 0.75, with a median of 0.92
LEAST_OVERLAP = 0.9  # sound scans 0.928 and more; a registration that is 10 mm off 0.88
DOUBTFUL_OVERLAP = 0.92
# 276 registered scans of healthy brains had 0.95 or more, their middle slices alone 0.86 or more; a
# shift of 30 mm leaves 0.7.
LEAST_SHARE_IN_TEMPLATE = 0.7


def _place_in_template(measured: Measurements) -> Finding | None:
    share = measured.share_in_template
    if share is None or share >= LEAST_SHARE_IN_TEMPLATE or measured.slices_in_view == 0:
        return None
    return Finding(
        FindingCode.NOT_IN_TEMPLATE_SPACE,
        "refuse",
        f"Only {100 * share:.0f} % of the brain in this scan lies where the template has brain. "
        "With --in-template-space the scan's coordinates must be those of MNI152.",
        round(share, 3),
        LEAST_SHARE_IN_TEMPLATE,
    )


def _registration(measured: Measurements) -> Finding | None:
    if measured.stretch is None or measured.placement is None:
        return None
    words = (
        "The registered brain {} the template. Check the registered image; "
        "the scan may not be T1-weighted, or not a whole head."
    )
    similarity, overlap = measured.stretch.similarity, measured.placement.overlap
    return (
        below(
            FindingCode.REGISTRATION_SIMILARITY,
            similarity,
            LEAST_SIMILARITY,
            words.format("looks unlike"),
        )
        or below(
            FindingCode.REGISTRATION_OVERLAP, overlap, LEAST_OVERLAP, words.format("does not cover")
        )
        or _doubtful(overlap)
    )


def _doubtful(overlap: float) -> Finding | None:
    if overlap >= DOUBTFUL_OVERLAP:
        return None
    return Finding(
        FindingCode.REGISTRATION_DOUBTFUL,
        "warn",
        "The registered brain covers the template less well than those of sound scans do. "
        "Look at the registered image in the report; if it is off, do not use the age.",
        round(overlap, 3),
        DOUBTFUL_OVERLAP,
    )


CHECKS = (_place_in_template, _registration)
