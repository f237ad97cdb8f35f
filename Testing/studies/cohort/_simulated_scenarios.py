"""The simulated cohorts of the study of that name: what is put in, and what must be found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from BrainAgeLib.cohort.added_value import added_value
from BrainAgeLib.cohort.change import fit_change, growth
from BrainAgeLib.cohort.cohort_data import Cohort, Plan
from BrainAgeLib.cohort.differences import differences, fit_groups
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.score import score_association
from BrainAgeLib.cohort.survival import time_to_event
from Testing.library.cohort.simulated_cohorts import CONTROL, Truth

Analysis = Callable[[Cohort], Estimate | None]


@dataclass(frozen=True)
class Scenario:
    """A simulated truth, what is estimated of it, and the value that is right.

    The mean of ratios is taken of their logarithms, in which they are as often below as above.
    """

    name: str
    truth: Truth
    analysis: Analysis
    value: float
    is_null: bool = False
    plan: Plan = Plan(reference=CONTROL)
    is_ratio: bool = False


def _first(estimates: list[Estimate], figure: str) -> Estimate | None:
    return next((item for item in estimates if item.figure == figure), None)


def difference(cohort: Cohort) -> Estimate | None:
    """Return the adjusted difference of the raw gap."""
    model = fit_groups(cohort.first, cohort.groups, "raw gap", "gap_years", cohort.plan.covariates)
    return None if model is None else _first(differences(model), "adjusted difference")


def size(cohort: Cohort) -> Estimate | None:
    """Return Cohen's d with its interval."""
    model = fit_groups(cohort.first, cohort.groups, "raw gap", "gap_years")
    return None if model is None else _first(differences(model), "Cohen's d")


def change(cohort: Cohort) -> Estimate | None:
    """Return the difference of yearly change."""
    model = fit_change(cohort.visits, cohort.groups, "raw gap", "gap_years", cohort.plan.covariates)
    return None if model is None else _first(growth(model), "difference of change a year")


def score(cohort: Cohort) -> Estimate | None:
    """Return how the score goes with the gap within a person."""
    return _first(score_association(cohort.visits, cohort.groups, "score"), "within a person")


def score_change(cohort: Cohort) -> Estimate | None:
    """Return how the score's change goes with the gap at the first scan."""
    return _first(score_association(cohort.visits, cohort.groups, "score"), "by gap at first scan")


def added(cohort: Cohort) -> Estimate | None:
    """Return the odds ratio of the gap given the volume."""
    base, other = cohort.groups
    found = added_value(cohort.first, base, other, "volume", rounds=0)
    return next((item for item in found if item.outcome == "raw gap given volume"), None)


def hazard(cohort: Cohort) -> Estimate | None:
    """Return the hazard ratio per year of gap."""
    found, _ = time_to_event(cohort.first, "event", "years_to_event")
    return _first(found, "hazard ratio per year")


def proportionality(cohort: Cohort) -> Estimate | None:
    """Return the course of the gap's scaled Schoenfeld residuals with time."""
    found, _ = time_to_event(cohort.first, "event", "years_to_event")
    return found[-1] if found and found[-1].figure.startswith("r of") else None


EVENTS = Plan(reference=CONTROL, event="event", event_time="years_to_event")
SITES = Plan(reference=CONTROL, covariates=("site",))
SCORED = Plan(reference=CONTROL, score="score")
FOLLOWED = Truth(people=80, visits=4)
MEASURED = Plan(reference=CONTROL, measures=("volume",))
UNEVEN = Truth(patients=0.25, patient_spread=2.0)
SIZE = 3.0 / math.hypot(5.0, 2.0)  # of a difference of 3 years
SCENARIOS = (
    Scenario("difference, no effect", Truth(), difference, 0.0, True),
    Scenario(
        "difference, no effect, patients 5 years older",
        Truth(age_difference_years=5.0),
        difference,
        0.0,
        True,
    ),
    Scenario("difference, no effect, uneven sizes and scatter", UNEVEN, difference, 0.0, True),
    Scenario("difference, 3 years", Truth(effect_years=3.0), difference, 3.0),
    Scenario(
        "difference, 3 years, sites shifted by 6 and unbalanced, site as covariate",
        Truth(effect_years=3.0, site_shift_years=6.0),
        difference,
        3.0,
        plan=SITES,
    ),
    Scenario(
        "the same, site left out (what not to do)",
        Truth(effect_years=3.0, site_shift_years=6.0),
        difference,
        3.0,
    ),
    Scenario("Cohen's d", Truth(effect_years=3.0), size, SIZE),
    Scenario("change, no difference", FOLLOWED, change, 0.0, True),
    Scenario("change, 0.5 a year more", Truth(people=80, visits=4, growth=0.5), change, 0.5),
    Scenario(
        "the same, half of those with large gaps drop out at each visit",
        Truth(people=80, visits=4, growth=0.5, drop_out=0.5),
        change,
        0.5,
    ),
    Scenario(
        "change, no difference, with that drop-out",
        Truth(people=80, visits=4, drop_out=0.5),
        change,
        0.0,
        True,
    ),
    Scenario(
        "score within a person, no association",
        Truth(people=50, visits=4),
        score,
        0.0,
        True,
        SCORED,
    ),
    Scenario(
        "score within a person, -0.2 points per year",
        Truth(people=50, visits=4, coupling=-0.2),
        score,
        -0.2,
        plan=SCORED,
    ),
    Scenario("hazard ratio, none", Truth(), hazard, 1.0, True, EVENTS, is_ratio=True),
    Scenario(
        "hazard ratio, 1.1 per year",
        Truth(hazard=math.log(1.1)),
        hazard,
        1.1,
        plan=EVENTS,
        is_ratio=True,
    ),
    Scenario(
        "difference, no effect, 10 people a group", Truth(people=20), difference, 0.0, is_null=True
    ),
    Scenario(
        "gap given volume: it differs between groups but adds nothing",
        # What the volume's difference of one SD carries over to a gap that goes with it.
        Truth(effect_years=0.5 * Truth().gap_sd_years, volume_effect=1.0, volume_correlation=0.5),
        added,
        1.0,
        True,
        MEASURED,
        is_ratio=True,
    ),
    Scenario(
        "change, no difference, patients 5 years older",
        Truth(people=80, visits=4, age_difference_years=5.0),
        change,
        0.0,
        True,
    ),
    Scenario(
        "score's change by first gap, none, though patients have larger gaps and lose faster",
        Truth(people=50, visits=4, effect_years=5.0, score_growth=-1.0),
        score_change,
        0.0,
        True,
        SCORED,
    ),
    Scenario("Cohen's d, 10 people a group", Truth(people=20, effect_years=3.0), size, SIZE),
    Scenario("Cohen's d, uneven sizes and scatter", UNEVEN, size, 0.0),
    Scenario(
        "change, no difference, 8 people a group with three visits",
        Truth(people=16, visits=3),
        change,
        0.0,
        True,
    ),
    Scenario(
        "change, no difference, 8 people a group with four visits, with that drop-out",
        Truth(people=16, visits=4, drop_out=0.5),
        change,
        0.0,
        True,
    ),
    Scenario(
        "r of scaled Schoenfeld residuals, hazards proportional",
        Truth(hazard=math.log(1.1)),
        proportionality,
        0.0,
        True,
        EVENTS,
    ),
)
