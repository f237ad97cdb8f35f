"""What is missing is counted, and those who did not come back are compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.cohort.missing import (
    drop_out,
    excluded_by_group,
    missing_values,
    visit_counts,
)
from BrainAgeLib.cohort.table import Exclusion


def test_missing_values_by_group(cohort):
    first = cohort.first.copy()
    patients = first.index[first["group"] == "patient"]
    first.loc[patients[:3], "sex"] = ""
    first.loc[patients[:2], "volume"] = float("nan")

    rows = {name: counts for name, *counts in missing_values(replace(cohort, first=first))}

    assert rows["sex"] == ["0 of 60", "3 of 60"]
    assert rows["volume"] == ["0 of 60", "2 of 60"]
    assert rows["score"] == ["0 of 60", "0 of 60"]


def test_exclusions_by_group(cohort):
    left_out = (
        Exclusion(2, "a", "1", "failed: damaged", "patient"),
        Exclusion(3, "b", "1", "failed: no file", "patient"),
        Exclusion(4, "c", "1", "refused by the quality gate", "control"),
        Exclusion(5, "d", "1", "no group", ""),
    )

    assert excluded_by_group(replace(cohort, exclusions=left_out)) == [
        ["failed", "0", "2"],
        ["refused by the quality gate", "1", "0"],
        ["analysed", "240", "240"],
    ]


def test_visits_by_group(cohort):
    assert visit_counts(cohort)[0] == ["1 or more", "60", "60"]
    assert visit_counts(cohort)[-1] == ["4 or more", "60", "60"]


def test_people_who_came_back_are_compared_with_the_others(cohort):
    large = set(cohort.first.nlargest(40, "gap_years")["person"])
    visits = cohort.visits[~(cohort.visits["person"].isin(large) & (cohort.visits["years"] > 0))]

    (found,) = drop_out(replace(cohort, visits=visits))

    assert found.high < 0  # those with large gaps stayed away
    assert found.people == 120


def test_nobody_dropped_out(cohort):
    assert drop_out(cohort) == []


def test_the_interval_goes_with_the_p_value(cohort):
    some = set(cohort.first["person"][::3])
    visits = cohort.visits[~(cohort.visits["person"].isin(some) & (cohort.visits["years"] > 0))]

    (found,) = drop_out(replace(cohort, visits=visits))

    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    assert found.value == pytest.approx((found.low + found.high) / 2)
