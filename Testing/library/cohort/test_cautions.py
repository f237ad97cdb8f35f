"""What of a table can make a difference of its own is said; what is missing is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.cohort.cautions import (
    cautions,
    drop_out,
    excluded_by_group,
    far_codes,
    missing_values,
    visit_counts,
)
from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
from BrainAgeLib.cohort.table import Exclusion
from Testing.library.cohort.made_results import failed_row, healthy_rows, write_table


def said(tmp_path, plan=None, extra=(), **columns):
    """Return what is said of two groups; a column's value is that of the groups in turn."""
    rows = [
        entry | {"group": "ab"[n % 2]} | {name: value[n % 2] for name, value in columns.items()}
        for n, entry in enumerate(healthy_rows(20))
    ]
    table = write_table([*rows, *extra], tmp_path / "results.csv")
    return " ".join(cautions(read_cohort(table, plan or Plan())))


def test_nothing_is_said_of_a_good_table(tmp_path):
    assert said(tmp_path, sex="FF") == ""


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"model": ("one 1", "two 1")}, "come from 2 models (one 1, two 1)"),
        ({"slice_spacing_mm": (5.0, 6.5)}, "(medians: a 5.0 mm, b 6.5 mm)"),
        ({"Scanner": ("x", "y")}, "The column Scanner has 2 values and is no covariate"),
        ({"sex": ("", "")}, "No sex is known"),
        (
            {"findings": ("noise;other_sequence", "noise")},
            "10 of 20 scans (a 10 of 10, b 0 of 10) are of another sequence than T1",
        ),
        ({"findings": ("other_sequence",) * 2}, "All ages are of another sequence than T1"),
    ],
)
def test_what_can_make_a_difference_is_said(tmp_path, columns, words):
    assert words in said(tmp_path, **columns)


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([8, 9, 12, 18, 999], [999]),
        ([0, 1, 1, 0, 9], [9]),
        ([1410.5, 1502.1, -1], [-1]),
        ([28, 30, 24, -9, -4, 99], [-9, -4, 99]),
        ([8, 9, 12, 18], []),
        ([0, 1, -1], []),
        ([1, -1, 1, -1], []),
        ([0, 3, 5, 9], []),
        ([90, 96, 99], []),
        ([9, 9], []),
    ],
)
def test_numbers_that_may_stand_for_not_known(values, codes):
    assert far_codes(np.array(values, float)) == codes


def test_such_numbers_and_many_empty_cells_are_told(tmp_path):
    plan = Plan(covariates=("education",), measures=("volume",))

    words = said(tmp_path, plan, sex="FF", education=(12.5, 999), volume=(1450.5, -1))

    assert "10 cells of the column education hold 999, far from all others" in words
    assert "10 cells of the column volume hold -1" in words
    lacking = said(tmp_path, Plan(covariates=("hand",)), sex="FF", hand=("left", "unknown"))
    assert "The covariate hand is not known of 10 of 20 people, who are left out" in lacking


def test_a_covariate_is_not_asked_for_again(tmp_path):
    plan = Plan(covariates=("slice_spacing_mm", "model"))

    words = said(tmp_path, plan, slice_spacing_mm=(5.0, 6.5), model=("one 1", "two 1"))

    assert "slice spacing" not in words
    assert "2 models" not in words


def test_a_constant_covariate_and_numbers_that_may_be_names(tmp_path):
    rows = [entry | {"group": "ab"[n % 2]} for n, entry in enumerate(healthy_rows(20))]
    rows = [entry | {"site": n % 3, "dose": 1} for n, entry in enumerate(rows)]
    table = write_table(rows, tmp_path / "results.csv")

    words = " ".join(cautions(read_cohort(table, Plan(covariates=("site", "dose")))))

    assert "site is taken as a number (3 values)" in words
    assert "dose has one value alone" in words


def test_a_category_of_many_values(tmp_path):
    rows = [
        entry | {"group": "ab"[n % 2], "site": f"s{n}"} for n, entry in enumerate(healthy_rows(20))
    ]
    table = write_table(rows, tmp_path / "results.csv")

    words = " ".join(cautions(read_cohort(table, Plan(covariates=("site",)))))

    assert "site is taken as a category of 20 values" in words


def test_a_group_that_was_lost_is_named(tmp_path):
    assert "No scan of the group MCI" in said(tmp_path, extra=[failed_row(99) | {"group": "MCI"}])


def test_missing_values_by_group(cohort):
    first = cohort.first.copy()
    patients = first.index[first["group"] == "patient"]
    first.loc[patients[:3], "sex"] = ""
    first.loc[patients[:2], "volume"] = float("nan")

    rows = {name: counts for name, *counts in missing_values(replace(cohort, first=first))}

    assert rows["sex"] == ["0 of 60", "3 of 60"]
    assert rows["volume"] == ["0 of 60", "2 of 60"]
    assert rows["score"] == ["0 of 60", "0 of 60"]


def test_a_covariate_that_says_na_is_missing(cohort):
    sites = ["NA", "n/a", "", "A", "B", "B"] * 20
    plan = replace(cohort.plan, covariates=("site",))

    rows = missing_values(replace(cohort, first=cohort.first.assign(site=sites), plan=plan))

    counts = next(counts for name, *counts in rows if name == "site")
    assert sum(int(text.split()[0]) for text in counts) == 60


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

    (difference,) = drop_out(replace(cohort, visits=visits))

    assert difference.high < 0  # those with large gaps stayed away
    assert difference.people == 120


def test_nobody_dropped_out(cohort):
    assert drop_out(cohort) == []


def test_the_interval_goes_with_the_p_value(cohort):
    some = set(cohort.first["person"][::3])
    visits = cohort.visits[~(cohort.visits["person"].isin(some) & (cohort.visits["years"] > 0))]

    (difference,) = drop_out(replace(cohort, visits=visits))

    assert (difference.p < 0.05) == (difference.low > 0 or difference.high < 0)
    assert difference.value == pytest.approx((difference.low + difference.high) / 2)
