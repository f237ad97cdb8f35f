"""The two sides of the brain: whether one is unlike the other as it is in nobody healthy."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.model.sides import OneSided
from BrainAgeLib.records import Finding

# Chosen on 172 people of the training who are not held out, in thirds that did not know each other:
# 1.2 % of 1204 sound scans are over it, 94 % of 438 simulated lesions of 3 cm and more and 99 % of
# 326 of 4 cm and more. There is no refusal: lesions moved the age by less than the interval is wide
# (docs/quality.md).
MOST_DISTANCE = 1.15


def measure(evidence: Evidence) -> OneSided | None:
    """Return where the sides differ most; None where few slices or the model cannot tell."""
    return evidence.raw.one_sided if evidence.raw else None


def _one_sided(measured: OneSided) -> Finding | None:
    if measured.distance <= MOST_DISTANCE:
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
        MOST_DISTANCE,
    )


CHECKS = (_one_sided,)
FAMILY = Family(OneSided, measure, CHECKS)
