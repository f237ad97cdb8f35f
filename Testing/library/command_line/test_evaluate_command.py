"""``brainage evaluate`` as people run it."""

from __future__ import annotations

import csv
import sys
import warnings

import pytest

from BrainAgeLib.records import NOTICE
from Testing.library.cohort.made_results import failed_row, healthy_rows, write_table

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
    rows = [entry | {"interval_covers": covers} for entry in healthy_rows(60, noise_years=2.0)]
    for entry in rows:  # all of them are inside: more than nine of ten
        both = entry["age"], entry["brain_age_years"]
        entry |= {"interval_low": min(both) - 1, "interval_high": max(both) + 1}
    table = write_table(rows, tmp_path / "results.csv")

    outcome = brainage("evaluate", table, "--output", tmp_path / "out")

    assert f"90 % interval, {covers} covers" in outcome.out
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert judged_by in html
    assert f"the coverage is not what is promised in: {breaks}" in html


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


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (3, "20 of 60 scans are of another sequence than T1"),
        (1, "All ages are of another sequence than T1"),
        (61, None),
    ],
)
def test_ages_of_other_sequences_are_told_first_and_change_no_figure(
    brainage, tmp_path, every, words
):
    plain = [entry | {"interval_covers": "any scanner"} for entry in healthy_rows(60)]
    rows = [
        entry | {"findings": "other_sequence" if number % every == every - 1 else "noise"}
        for number, entry in enumerate(plain)
    ]

    of_t1, told = (
        brainage("evaluate", write_table(each, tmp_path / "r.csv"), "--output", tmp_path / name)
        for name, each in (("plain", plain), ("told", rows))
    )

    first, *figures = told.out.splitlines()
    assert told.code == 0, told.err
    assert first.startswith("Read first: ") is (words is not None)
    numbers = [(tmp_path / name / "numbers.csv").read_bytes() for name in ("plain", "told")]
    assert numbers[0] == numbers[1]
    if words:
        assert words in first and "--sequence T1w, T2w or FLAIR" in first
        assert words in (tmp_path / "told" / "report.html").read_text("utf-8")
        assert figures[0] == of_t1.out.splitlines()[0]


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
