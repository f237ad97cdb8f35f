"""Checks of the result itself: ages outside training, networks that disagree, unknown scans."""

from __future__ import annotations

from BrainAgeLib.measurements import Measurements
from BrainAgeLib.quality.limits import above
from BrainAgeLib.records import Finding

MOST_DISAGREEMENT_YEARS = 15.0
# By definition 99 % of the simulated scans of healthy people stay under 1; whole heads of other
# scanners that were cut thick reach 1.7. Faults beyond 4 moved the age by 20 years and more. The
# interval grows with what lies over 1.
USUAL_NOVELTY, MOST_NOVELTY, UNUSABLE_NOVELTY = 1.0, 1.8, 4.0


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
                f"on ({limits[0]:.0f} to {limits[1]:.0f}). Do not rely on the gap.",
                round(age, 1),
                f"{limits[0]:.0f} to {limits[1]:.0f}",
            )
    return None


def _novelty(measured: Measurements) -> Finding | None:
    novelty = measured.novelty
    message = (
        "The scan looks to the model unlike the healthy scans that it was trained on. "
        "Look at the pictures of the report, and trust the age less."
    )
    found = above("unlike_training", novelty, message, MOST_NOVELTY, UNUSABLE_NOVELTY)
    if found is not None or novelty is None or novelty <= USUAL_NOVELTY:
        return found
    message = (
        "The scan looks to the model somewhat unlike those that it was trained on: the interval "
        f"is {novelty:.1f} times as wide as usual."
    )
    return Finding("unlike_training", "note", message, round(novelty, 3), USUAL_NOVELTY)


CHECKS = (_disagreement, _age_range, _novelty)
