"""Checks of the result itself: ages outside training, networks that disagree, unknown scans."""

from __future__ import annotations

from BrainAgeLib.measurements import Measurements
from BrainAgeLib.quality.limits import above
from BrainAgeLib.records import Finding

MOST_DISAGREEMENT_YEARS = 15.0
# By definition 99 % of healthy scans stay under 1. Simulated faults beyond 4 moved the age by 20
# years and more; the interval grows with what lies between.
MOST_NOVELTY, UNUSABLE_NOVELTY = 1.0, 4.0


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
    message = (
        "The scan looks to the model unlike the healthy scans that it was trained on. "
        "Look at the pictures of the report, and trust the age less."
    )
    return above("unlike_training", measured.novelty, message, MOST_NOVELTY, UNUSABLE_NOVELTY)


CHECKS = (_disagreement, _age_range, _novelty)
