"""``brainage follow RESULTS.csv``."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.follow.tables import people_of_table
from Testing.library.cohort.made_results import row, write_table
from Testing.library.follow.made_people import OWN_ERROR, prediction, record


def test_a_table_follows_everybody_with_two_scans(brainage, tmp_path, model):
    rows = [
        row(1, 60.0, 61.0, session="1"),
        row(1, 62.5, 66.0, session="2"),
        row(2, 40.0, 41.0),
        row(3, 50.0, 50.0, session="1", scanner="A"),
        row(3, 51.5, 50.5, session="2", scanner="B"),
    ]
    table = write_table(rows, tmp_path / "results.csv")

    out = tmp_path / "out"
    done = brainage("follow", table, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "accelerat" not in done.out
    with (out / "changes.csv").open() as stream:
        first, third = csv.DictReader(stream)
    assert (first["id"], third["id"]) == ("sub-001", "sub-003")
    assert float(first["change_a_year"]) == pytest.approx(2.0)
    assert "differ in scanner: A, then B" in third["warnings"]
    not_held = "skull, scanner, plane, slice thickness (mm), pixel size (mm)"
    assert f"Not compared, since the table does not hold it: {not_held}" in first["warnings"]
    assert "but the warnings may explain it" in done.out


def test_a_table_says_what_was_found_and_what_is_left_out(brainage, tmp_path, model):
    rows = [
        row(1, 60.0, 61.0, session="1", verdict="warn", findings="noise;bias_field"),
        row(1, 62.5, 66.0, session="2"),
        row(1, 64.0, 70.0, session="3", verdict="refuse", findings="not_t1"),
    ]
    table = write_table(rows, tmp_path / "results.csv")

    out = tmp_path / "out"
    done = brainage("follow", table, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "1: Passed with warnings: noise, bias_field" in done.out
    assert "left out, 3: refused by the quality gate" in done.out


@pytest.mark.parametrize("is_of_batch", [True, False])
def test_records_beside_a_table_tell_what_it_does_not_hold(brainage, tmp_path, model, is_of_batch):
    rows = [row(1, 60.0, 61.0, session="1"), row(1, 62.0, 71.0, session="2")]
    table = write_table([each | {"path": "scans/t1.nii.gz"} for each in rows], tmp_path / "r.csv")
    if is_of_batch:
        (tmp_path / "batch.json").write_text("{}")
    for name, years, is_stripped in (("a", 61.0, False), ("b", 71.0, True)):
        made = prediction(years)
        own = replace(made.input, path="/data/scans/t1.nii.gz", brain_extracted=is_stripped)
        record(tmp_path / name, years, input=own)

    out = tmp_path / "out"
    done = brainage("follow", table, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    differ = "The scans differ in skull: whole head, then removed before."
    assert any(differ in text for text in said["warnings"]) is is_of_batch
    assert any("Not compared" in text for text in said["warnings"]) is not is_of_batch
    assert said["change"]["total_years"] == pytest.approx(10.0)
    assert [visit["age_years"] for visit in said["person"]["visits"]] == [60.0, 62.0]


def test_a_column_of_times_goes_before_ages(brainage, tmp_path, model):
    rows = [row(1, 60.0, 61.0, session=n, when=time) for n, time in (("1", "0"), ("2", "0.5"))]
    table = write_table(rows, tmp_path / "results.csv")

    out = tmp_path / "out"
    done = brainage("follow", table, "--time", "when", "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "accelerat" not in done.out
    document = json.loads((out / "follow.json").read_text())
    (said,) = document["people"]
    assert said["change"]["years"] == 0.5
    assert document["not_followed"] == []


def test_scans_of_one_time_in_a_table_are_told_what_applies_to_one(brainage, tmp_path, model):
    rows = [row(1, 60.0, 61.0, session="1"), row(1, 60.0, 63.0, session="2")]
    table = write_table(rows, tmp_path / "results.csv")

    done = brainage("follow", table, "--output", tmp_path / "out", *OWN_ERROR, *model)

    assert done.code == 2 and "of one time, as far as their ages tell" in done.err
    assert "--time COLUMN" in done.err and "--years" not in done.err


def test_ages_that_go_back_against_the_sessions_are_told_of(tmp_path):
    ages = {1: ((1, 70.2), (2, 69.5), (3, 71.1)), 2: ((1, 60.2), (2, 61.5))}
    rows = [row(n, age, 71.0, session=f"ses-{k}") for n in ages for k, age in ages[n]]

    (back, forth), _ = people_of_table(write_table(rows, tmp_path / "results.csv"))

    assert any("tell another order of the scans than their times" in one for one in back.notes)
    assert not any("order" in one for one in forth.notes)


def test_scans_have_no_years_in_a_table(brainage, tmp_path, model):
    table = write_table([row(1, 60.0, 61.0), row(1, 62.0, 63.0)], tmp_path / "results.csv")

    done = brainage(
        *("follow", table, "--years", "0", "1", "--output", tmp_path / "out", *OWN_ERROR, *model)
    )

    assert done.code == 2 and "--years is of scans, not of a RESULTS.csv" in done.err


@pytest.mark.parametrize(
    "option",
    [["--brain-extracted"], ["--in-template-space"], ["--series", "1"], ["--sequence", "T2w"]],
)
def test_what_says_how_scans_are_read_is_not_overlooked_for_a_table(brainage, tmp_path, option):
    table = write_table([row(1, 60.0, 61.0), row(1, 62.0, 64.0)], tmp_path / "results.csv")

    done = brainage("follow", table, "--output", tmp_path / "out", *option)

    assert done.code == 2 and f"{option[0]} is of scans, not of a RESULTS.csv" in done.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sex": "M"}, "since their sexes differ"),
        ({"path": "B/sub-001B/t1.nii.gz"}, "since the BIDS subjects in the names"),
        ({}, None),
    ],
)
def test_two_people_under_one_id_are_told_of(tmp_path, changes, words):
    rows = [row(1, 60.0, 61.0, session="1", sex="F", path="A/sub-001A/t1.nii.gz")]
    rows.append(rows[0] | {"session": "2", "age": 71.0, "gap_years": "", "brain_age_years": 63.0})
    rows[1] |= {"path": "A/sub-001A/later.nii.gz"} | changes

    ((person,), _) = people_of_table(write_table(rows, tmp_path / "results.csv"))

    said = [note for note in person.notes if "two people" in note]
    assert len(said) == bool(words) and all(words in note for note in said)


def test_a_scan_without_a_time_is_left_out(tmp_path):
    times = (("1", 60.0, "0"), ("2", 61.0, ""), ("3", 62.0, "2"))
    rows = [row(1, age, age, session=name, when=time) for name, age, time in times]

    ((person,), _) = people_of_table(write_table(rows, tmp_path / "results.csv"), "when")

    assert [visit.time_years for visit in person.visits] == [0.0, 2.0]
    assert "A scan of this person is left out, 2: no time." in person.notes


def test_times_in_months_are_refused(tmp_path):
    rows = [row(1, 60.0 + n, 60.0, session=str(n), when=12 * n) for n in range(3)]
    table = write_table(rows, tmp_path / "results.csv")

    with pytest.raises(InputError, match="line 3 of .* age does not grow as the time .*in years"):
        people_of_table(table, "when")


def test_scans_of_one_time_cost_nobody_else_a_result(brainage, tmp_path, model):
    rows = [row(n, 60.0, 61.0 + k, session=str(k)) for n in (1, 2) for k in (0, 1)]
    rows[3] |= {"age": 62.0, "gap_years": ""}
    table = write_table(rows, tmp_path / "results.csv")

    out = tmp_path / "out"
    done = brainage("follow", table, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "not followed: 1" in done.err and "sub-001" not in done.err
    with (out / "changes.csv").open() as stream:
        followed, left = csv.DictReader(stream)
    assert (followed["id"], left["id"], left["change_in_all"]) == ("sub-002", "sub-001", "")
    assert left["warnings"].startswith("Not followed: the scans of sub-001 are of one time")
    (said,) = json.loads((out / "follow.json").read_text())["not_followed"]
    assert said["name"] == "sub-001"
    assert "the scans of sub-001 are of one time" in (out / "report.html").read_text()


def test_times_that_cannot_be_cost_nobody_else_a_result(tmp_path):
    rows = [row(n, 60.0 + k, 61.0, session=str(k), when=k) for n in (1, 2) for k in (0, 2)]
    rows[1]["when"] = 24  # months

    people, (left,) = people_of_table(write_table(rows, tmp_path / "results.csv"), "when")

    assert [person.name for person in people] == ["sub-002"]
    assert left.name == "sub-001" and "line 3 of" in left.reason
    assert "age does not grow as the time" in left.reason
