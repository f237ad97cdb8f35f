"""Adjusted differences against values worked out directly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from BrainAgeLib.cohort.differences import (
    adjusted_means,
    differences,
    fit_groups,
    left_alone,
    size_interval,
    with_holm,
)
from BrainAgeLib.cohort.estimates import Estimate


@pytest.fixture(scope="module")
def model(cohort):
    return fit_groups(cohort.first, cohort.groups, "raw gap", "gap_years")


def test_the_difference_is_that_of_least_squares_with_hc3_errors(model):
    matrix, values = model.matrix, model.values
    coefficients = np.linalg.lstsq(matrix, values, rcond=None)[0]
    inverse = np.linalg.inv(matrix.T @ matrix)
    leverage = np.diag(matrix @ inverse @ matrix.T)
    weights = ((values - matrix @ coefficients) / (1 - leverage)) ** 2
    covariance = inverse @ (matrix.T * weights) @ matrix @ inverse

    found = differences(model)[0]

    assert found.value == pytest.approx(coefficients[1])
    half = 1.98081 * np.sqrt(covariance[1, 1])  # t of 115 degrees of freedom
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=1e-4)
    assert found.people == 120


def test_the_true_effect_is_in_the_interval_and_the_size_goes_with_it(model):
    difference, size = differences(model)

    assert difference.low < 4.0 < difference.high
    # Hedges 1981, table 1: 0.99344 with 114 degrees of freedom, 0.99350 with 115.
    assert size.value == pytest.approx(0.9935 * difference.value / model.residual_sd, rel=1e-4)
    assert size.low < size.value < size.high
    assert size.low > 0


def test_the_interval_of_a_size_is_that_of_the_noncentral_t():
    # Cumming and Finch 2001's way with two groups of ten and the pooled error: scipy's nct.
    from scipy.stats import nct

    low, high = size_interval(4.0, 2.0, 4.0, 18.0)

    for end, tail in ((low, 0.975), (high, 0.025)):
        assert nct.cdf(2.0, 18.0, end * 4.0 / 2.0) == pytest.approx(tail, abs=1e-6)
    assert size_interval(-4.0, 2.0, 4.0, 18.0) == pytest.approx((-high, -low))


def test_groups_of_people_who_are_all_alike_have_no_interval_of_the_size():
    first = pd.DataFrame({"group": list("aabbcccc"), "person": list("ABCDEFGH")})
    first["gap_years"] = [1.1, 1.1, 2.2, 2.2, 1.0, 4.0, 7.0, 2.0]

    sizes = differences(fit_groups(first, ("a", "b", "c"), "g", "gap_years", None))[1::2]

    assert [(one.low is None, one.high is None) for one in sizes] == [
        (True,) * 2,
        *[(False,) * 2] * 2,
    ]
    assert size_interval(0.0, 0.0, 1.0, 5.0) == (None, None)


def test_the_interval_of_a_size_holds_it_in_few_people():
    # A percentile bootstrap of six people a group held 94 of 100 by being 18 SDs wide.
    generator, held, widths = np.random.default_rng(4), 0, []
    for _ in range(200):
        first = pd.DataFrame({"group": np.repeat(["a", "b"], 6), "person": np.arange(12)})
        first["age"], first["sex"] = generator.uniform(60, 80, 12), ["F", "M"] * 6
        first["gap_years"] = 4.0 * (first["group"] == "b") + generator.normal(0, 5, 12)
        size = differences(fit_groups(first, ("a", "b"), "g", "gap_years"))[1]
        held += size.low < 0.8 < size.high
        widths.append(size.high - size.low)

    assert 185 <= held <= 200
    assert np.median(widths) < 5


def test_adjusted_means_differ_by_the_difference(model):
    control, patient = adjusted_means(model)

    assert patient.value - control.value == pytest.approx(differences(model)[0].value)
    assert (control.people, patient.people) == (60, 60)


def test_age_is_taken_into_account(cohort):
    # Patients ten years older and the gap falling with age: nothing is left of the difference.
    first = cohort.first.copy()
    is_patient = first["group"] == cohort.groups[1]
    noise = np.random.default_rng(1).normal(0, 0.1, len(first))
    first["age"] = first["age"] + 10.0 * is_patient
    first["gap_years"] = -0.3 * first["age"] - 0.01 * (first["age"] - 70) ** 2 + noise

    adjusted = differences(fit_groups(first, cohort.groups, "g", "gap_years"))[0]
    plain = differences(fit_groups(first, cohort.groups, "g", "gap_years", None))[0]

    assert adjusted.value == pytest.approx(0.0, abs=0.1)
    assert plain.value < -2.0


def test_people_with_a_missing_value_are_left_out(cohort):
    first = cohort.first.copy()
    first.loc[:9, "sex"] = ""
    first.loc[10:14, "gap_years"] = np.nan

    assert len(fit_groups(first, cohort.groups, "g", "gap_years").values) == 105


def test_the_only_person_of_a_site_changes_nothing(cohort):
    first = cohort.first.assign(site=["A", "B"] * (len(cohort.first) // 2))
    lonely = first.copy()
    lonely.loc[0, ["site", "gap_years"]] = ["C", 900.0]

    found = differences(fit_groups(lonely, cohort.groups, "g", "gap_years", ("site",)))[0]
    without = differences(fit_groups(first[1:], cohort.groups, "g", "gap_years", ("site",)))[0]

    assert (found.value, found.low, found.high) == (without.value, without.low, without.high)
    assert found.people == 119


def test_how_many_were_alone_is_said(cohort, model):
    sites = ["C", "D"] + ["A", "B"] * 59
    first = cohort.first.assign(site=sites)

    fitted = fit_groups(first, cohort.groups, "raw gap", "gap_years", ("site",))

    assert (fitted.left_alone, len(fitted.values)) == (2, 118)
    assert "2 people who are alone" in left_alone(fitted)
    assert left_alone(model) is None


def test_too_few_people_for_the_model(cohort):
    few = cohort.first.groupby("group").head(3)

    assert fit_groups(few, cohort.groups, "g", "gap_years") is None


def test_holm_by_hand():
    estimates = [Estimate("a", "o", "s", "f", 1.0, "", 0.0, 2.0, p=p) for p in (0.01, 0.04, 0.03)]

    found = with_holm([*estimates, Estimate("a", "o", "s", "size", 1.0)])

    assert [item.p_adjusted for item in found] == pytest.approx([0.03, 0.06, 0.06, None])
