"""The result itself: ages outside training, members that disagree, unknown scans."""

from __future__ import annotations

from dataclasses import dataclass

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.gate.placement import IN_WHICH_SPACE
from BrainAgeLib.records import Finding, Severity

MOST_DISAGREEMENT_YEARS = 15.0  # sound T1 scans up to 11.8; T2w and FLAIR 0, they share models
# By definition 99 % of the simulated scans of healthy people stay under 1; whole heads of other
# scanners that were cut thick reach 1.7. Faults beyond 4 moved the age by 19 years in the
# median. The interval grows with what lies over 1.
USUAL_NOVELTY, MOST_NOVELTY, UNUSABLE_NOVELTY = 1.0, 1.8, 4.0


@dataclass(frozen=True)
class Trust:
    """What the models said, and what they know.

    ``members_years``: age by each member of the ensemble. ``novelty``: distance of the scan from
    the training data in the model's features, as a multiple of the distance that 99 % of healthy
    scans stay under. ``is_registered``: False for a scan that is said to be in template space.
    """

    brain_age_years: float | None = None
    members_years: tuple[float, ...] = ()
    novelty: float | None = None
    chronological_age_years: float | None = None
    trained_age_range_years: tuple[float, float] | None = None
    is_registered: bool = True


def measure(evidence: Evidence) -> Trust:
    """Return what the models said."""
    raw = evidence.raw
    return Trust(
        raw.age_years if raw else None,
        raw.members_years if raw else (),
        raw.novelty if raw else None,
        evidence.chronological_age_years,
        evidence.trained_age_range_years,
        evidence.placed.is_registered,
    )


def _disagreement(measured: Trust) -> Finding | None:
    if not measured.members_years:
        return None
    distance = max(measured.members_years) - min(measured.members_years)
    if distance <= MOST_DISAGREEMENT_YEARS:
        return None
    return Finding(
        FindingCode.MEMBERS_DISAGREE,
        "warn",
        f"The members of the ensemble disagree by {distance:.0f} years. Trust the age less.",
        round(distance, 1),
        MOST_DISAGREEMENT_YEARS,
    )


def _age_range(measured: Trust) -> Finding | None:
    limits = measured.trained_age_range_years
    if limits is None:
        return None
    known = measured.chronological_age_years
    # The predicted age itself is not told: a refused scan must not give it.
    for age, whose, told in (
        (known, f"chronological age of {known or 0:.0f} years", known),
        (measured.brain_age_years, "predicted age", None),
    ):
        if age is not None and not limits[0] <= age <= limits[1]:
            return Finding(
                FindingCode.AGE_OUTSIDE_TRAINING,
                "warn",
                f"The {whose} is outside the ages that the model was trained on "
                f"({limits[0]:.0f} to {limits[1]:.0f}). Do not rely on the gap.",
                None if told is None else round(told, 1),
                f"{limits[0]:.0f} to {limits[1]:.0f}",
            )
    return None


def _novelty(measured: Trust) -> Finding | None:
    novelty = measured.novelty
    unlike = "The scan looks to the model {} those of healthy people that it was trained on"
    wider = f"the interval is {novelty or 1:.2f} times as wide as usual"
    refused = (
        "Look at the outline and the registered image of the report; if both are right, the scan's "
        "contrast is not one that the model knows."
    )
    warned = "Look at the pictures of the report, and trust the age less."
    if not measured.is_registered:
        refused = warned = IN_WHICH_SPACE
    refused = f"{unlike.format('quite unlike')}. {refused}"
    warned = f"{unlike.format('unlike')}: {wider}. {warned}"
    noted = f"{unlike.format('somewhat unlike')}: {wider}."
    grades: tuple[tuple[Severity, str, float], ...] = (
        ("refuse", refused, UNUSABLE_NOVELTY),
        ("warn", warned, MOST_NOVELTY),
        ("note", noted, USUAL_NOVELTY),
    )
    for severity, message, limit in grades:
        if novelty is not None and not novelty <= limit:
            return Finding(FindingCode.UNLIKE_TRAINING, severity, message, round(novelty, 3), limit)
    return None


CHECKS = (_disagreement, _age_range, _novelty)
FAMILY = Family(Trust, measure, CHECKS)
