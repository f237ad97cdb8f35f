"""What of a table can make a difference of its own is said before the figures."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.cautions import cautions
from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
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
    ],
)
def test_what_can_make_a_difference_is_said(tmp_path, columns, words):
    assert words in said(tmp_path, **columns)


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


def test_a_group_that_was_lost_is_named(tmp_path):
    assert "No scan of the group MCI" in said(tmp_path, extra=[failed_row(99) | {"group": "MCI"}])
