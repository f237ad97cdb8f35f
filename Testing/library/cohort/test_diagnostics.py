"""Influence against refitting without the person."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.diagnostics import group_diagnostics
from BrainAgeLib.cohort.differences import differences, fit_groups


def test_the_most_influential_people_are_named_and_their_weight_is_exact(cohort):
    model = fit_groups(cohort.first, cohort.groups, "raw gap", "gap_years")
    least, largest = [item for item in group_diagnostics(model) if "left out" in item.figure]

    for item in (least, largest):
        person = item.figure.split("(")[1].rstrip(")")
        others = model.persons != person
        from statsmodels.api import OLS

        again = OLS(model.values[others], model.matrix[others]).fit()
        assert item.value == pytest.approx(again.params[1])
    assert least.value < differences(model)[0].value < largest.value


def test_scatter_of_each_group_and_dependence_on_age(cohort):
    model = fit_groups(cohort.first, cohort.groups, "raw gap", "gap_years")
    found = group_diagnostics(model)

    scatter = {item.subset: item.value for item in found if item.figure == "residual SD"}
    assert scatter["control"] == pytest.approx(5.4, rel=0.3)
    by_age = next(item for item in found if item.figure.startswith("change of the difference"))
    assert by_age.low < 0 < by_age.high


def test_a_difference_that_grows_with_age_is_seen(cohort):
    first = cohort.first.copy()
    patients = first["group"] == "patient"
    first["gap_years"] += 0.8 * (first["age"] - 70) * patients

    found = group_diagnostics(fit_groups(first, cohort.groups, "raw gap", "gap_years"))

    by_age = next(item for item in found if item.figure.startswith("change of the difference"))
    assert by_age.low > 0
