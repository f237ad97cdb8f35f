"""The registration: whether the brain lies where the template has it."""

from __future__ import annotations

from dataclasses import dataclass

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family, below
from BrainAgeLib.records import Finding

LEAST_SIMILARITY = 0.7  # the lowest of 549 healthy brains had 0.75, with a median of 0.92
LEAST_OVERLAP = 0.9  # sound scans 0.928 and more; a registration that is 10 mm off 0.88
DOUBTFUL_OVERLAP = 0.92  # set by hand, between these two
# 276 registered scans of healthy brains had 0.95 or more, their middle slices alone 0.86 or more; a
# shift of 30 mm leaves 0.7.
LEAST_FRACTION_IN_TEMPLATE = 0.7
IN_WHICH_SPACE = (
    "With --in-template-space the head must have been brought into MNI152 (ICBM 2009) by an affine "
    "registration of 12 degrees of freedom; others leave another size or shape. Run a whole brain "
    "with --brain-extracted instead, which registers it anew."
)
CHECK_REGISTERED = (
    "Check the registered image; the scan may not be T1-weighted, or not a whole head."
)


@dataclass(frozen=True)
class Placement:
    """How well the brain meets the template's.

    ``similarity``: squared correlation of scan and template, 0 to 1. ``overlap``:
    Dice overlap of the mask with the template's brain within the field of view. A scan that is
    said to be in template space has instead the ``fraction_in_template`` of its brain that lies in
    the template's; None where no slice is in view.
    """

    similarity: float | None = None
    overlap: float | None = None
    fraction_in_template: float | None = None


def measure(evidence: Evidence) -> Placement:
    """Return how well the brain of a scan meets the template's."""
    if not evidence.placed.is_registered:
        slices = evidence.slices
        return Placement(fraction_in_template=slices.fraction_in_template if len(slices) else None)
    view = evidence.view
    seen = view.grid.brain & view.in_view
    both, sizes = float((seen & view.in_mask).sum()), float(seen.sum() + view.in_mask.sum())
    return Placement(evidence.placed.registration.similarity, 2.0 * both / max(1.0, sizes))


def _place_in_template(measured: Placement) -> Finding | None:
    fraction = measured.fraction_in_template
    if fraction is None or fraction >= LEAST_FRACTION_IN_TEMPLATE:
        return None
    return Finding(
        FindingCode.NOT_IN_TEMPLATE_SPACE,
        "refuse",
        f"Only {100 * fraction:.0f} % of the brain in this scan lies where the template has brain. "
        f"{IN_WHICH_SPACE}",
        round(fraction, 3),
        LEAST_FRACTION_IN_TEMPLATE,
    )


def _similarity(measured: Placement) -> Finding | None:
    message = f"The registered brain looks unlike the template. {CHECK_REGISTERED}"
    return below(
        FindingCode.REGISTRATION_SIMILARITY, measured.similarity, LEAST_SIMILARITY, message
    )


def _overlap(measured: Placement) -> Finding | None:
    overlap = measured.overlap
    if overlap is None or _similarity(measured) is not None:
        return None
    message = f"The registered brain does not cover the template. {CHECK_REGISTERED}"
    refused = below(FindingCode.REGISTRATION_OVERLAP, overlap, LEAST_OVERLAP, message)
    if refused is not None or overlap >= DOUBTFUL_OVERLAP:
        return refused
    return Finding(
        FindingCode.REGISTRATION_DOUBTFUL,
        "warn",
        "The registered brain covers the template less well than those of sound scans do. "
        "Look at the registered image in the report; if it is off, do not use the age.",
        round(overlap, 3),
        DOUBTFUL_OVERLAP,
    )


CHECKS = (_place_in_template, _similarity, _overlap)
FAMILY = Family(Placement, measure, CHECKS)
