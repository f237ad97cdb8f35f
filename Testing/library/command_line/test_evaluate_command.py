"""``brainage evaluate`` as people run it."""

from __future__ import annotations

import csv
import re
import sys
import warnings

import pytest

from BrainAgeLib.records import NOTICE
from Testing.library.cohort.made_results import failed_row, healthy_rows, write_table
from Testing.library.cohort.made_results import row as made_row

TWENTY = healthy_rows(20)


@pytest.fixture
def table(tmp_path):
    return write_table([*healthy_rows(60), failed_row(99)], tmp_path / "results.csv")


def test_the_report_has_all_that_a_careful_reader_asks_for(brainage, table, tmp_path):
    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    assert "raw MAE" in outcome.out
    assert "MAE, predictor that knows nothing" in outcome.out
    assert "60, 1 scan left out: 1 failed" in outcome.out
    assert NOTICE in outcome.out
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    for words in ("Raw accuracy", "knows nothing", "Interval", "Exclusions", "failed", NOTICE):
        assert words in html
    first = html.partition("<h2>Raw accuracy</h2>")[2].partition("<table>")[0]
    assert re.search(r"In these 60 people the raw brain age is off by \d\.\d+ \(", first)
    assert re.search(r"The 90 % interval holds the age of \d\d of 60 people\.", first)
    with (tmp_path / "out" / "numbers.csv").open(encoding="utf-8") as stream:
        figures = {(row["subset"], row["figure"]) for row in csv.DictReader(stream)}
    assert {("everybody", "MAE"), ("sex F", "RMSE"), ("50s", "coverage")} <= figures


@pytest.mark.parametrize(
    ("covers", "judged_by", "breaks"),
    [("any scanner", "at least 90 %", "none"), ("this site", "neither fewer", "everybody")],
)
def test_an_interval_is_judged_by_the_scanners_that_it_speaks_of(
    brainage, tmp_path, covers, judged_by, breaks
):
    # So many that all of them are more than the 95 of 100 that a site far off has.
    rows = [entry | {"interval_covers": covers} for entry in healthy_rows(120, noise_years=2.0)]
    for entry in rows:  # all of them are inside: more than nine of ten
        both = entry["age"], entry["brain_age_years"]
        entry |= {"interval_low": min(both) - 1, "interval_high": max(both) + 1}
    table = write_table(rows, tmp_path / "results.csv")

    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert f"90 % interval, {covers} covers" in outcome.out
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert judged_by in html
    assert f"is not what is promised, by its exact 95 % interval: {breaks}" in html


@pytest.mark.parametrize("says", ["the age", "one number"])
def test_what_a_table_to_try_things_with_says(brainage, tmp_path, says):
    ages = range(30, 60)
    table = write_table(
        [made_row(age, age, age if says == "the age" else 50.0) for age in ages],
        tmp_path / "results.csv",
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert ("times the raw MAE" in html) is (says == "one number")


def test_patients_are_pointed_out_and_can_be_left_out(brainage, tmp_path):
    rows = [
        entry | {"group": "AD" if number % 3 == 0 else "CN"}
        for number, entry in enumerate(healthy_rows(60))
    ]
    table = write_table(rows, tmp_path / "results.csv")

    assert brainage("evaluate", table, "--output", tmp_path / "all").code == 0
    outcome = brainage("evaluate", table, "--output", tmp_path / "one", "--group", "CN")

    assert "several groups (AD, CN)" in (tmp_path / "all" / "report.html").read_text("utf-8")
    assert "several groups" not in (tmp_path / "one" / "report.html").read_text("utf-8")
    assert outcome.out.startswith(f"{'people':30}40,")
    assert brainage("evaluate", table, "--output", tmp_path / "x", "--group", "HC").code == 2


def others_of(numbers_csv):
    """Return people, MAE and coverage of each further sequence, by its name."""
    with numbers_csv.open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["analysis"] == "other sequences"]
    return {
        name: {row["figure"]: float(row["value"]) for row in rows if row["subset"] == name}
        | {"people": {int(row["people"]) for row in rows if row["subset"] == name}}
        for name in dict.fromkeys(row["subset"] for row in rows)
    }


