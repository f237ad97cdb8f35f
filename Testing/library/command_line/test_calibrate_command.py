"""``brainage calibrate`` and ``predict --site`` as people run them."""

from __future__ import annotations

import json

import pytest

from BrainAgeLib.records import NOTICE
from Testing.library.cohort.made_results import failed_row, healthy_rows, row, write_table


@pytest.fixture
def calibrate(brainage, small_model, tmp_path):
    """Return the command on a table of people who are all much older-looking."""

    def call(*options, people=40):
        table = write_table(
            healthy_rows(people, shift_years=6.0, noise_years=4.0), tmp_path / "results.csv"
        )
        output = tmp_path / "clinic.json"
        common = ("--output", output, "--model", small_model)
        return brainage("calibrate", table, *common, *options), output

    return call


def test_a_calibration_says_what_it_found_and_warns_about_ages(calibrate):
    outcome, output = calibrate()

    assert outcome.code == 0, outcome.err
    assert "offset" in outcome.out
    assert "95 % interval" in outcome.out
    assert NOTICE in outcome.out
    assert "does not cover 20 to 88" in outcome.err
    document = json.loads(output.read_text("utf-8"))
    assert document["site"] == "clinic"
    assert document["notice"] == NOTICE
    assert document["people"] == 40


def test_ages_that_are_covered_are_not_warned_about(calibrate):
    (said,) = calibrate("--ages", 30, 75)[0].err.splitlines()

    assert "whether the scans came without their skull is not known" in said


@pytest.mark.parametrize("ages", [(75, 30), ("nan", 80), (50, 50)])
def test_ages_that_cannot_be_meant_are_refused(calibrate, ages):
    outcome, output = calibrate("--ages", *ages)

    assert outcome.code == 2
    assert "cannot be (give --ages LOW HIGH" in outcome.err
    assert not output.exists()


def test_who_is_left_out_is_told(brainage, small_model, tmp_path):
    rows = [*healthy_rows(40), failed_row(41), *(row(0, 20.0, 30.0, path=f"{n}") for n in "ab")]
    rows[-1] |= {"session": "2", "age": 22.0, "gap_years": 8.0}
    table = write_table(rows, tmp_path / "r.csv")

    outcome = brainage("calibrate", table, "--output", tmp_path / "a.json", "--model", small_model)

    assert "people      40, 20.0 to 80.0 years" in outcome.out
    for words in ("3 scans left out: ", "1 failed", "1 another scan of this", "1 a later scan of"):
        assert words in outcome.out


def test_scans_of_other_sequences_are_left_out_and_counted(brainage, small_model, tmp_path):
    rows = healthy_rows(40)
    others = [one | {"session": "2", "findings": "other_sequence"} for one in rows[:3]]
    call = ("--output", tmp_path / "clinic.json", "--model", small_model)

    alone = brainage("calibrate", write_table(rows, tmp_path / "t1.csv"), *call)
    mixed = brainage("calibrate", write_table([*others, *rows], tmp_path / "r.csv"), *call)

    assert mixed.code == 0, mixed.err
    told = " " * 12 + "3 scans left out: 3 of another sequence than plain T1\n"
    assert told in mixed.out and mixed.out.replace(told, "") == alone.out
    assert "3 scans of another sequence than plain T1 left out: a site calibration" in mixed.err
    assert "another sequence" not in alone.err


@pytest.mark.parametrize("option", [(), ("--group", "CN")])
def test_people_of_other_sequences_alone_are_no_calibration(
    brainage, small_model, tmp_path, option
):
    rows = [one | {"findings": "other_sequence", "group": "CN"} for one in healthy_rows(40)]
    if option:  # patients have a T1, and some have none: they do not count here
        rows += [one | {"id": f"ad{n}", "group": "AD"} for n, one in enumerate(rows[:2])]
        rows[-1]["findings"] = ""
    table, output = write_table(rows, tmp_path / "results.csv"), tmp_path / "clinic.json"

    outcome = brainage("calibrate", table, "--output", output, "--model", small_model, *option)

    assert outcome.code == 2 and outcome.err.count("\n") == 1
    assert "has 0 people with a T1 scan" in outcome.err
    assert "(40 scans of another sequence than plain T1 left out)" in outcome.err
    assert not output.exists()


