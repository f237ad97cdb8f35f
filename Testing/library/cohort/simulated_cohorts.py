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
    event per year of the first gap less its drift with age. ``coupling``: points of the score per
    year of gap. ``score_growth``: points a year more in patients. ``volume_effect``: how many SDs
    smaller patients' volumes are; ``volume_correlation``: of volumes with gaps of the same age and
    group, times -1.
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
    score_growth: float = 0.0
    volume_effect: float = 0.0
    volume_correlation: float = 0.0

    @property
    def gap_sd_years(self) -> float:
        """The scatter of gaps of controls of one age."""
        return float(np.hypot(self.level_sd_years, self.error_sd_years))


def simulated_rows(truth: Truth, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Return the rows of a results table of one simulated cohort."""
    rows = []
    for number in range(truth.people):
        is_patient = number < truth.patients * truth.people
        rows += _person(number, is_patient, truth, generator)
    for row in rows:
        row["volume"] = _volume(row, truth, generator)
    return rows


def _volume(row: dict[str, Any], truth: Truth, generator: np.random.Generator) -> float:
    """Return a share of the head: smaller in the old, in patients, and where the gap is large."""
    is_patient = row["group"] == PATIENT
    shift = truth.effect_years * is_patient + truth.site_shift_years * (row["site"] == "B")
    own = (row["gap_years"] - _drift(row["age"]) - shift) / truth.gap_sd_years
    r = truth.volume_correlation
    smaller = is_patient * truth.volume_effect + r * own + np.sqrt(1 - r**2) * generator.normal()
    return float(0.75 - 0.003 * (row["age"] - CENTRE_YEARS) - 0.02 * smaller)


def _drift(age_years: float) -> float:
    """Return the mean raw gap of healthy people of an age."""
    centred = age_years - CENTRE_YEARS
    return AGE_SLOPE * centred + AGE_CURVE * centred**2


def _person(
    number: int, is_patient: bool, truth: Truth, generator: np.random.Generator
) -> list[dict[str, Any]]:
    age_first = generator.uniform(60, 85) + is_patient * truth.age_difference_years
    level = generator.normal(0, truth.level_sd_years) * (truth.patient_spread if is_patient else 1)
    slope = generator.normal(0, truth.slope_sd) + is_patient * truth.growth
    at_second_site = generator.random() < (0.8 if is_patient else 0.2)
    waiting, end = generator.exponential(1.0), generator.uniform(3, 6)
    event, event_time = False, 0.0
    score_level = generator.normal(26, 2)
    rows: list[dict[str, Any]] = []
    for visit in range(truth.visits):
        age = age_first + visit
        true_gap = is_patient * truth.effect_years + level + slope * visit
        drift = _drift(age)
        error = generator.normal(0, truth.error_sd_years)
        gap = true_gap + drift + error + at_second_site * truth.site_shift_years
        decline = -0.3 + is_patient * truth.score_growth
        score = score_level + decline * visit + truth.coupling * gap + generator.normal(0, 1)
        if visit == 0:
            event, event_time = _event(waiting, end, truth.hazard * (gap - drift))
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


def _event(waiting: float, end_years: float, log_hazard: float) -> tuple[bool, float]:
    """Return whether the event came within six years, and when the person was last seen.

    ``waiting``: of a unit exponential distribution.
    """
    time_years = waiting / (0.12 * np.exp(log_hazard))
    return time_years <= end_years, min(time_years, end_years)
