"""Reliability by hand, and sample sizes against published ones and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from BrainAgeLib.cohort.change import fit_change
from BrainAgeLib.cohort.power import (
    people_for_change,
    people_for_difference,
    people_for_slopes,
    reliability,
)


def retests(people=400, within=1.5, between=5.0, days=30):
    generator = np.random.default_rng(8)
    level = np.repeat(generator.normal(0, between, people), 2)
    age = np.repeat(generator.uniform(50, 80, people), 2)
    gaps = level - 0.2 * age + generator.normal(0, within, 2 * people)
    years = np.tile([0.0, days / 365], people)
    return pd.DataFrame(
        {
            "person": np.repeat(np.arange(people), 2),
            "group": np.repeat(np.where(np.arange(people) % 2, "AD", "CN"), 2),
            "age": age,
            "gap_years": gaps,
            "years": years,
        }
    )


def test_repeated_scans_tell_the_reliability():
    sd, change, icc = reliability(retests())

    assert sd.low < 1.5 < sd.high
    assert sd.value == pytest.approx(1.5, rel=0.1)
    assert change.value == pytest.approx(1.96 * 2**0.5 * sd.value)
    assert icc.value == pytest.approx(25 / (25 + 1.5**2), abs=0.02)
    assert icc.low < 25 / (25 + 1.5**2) < icc.high


def test_a_difference_of_groups_does_not_flatter_the_reliability():
    visits = retests()
    apart = visits.assign(gap_years=visits["gap_years"] + 50 * (visits["group"] == "AD"))

    assert reliability(apart)[2].value == pytest.approx(reliability(visits)[2].value)


def test_people_who_were_scanned_once_do_not_count():
    visits = retests()
    once = visits.drop_duplicates("person").assign(gap_years=500.0)
    once["person"] += 10_000
    both = pd.concat([visits, once], ignore_index=True)

    assert [item.value for item in reliability(both)] == [
        item.value for item in reliability(visits)
    ]


def test_the_same_scan_given_twice_is_no_error():
    visits = retests(within=0.0)
    visits["gap_years"] = visits["gap_years"].round(1)

    sd, change, icc = reliability(visits)

    assert sd.value == pytest.approx(0.0, abs=1e-6)
    assert change.value == pytest.approx(0.0, abs=1e-6)
    assert icc.value == pytest.approx(1.0)


def test_gaps_that_do_not_differ_at_all_tell_no_reliability():
    visits = retests(people=6).assign(gap_years=0.0)

    assert reliability(visits) == []


def test_two_scans_a_person_need_fewer_people():
    one, two = (people_for_difference(5.0, 3.0)[number] for number in (1, 5))

    assert one.figure == two.figure
    assert two.subset.startswith("the mean of two scans")
    # The variance falls from 25 to 25 - 9 / 2.
    assert two.value == pytest.approx(one.value * 20.5 / 25, abs=1.5)


def test_scans_a_year_apart_tell_nothing_of_it():
    assert reliability(retests(days=365)) == []


def test_a_difference_of_many_sds_needs_a_few_people():
    assert {item.value for item in people_for_difference(0.0)} == {3}


def test_people_for_a_difference_as_published():
    # Cohen 1988, table 2.4.1: 64 people a group for d = 0.5, 26 for 0.8, 80 % power.
    found = {item.figure: item.value for item in people_for_difference(4.0)}

    assert found["people per group for a difference of 2 years"] == 64
    assert people_for_difference(3.75)[2].value == 26
    assert found["people per group for a difference of 1 year"] > 250


def test_people_for_a_change_follow_from_the_fitted_variances(cohort):
    model = fit_change(cohort.visits, cohort.groups, "raw gap", "gap_years")
    fit = model.fit
    scatter = (fit.slope_sd or 0.0) ** 2 + fit.residual_sd**2 / 5.0  # 0, 1, 2, 3 years

    found = people_for_change(fit, cohort.visits)

    half = next(item for item in found if "0.5 years a year" in item.figure)
    normal = np.ceil(2 * (1.959964 + 0.841621) ** 2 * scatter / 0.25)
    assert half.value == normal + 1  # a t test needs one more, at this size
    assert "4 visits over 3.0 years" in half.subset


def test_people_for_slopes_are_enough_where_they_are_few():
    # By a normal distribution two a group, of whom a t test finds the difference in one of two.
    people = people_for_slopes(0.3, 0.0, np.array([0.0, 1.0]), 1.0)
    slopes = np.random.default_rng(3).normal(0, 0.3, (4000, 2, people)) + np.array([[0.0], [1.0]])

    p = ttest_ind(slopes[:, 0], slopes[:, 1], axis=1).pvalue

    assert people == 3
    assert (p < 0.05).mean() > 0.8
