"""Growth of the gap and what goes with it, in a cohort whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from BrainAgeLib.cohort.change import fit_change, growth
from BrainAgeLib.cohort.score import score_association
from Testing.library.cohort.simulated_cohorts import AGE_SLOPE, Truth, simulated_rows


def visits_of(rows):
    """Return simulated rows as the visits of a cohort."""
    visits = pd.DataFrame(rows).rename(columns={"id": "person"})
    years = visits["session"].astype(float) - 1
    return visits.assign(years=years, age_first=visits["age"] - years)


@pytest.fixture(scope="module")
def found(cohort):
    model = fit_change(cohort.visits, cohort.groups, "raw gap", "gap_years")
    return {(item.subset, item.figure): item for item in growth(model)}


def test_the_true_difference_of_growth_is_in_the_interval(found):
    difference = found["patient - control", "difference of change a year"]

    assert difference.low < 0.8 < difference.high
    assert difference.low > 0
    assert difference.p_adjusted == difference.p
    assert difference.people == 120


def test_the_difference_is_that_of_the_groups_own_changes(found):
    control, patient = (found[name, "change a year"] for name in ("control", "patient"))
    difference = found["patient - control", "difference of change a year"]

    assert patient.value - control.value == pytest.approx(difference.value)
    # Nobody's own change is tested against 0: the raw gap drifts in everybody.
    assert control.p is None
    assert control.value < AGE_SLOPE / 2


def test_variances_are_those_of_the_simulation(found):
    assert found["everybody", "SD between people"].value == pytest.approx(5.0, rel=0.25)
    assert found["everybody", "SD of a visit around the person's line"].value == pytest.approx(
        2.0, rel=0.15
    )


def test_every_p_value_has_a_size_beside_it(found):
    size = found["patient - control", "the same in SDs between people"]

    assert size.low < size.value < size.high


def test_the_score_goes_with_the_gap_within_people(cohort):
    found = {item.figure: item for item in score_association(cohort.visits, cohort.groups, "score")}

    within = found["within a person"]
    assert within.low < -0.4 < within.high
    assert within.p_adjusted >= within.p
    assert "within a person, standardised" in found


def test_patients_who_lose_faster_and_have_larger_gaps_are_no_association():
    truth = Truth(people=80, visits=4, effect_years=8.0, growth=1.0, score_growth=-2.0)
    rows = simulated_rows(truth, np.random.default_rng(4))

    found = score_association(visits_of(rows), ("control", "patient"), "score")

    # Without the groups' own courses p is far below 0.001 for both.
    assert [item.figure for item in found if item.p is not None and item.p < 0.001] == []
    assert len(found) == 4


def test_older_patients_do_not_seem_to_change_otherwise():
    # The drift of the raw gap depends on age, and nothing else differs.
    rows = simulated_rows(
        Truth(people=60, visits=4, age_difference_years=15.0, slope_sd=0.01, error_sd_years=0.05),
        np.random.default_rng(10),
    )

    model = fit_change(visits_of(rows), ("control", "patient"), "raw gap", "gap_years")
    difference = next(item for item in growth(model) if item.figure.startswith("difference"))

    # 15 years of a drift of 2 x 0.004 a year and year, which an unadjusted slope would show.
    assert abs(difference.value) < 0.02


def test_a_score_that_nobody_has_is_no_error(cohort):
    visits = cohort.visits.assign(score=np.nan)

    assert score_association(visits, cohort.groups, "score") == []


def test_a_covariate_that_time_tells_is_left_out(cohort):
    visits = cohort.visits.assign(age_at_scan=cohort.visits["age"])

    plain = fit_change(visits, cohort.groups, "raw gap", "gap_years")
    asked = fit_change(visits, cohort.groups, "raw gap", "gap_years", ("age_at_scan",))

    assert asked is not None and asked.fit.names == plain.fit.names
    assert growth(asked) == growth(plain)


def test_visits_of_which_nobody_has_all_values_carry_no_model(cohort):
    visits, half = cohort.visits, cohort.visits["person"] < "sub-0060"
    school = pd.Series(np.arange(len(half)) % 7, half.index).astype(str).where(half, "n/a")
    visits = visits.assign(school=school, sex=visits["sex"].mask(half, ""))

    assert fit_change(visits, cohort.groups, "raw gap", "gap_years", ("school",)) is None
