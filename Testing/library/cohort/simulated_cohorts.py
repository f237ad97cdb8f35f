"""Cohorts with a known truth: what an analysis must find, and how often its interval must hold.

Everything here is simulated. A person's raw gap is that of a model which under-estimates ageing,
plus what the group adds, plus the person's own level and slope, plus a new error at each scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

AGE_SLOPE = -0.18  # of the raw gap on age, as the bundled model's
AGE_CURVE = -0.004  # per year squared, around CENTRE_YEARS
CENTRE_YEARS = 70.0
CONTROL, PATIENT = "control", "patient"


@dataclass(frozen=True)
class Truth:
    """What is put in. Years, and years a year.

    ``age_difference_years``: how much older patients are. ``site_shift_years``: of a second site,
    where 80 % of patients and 20 % of controls are scanned. ``drop_out``: share of those with the
    larger gap at a visit that do not come again; nobody knows their later gaps.
    ``patient_spread``: how much more patients' levels scatter. ``hazard``: log hazard ratio of the
    event per year of the gap's true level. ``coupling``: points of the score per year of gap.
    """

    people: int = 120
    patients: float = 0.5
    visits: int = 1
    effect_years: float = 0.0
    growth: float = 0.0
    age_difference_years: float = 0.0
    site_shift_years: float = 0.0
    drop_out: float = 0.0
    patient_spread: float = 1.0
    level_sd_years: float = 5.0
    slope_sd: float = 0.4
    error_sd_years: float = 2.0
    hazard: float = 0.0
    coupling: float = 0.0


def simulated_rows(truth: Truth, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Return the rows of a results table of one simulated cohort."""
    rows = []
    for number in range(truth.people):
        is_patient = number < truth.patients * truth.people
        rows += _person(number, is_patient, truth, generator)
    return rows


def _person(
    number: int, is_patient: bool, truth: Truth, generator: np.random.Generator
) -> list[dict[str, Any]]:
    age_first = generator.uniform(60, 85) + is_patient * truth.age_difference_years
    level = generator.normal(0, truth.level_sd_years) * (truth.patient_spread if is_patient else 1)
    slope = generator.normal(0, truth.slope_sd) + is_patient * truth.growth
    at_second_site = generator.random() < (0.8 if is_patient else 0.2)
    event, event_time = _event(level, truth, generator)
    score_level = generator.normal(26, 2)
    rows: list[dict[str, Any]] = []
    for visit in range(truth.visits):
        age = age_first + visit
        true_gap = is_patient * truth.effect_years + level + slope * visit
        drift = AGE_SLOPE * (age - CENTRE_YEARS) + AGE_CURVE * (age - CENTRE_YEARS) ** 2
        error = generator.normal(0, truth.error_sd_years)
        gap = true_gap + drift + error + at_second_site * truth.site_shift_years
        score = score_level - 0.3 * visit + truth.coupling * gap + generator.normal(0, 1)
        rows.append(
            {
                "path": f"{number}-{visit}.nii.gz",
                "id": f"sub-{number:04}",
                "session": f"{visit + 1}",
                "group": PATIENT if is_patient else CONTROL,
                "age": age,
                "sex": "FM"[number % 2],
                "brain_age_years": age + gap,
                "gap_years": gap,
                "corrected_gap_years": gap - AGE_SLOPE * (age - CENTRE_YEARS),
                "verdict": "pass",
                "slice_spacing_mm": 6.0,
                "exit_code": 0,
                "site": "B" if at_second_site else "A",
                "score": score,
                "event": int(event),
                "years_to_event": event_time,
            }
        )
        if gap - drift > 0 and generator.random() < truth.drop_out:
            break
    return rows


def _event(level: float, truth: Truth, generator: np.random.Generator) -> tuple[bool, float]:
    """Return whether the event came within six years, and when the person was last seen."""
    rate = 0.12 * np.exp(truth.hazard * level)
    time, end = generator.exponential(1 / rate), generator.uniform(3, 6)
    return time <= end, min(time, end)
