"""The two sides of the brain: whether one is unlike the other as it is in nobody healthy."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.model.sides import OneSided
from BrainAgeLib.records import Finding, Severity

# By definition 99 % of the simulated scans of healthy people stay under 1.
USUAL_DISTANCE, UNUSABLE_DISTANCE = 1.0, 3.0


def measure(evidence: Evidence) -> OneSided | None:
    """Return where the sides differ most; None where few slices or the model cannot tell."""
    return evidence.raw.one_sided if evidence.raw else None


def _one_sided(measured: OneSided) -> Finding | None:
    distance = measured.distance
    if distance <= USUAL_DISTANCE:
        return None
    is_unusable = not distance <= UNUSABLE_DISTANCE
    severity: Severity = "refuse" if is_unusable else "warn"
    tone = "darker" if measured.is_darker else "brighter"
    return Finding(
        FindingCode.ONE_SIDED,
        severity,
        f"The {measured.side} side of the brain is {tone} than the other, most in or near the "
        f"{measured.region}, by more than in healthy people. A lesion, an operation, or a "
        "brain extraction that failed there may be the cause. Look at the outline and the pictures "
        "of the report; the age is not to be trusted.",
        round(distance, 3),
        UNUSABLE_DISTANCE if is_unusable else USUAL_DISTANCE,
    )


CHECKS = (_one_sided,)
FAMILY = Family(OneSided, measure, CHECKS)
