"""The two sides of the brain: whether one is unlike the other as it is in nobody healthy."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.model.sides import OneSided
from BrainAgeLib.records import Finding

# By definition 99 % of the simulated scans of healthy people stay under 1. There is no refusal:
# simulated lesions of any size moved the age by less than half of the interval (docs/quality.md).
USUAL_DISTANCE = 1.0


def measure(evidence: Evidence) -> OneSided | None:
    """Return where the sides differ most; None where few slices or the model cannot tell."""
    return evidence.raw.one_sided if evidence.raw else None


def _one_sided(measured: OneSided) -> Finding | None:
    if measured.distance <= USUAL_DISTANCE:
        return None
    tone = "darker" if measured.is_darker else "brighter"
    return Finding(
        FindingCode.ONE_SIDED,
        "warn",
        f"The {measured.side} side of the brain is {tone} than the other, most in or near the "
        f"{measured.region}, by more than in healthy people. A lesion, an operation, or a brain "
        "extraction that failed there may be the cause. Look at the outline and the pictures of "
        "the report. The model knows healthy brains alone: do not rely on the age.",
        round(measured.distance, 3),
        USUAL_DISTANCE,
    )


CHECKS = (_one_sided,)
FAMILY = Family(OneSided, measure, CHECKS)
