"""What was asked for and cannot be told has a sentence."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.areas import ADDED, NOT_TOLD
from BrainAgeLib.cohort.cohort_data import Plan
from BrainAgeLib.cohort.report import NOBODY_CAME_BACK, cohort_report
from Testing.library.cohort.made_results import healthy_rows, row, write_table


def words(tmp_path, plan, **columns):
    """Return all sentences of the report on two groups; a column's values are the groups'."""
    rows = [
        entry
        | {"group": "ab"[n // 2 % 2]}
        | {name: values[n // 2 % 2] for name, values in columns.items()}
        for n, entry in enumerate(healthy_rows(40))
    ]
    report = cohort_report(write_table(rows, tmp_path / "results.csv"), plan)
    return " ".join(part for one in report.sections for part in one.parts if isinstance(part, str))


@pytest.mark.parametrize("volumes", [(0.5, 0.9), (0.7, 0.7)])
def test_a_measure_that_tells_all_or_nothing(tmp_path, volumes):
    said = words(tmp_path, Plan(measures=("volume",)), volume=volumes)

    assert f"b against a, volume: {NOT_TOLD}" in said
    assert ADDED not in said


def test_a_score_where_nobody_came_back(tmp_path):
    assert NOBODY_CAME_BACK in words(tmp_path, Plan(score="mmse"), mmse=(28, 27))


def test_a_reference_group_of_men_alone(tmp_path):
    rows = [entry | {"group": "ab"[n // 2 % 2]} for n, entry in enumerate(healthy_rows(40))]
    rows = [entry | ({"sex": "M"} if entry["group"] == "a" else {}) for entry in rows]

    report = cohort_report(write_table(rows, tmp_path / "results.csv"), Plan())

    parts = next(one.parts for one in report.sections if one.title.startswith("How well"))
    assert any(str(part).startswith("b against a: not adjusted for sex M") for part in parts)


def test_gaps_that_do_not_scatter_give_no_figures(tmp_path):
    rows = [
        row(n, 60.1 + n / 3 + k, 62.1 + n / 3 + k, session=str(k), group="ab"[n // 2 % 2])
        for n in range(24)
        for k in (0, 1)
    ]
    rows = [entry | {"gap_years": "", "corrected_gap_years": 2.0} for entry in rows]

    report = cohort_report(write_table(rows, tmp_path / "results.csv"), Plan())

    assert {item.analysis for item in report.estimates} <= {"missing data"}
    assert "do not scatter" in report.not_compared


def test_patients_of_one_age_tell_no_change_with_age(tmp_path, recwarn):
    rows = [
        entry | {"group": "ab"[n // 2 % 2], "gap_years": ""}
        for n, entry in enumerate(healthy_rows(40))
    ]
    rows = [entry | ({"age": 70.0} if entry["group"] == "b" else {}) for entry in rows]

    report = cohort_report(write_table(rows, tmp_path / "results.csv"), Plan())

    assert any(item.figure == "adjusted difference" for item in report.estimates)
    assert not [item for item in report.estimates if "per year of age" in item.figure]
    assert not [one for one in recwarn if "rank" in str(one.message)]


def test_areas_of_few_controls_are_said_to_lean_to_a_half(tmp_path):
    rows = [entry | {"group": "ab"[n > 5]} for n, entry in enumerate(healthy_rows(14))]

    report = cohort_report(write_table(rows, tmp_path / "results.csv"), Plan())

    parts = next(one.parts for one in report.sections if one.title.startswith("How well"))
    assert any("adjusted areas lean to 0.5: they show about" in str(part) for part in parts)
    assert "lean to 0.5" not in words(tmp_path, Plan())