@pytest.mark.parametrize("has_column", [True, False])
def test_figures_are_of_t1_and_other_sequences_have_their_own(brainage, tmp_path, has_column):
    plain = [entry | {"interval_covers": "any scanner"} for entry in healthy_rows(60)]
    flair = [  # of the same sessions, before the T1 in the table, and 20 years off
        entry | {"findings": "noise;other_sequence", "brain_age_years": entry["age"] + 20.0}
        | {"interval_low": entry["age"], "interval_high": entry["age"] + 40.0, "gap_years": 20.0}
        for entry in plain[:12]
    ]  # fmt: skip
    t2w = [flair[0] | {"session": "2", "id": "other", "brain_age_years": 30.0, "gap_years": ""}]
    names = {"FLAIR": flair, "T2w": t2w, "T1w": plain}
    rows = [
        entry | ({"sequence": name} if has_column else {})
        for name, some in names.items()
        for entry in some
    ]

    of_t1, told = (
        brainage("evaluate", write_table(each, tmp_path / "r.csv"), "--output", tmp_path / name)
        for name, each in (("plain", plain), ("told", rows))
    )

    assert told.code == 0, told.err
    first, *figures = told.out.splitlines()
    of_plain = of_t1.out.split("\nreport ")[0].splitlines()
    assert len(of_plain) > 9 and figures[: len(of_plain)] == of_plain
    numbers = [(tmp_path / name / "numbers.csv").read_text("utf-8") for name in ("plain", "told")]
    assert numbers[1].startswith(numbers[0])
    others = others_of(tmp_path / "told" / "numbers.csv")
    if has_column:
        assert first.startswith("Read first: ") and "(FLAIR: 12, T2w: 1)" in first
        assert set(others) == {"FLAIR", "T2w"}
        assert others["FLAIR"]["MAE"] == pytest.approx(20.0)
        assert (others["FLAIR"]["coverage"], others["FLAIR"]["people"]) == (1.0, {12})
        assert "MAE" not in others["T2w"] and others["T2w"]["people"] == {1}
        assert "MAE, FLAIR" in told.out and "20.00 (20.00 to 20.00), 12 people" in told.out
        page = (tmp_path / "told" / "report.html").read_text("utf-8")
        assert "Other sequences" in page and "Too few people for an error: T2w (1)" in page
    else:
        assert set(others) == {"another one than T1w"}
        assert "--sequence T1w, T2w or FLAIR" in first


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("FLAIR", "All figures are of FLAIR scans"),
        ("", "All ages are of another sequence than T1"),
    ],
)
def test_a_table_without_enough_t1_is_judged_by_what_it_holds(brainage, tmp_path, sequence, words):
    few, many = healthy_rows(6), healthy_rows(60)
    other = {"findings": "other_sequence", "sequence": sequence, "session": "2"}
    table = write_table([*few, *(entry | other for entry in many)], tmp_path / "results.csv")

    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    first, people, *_ = outcome.out.splitlines()
    assert words in first and "(T1w: 6)" in first
    assert people == f"{'people':30}60, 0 scans left out"
    assert others_of(tmp_path / "out" / "numbers.csv")["T1w"]["people"] == {6}


def test_sequences_are_not_put_together_to_be_enough(brainage, tmp_path):
    rows = healthy_rows(18)
    mixed = [
        entry | ({"findings": "other_sequence", "sequence": "T2w"} if number % 2 else {})
        for number, entry in enumerate(rows)
    ]
    outcome = brainage(
        "evaluate", write_table(mixed, tmp_path / "r.csv"), "--output", tmp_path / "out"
    )
    assert outcome.code == 2
    assert "has 9 people with an age and a brain age by T1w, too few" in outcome.err


def test_too_few_people(brainage, tmp_path):
    table = write_table(healthy_rows(9), tmp_path / "results.csv")

    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert outcome.code == 2
    assert "has 9 people" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_names_the_line_that_adds_it(brainage, table, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert outcome.code == 2
    assert 'pip install "slicerbrainage[cohort]"' in outcome.err


def test_a_table_that_lies_where_the_report_goes_is_refused(brainage, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    table = write_table(healthy_rows(20), out / "numbers.csv")
    before = table.read_bytes()

    outcome = brainage("evaluate", table, "--output", out)

    assert outcome.code == 2
    assert f"the table {table} lies where this run writes its numbers.csv" in outcome.err
    assert [path.name for path in out.iterdir()] == ["numbers.csv"]
    assert table.read_bytes() == before


def test_a_report_of_others_that_is_replaced_is_named_and_our_own_is_not(brainage, table, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("mine", "utf-8")

    first, second = (brainage("evaluate", table, "--output", out) for _ in range(2))

    assert first.err == f"brainage: warning: report.html in {out} was replaced\n"
    assert second.err == ""


def test_a_subgroup_of_three_has_no_interval_that_cannot_be_had(brainage, tmp_path):
    people = [entry | {"sex": "M" if number < 3 else "F"} for number, entry in enumerate(TWENTY)]
    table = write_table(people, tmp_path / "results.csv")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert (outcome.code, outcome.err) == (0, "")
    with (tmp_path / "out" / "numbers.csv").open(encoding="utf-8") as stream:
        men = {row["figure"]: row for row in csv.DictReader(stream) if row["subset"] == "sex M"}
    assert men["MAE"]["people"] == "3" and men["MAE"]["low"] and men["MAE"]["high"]
    assert men["R2"]["value"] and (men["R2"]["low"], men["R2"]["high"]) == ("", "")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "(too few for an interval)" in page and "(- to" not in page


def test_ages_of_two_models_are_told_before_the_figures(brainage, tmp_path):
    rows = [
        entry | {"model": f"small {3 + number % 2}"}
        for number, entry in enumerate(healthy_rows(20))
    ]
    table = write_table(rows, tmp_path / "results.csv")

    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert outcome.out.startswith("Read first: The ages come from 2 models (small 3, small 4)")
    assert "2 models (small 3, small 4)" in (tmp_path / "out" / "report.html").read_text("utf-8")