def test_too_few_people_need_force(calibrate):
    outcome, output = calibrate(people=12)
    assert outcome.code == 2
    assert "--force" in outcome.err
    assert not output.exists()

    outcome, output = calibrate("--force", people=12)
    assert outcome.code == 0
    assert "too few to rely on" in outcome.err


def test_a_site_changes_the_corrected_gap_and_the_interval_and_nothing_else(
    calibrate, brainage, fast, tmp_path
):
    _, site = calibrate()
    person = ("--age", 50)
    assert brainage(*fast, *person, "--output", tmp_path / "a").code == 0
    assert brainage(*fast, *person, "--output", tmp_path / "b", "--site", site).code == 0

    plain, local = (
        json.loads((tmp_path / name / "prediction.json").read_text("utf-8")) for name in "ab"
    )

    assert local["correction"]["site"] == "clinic"
    assert local["correction"]["people"] == 40
    assert plain["correction"]["site"] is None
    assert local["corrected_gap_years"] < plain["corrected_gap_years"] - 2
    assert local["interval_covers"] == "this site"
    # Around the raw age, and wide enough for the years that people of this site are off.
    low, high = local["interval_years"]
    assert low + high == pytest.approx(2 * local["brain_age_years"], abs=1e-3)
    for name in ("brain_age_years", "gap_years", "gap_percentile", "quality"):
        assert local[name] == plain[name]


def test_outside_the_sites_ages_there_is_a_warning_and_no_corrected_gap(
    calibrate, brainage, fast, tmp_path
):
    _, site = calibrate()

    outcome = brainage(*fast, "--age", 19, "--output", tmp_path / "a", "--site", site)

    assert outcome.code == 0
    found = json.loads((tmp_path / "a" / "prediction.json").read_text("utf-8"))
    assert found["corrected_gap_years"] is None
    assert found["correction"] is None
    assert (
        "Corrected gap      none, the site calibration was fitted on people of 20 to" in outcome.out
    )
    assert "site_age_range" in {item["code"] for item in found["quality"]["findings"]}


def test_a_damaged_file_is_a_usage_error(brainage, fast, tmp_path):
    (tmp_path / "site.json").write_text("[]")

    outcome = brainage(*fast, "--output", tmp_path / "a", "--site", tmp_path / "site.json")

    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "is no site calibration" in outcome.err


def test_another_file_of_ours_is_no_site_calibration(brainage, fast, tmp_path):
    assert brainage(*fast, "--output", tmp_path / "a").code == 0

    other = tmp_path / "a" / "prediction.json"
    outcome = brainage(*fast, "--output", tmp_path / "b", "--site", other)

    assert outcome.code == 2
    assert f"{other} is no site calibration of brainage calibrate (give" in outcome.err
    assert "quality" not in outcome.err


def test_no_correction_that_was_asked_for_is_said(brainage, fast, tmp_path):
    asked = ("--age", 50, "--correction", "none")
    outcome = brainage(
        *[part for part in fast if part != "--no-report"], *asked, "--output", tmp_path
    )

    assert outcome.code == 0
    assert "Corrected gap      none, no correction was asked for\n" in outcome.out
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "no correction was asked for" in page and "none is fitted on" not in page


def test_no_correction_and_a_site_exclude_each_other(brainage, fast, tmp_path):
    outcome = brainage(
        *fast, "--output", tmp_path / "a", "--site", "x.json", "--correction", "none"
    )

    assert outcome.code == 2
    assert "leave out one" in outcome.err


def test_a_table_is_not_replaced_by_its_calibration(brainage, small_model, tmp_path):
    table = write_table(healthy_rows(40), tmp_path / "results.csv")
    before = table.read_bytes()

    outcome = brainage("calibrate", table, "--output", table, "--model", small_model)

    assert outcome.code == 2
    assert f"the table {table} lies where this run writes its results.csv" in outcome.err
    assert "choose another output file" in outcome.err
    assert table.read_bytes() == before
