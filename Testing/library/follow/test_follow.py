"""``brainage follow``: scans, records and tables."""

from __future__ import annotations

import csv
import json

import pytest

from BrainAgeLib.records import Finding, Quality
from Testing.library.cohort.made_results import row, write_table
from Testing.library.follow.made_people import OWN_ERROR, prediction, record
from Testing.library.phantoms import template_brain, thick_slices_of, write_volume
from Testing.library.scan.made_dicom import write_volume_series

OUTPUTS = ("report.html", "follow.json", "changes.csv")


def test_two_records_give_change_report_and_numbers(brainage, tmp_path, model):
    first, later = record(tmp_path / "a", 61.0, 60.5), record(tmp_path / "b", 64.0, 62.5)

    out = tmp_path / "out"
    done = brainage("follow", first, later / "prediction.json", "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "accelerat" not in done.out
    assert "Change of brain age: +1.5 years a year" in done.out
    assert "Not a medical device" in done.out
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["change"]["a_year"] == pytest.approx(1.5)
    assert said["change"]["smallest_total_years"] == pytest.approx(2.77, abs=0.01)
    assert "Research use only" in (out / "report.html").read_text("utf-8")


def test_scans_are_predicted_and_the_map_of_the_change_is_shown(brainage, tmp_path, small_model):
    scans = [
        write_volume(thick_slices_of(template_brain()), tmp_path / f"{n}.nii.gz") for n in "ab"
    ]

    out = tmp_path / "out"
    done = brainage(
        *("follow", *scans, "--output", out, "--brain-extracted", "--model", small_model),
        *("--years", "0", "1.5", *OWN_ERROR),
    )

    assert done.code == 0, done.err
    assert "accelerat" not in done.out
    assert (out / "scan-2" / "prediction.json").is_file()
    assert (out / "saliency_change.nii.gz").is_file()
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["change"]["total_years"] == pytest.approx(0.0, abs=1e-4)  # the same scan
    assert said["change"]["years"] == 1.5


def test_the_days_of_dicom_headers_tell_the_time(brainage, tmp_path, small_model):
    brain = thick_slices_of(template_brain())
    days = {"later": "20220301", "first": "20200301"}
    scans = [
        write_volume_series(tmp_path / name, brain, StudyDate=day, PatientAge="061Y",
                            Manufacturer="Maker", ManufacturerModelName=name,
                            PatientID=f"ID-of-{name}")
        for name, day in days.items()
    ]  # fmt: skip

    out = tmp_path / "out"
    done = brainage(
        *("follow", *scans, "--output", out, "--in-template-space", "--model", small_model),
        *("--no-saliency", *OWN_ERROR),
    )

    assert done.code == 0, done.err
    assert "accelerat" not in done.out
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["change"]["years"] == pytest.approx(2.0, abs=0.01)
    assert [visit["name"] for visit in said["person"]["visits"]] == ["2: first", "1: later"]
    assert any("scanner: Maker first, then Maker later" in text for text in said["warnings"])
    assert any("since the patient IDs of their headers differ" in text for text in said["warnings"])
    for text in (done.out, *((out / each).read_text("utf-8") for each in OUTPUTS)):
        assert "ID-of-" not in text
    assert "2020" not in (out / "follow.json").read_text()  # no date is written
    assert "2020" not in (out / "report.html").read_text("utf-8")


def test_what_the_gate_found_in_each_scan_is_said(brainage, tmp_path, model):
    noisy = Finding("noise", "warn", "The scan is noisy.", 0.2, 0.1)
    note = Finding("padding", "note", "Empty rows were cut off.", None, None)
    later = {"quality": Quality((note, noisy))}
    folders = record(tmp_path / "a", 61.0, 60.5), record(tmp_path / "b", 64.0, 62.5, **later)

    out = tmp_path / "out"
    done = brainage("follow", *folders, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "2: b: Warning: The scan is noisy." in done.out and "Empty rows" not in done.out
    assert "so the true error is larger" in done.out
    page = (out / "report.html").read_text("utf-8")
    assert "What the quality check found" in page and "The scan is noisy." in page
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["person"]["visits"][1]["findings"] == [
        {"severity": "warn", "text": "Warning: The scan is noisy."}
    ]


def test_scans_days_apart_have_no_rate_in_any_output(brainage, tmp_path, model):
    first, later = record(tmp_path / "a", 66.0), record(tmp_path / "b", 61.0)

    out = tmp_path / "out"
    call = ("follow", first, later, "--years", "0", "0.0192", "--output", out)
    done = brainage(*call, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "Change of brain age: -5.0 years (" in done.out and "260" not in done.out
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["change"]["a_year"] is None
    assert said["change"]["total_years"] == pytest.approx(-5.0)
    with (out / "changes.csv").open() as stream:
        (line,) = csv.DictReader(stream)
    assert (line["change_a_year"], line["change_in_all"]) == ("", "-5.0000")


@pytest.mark.parametrize(
    ("names", "is_told"),
    [
        (("sub-ms01_T1w", "sub-ms02_T1w"), True),
        (("sub-ms01/ses-1", "sub-ms02/ses-1"), True),
        (("sub-ms01/ses-1", "sub-MS01/ses-2"), False),
        (("sub-ms01_ses-1_T1w", "later"), False),
    ],
)
def test_subjects_that_differ_are_warned_of(brainage, tmp_path, model, names, is_told):
    (tmp_path / "of").mkdir()  # the names of temporary folders say nothing
    for name in names:
        (tmp_path / "of" / name).parent.mkdir(exist_ok=True)
    folders = [record(tmp_path / "of" / name, 61.0 + n, 60.5 + n) for n, name in enumerate(names)]

    out = tmp_path / "out"
    done = brainage("follow", *folders, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    words = "These may be scans of two people, since the BIDS subjects"
    for said in (done.out, *((out / each).read_text("utf-8") for each in OUTPUTS)):
        assert (words in said) is is_told
        assert "/" in names[0] or not is_told or "sub-ms01_T1w" in said
        assert "/" not in names[0] or "ms01" not in said.lower()


def test_patient_ids_that_differ_are_warned_of_and_not_written(brainage, tmp_path, model):
    ids = ("P-4711", "P-0815")
    folders = [
        record(tmp_path / f"{n}", 61.0 + n, 60.5 + n, identifiers={"patient_id": one})
        for n, one in enumerate(ids)
    ]

    out = tmp_path / "out"
    done = brainage("follow", *folders, "--output", out, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    for said in (done.out, *((out / each).read_text("utf-8") for each in OUTPUTS)):
        assert "since the patient IDs of their headers differ: 1: 0, 2: 1." in said
        assert not any(one in said for one in ids)


def test_times_that_nothing_tells_are_asked_for_before_the_work(brainage, tmp_path, model):
    scan = write_volume(thick_slices_of(template_brain()), tmp_path / "t1.nii.gz")
    out = tmp_path / "out"

    done = brainage("follow", scan, scan, "--output", out, *OWN_ERROR, *model)

    assert done.code == 2 and "neither a date nor an age" in done.err
    assert not out.exists()  # no scan was predicted


@pytest.mark.parametrize(
    ("ages", "options", "words"),
    [
        ((60.0,), (), "a single scan"),
        ((60.0, 60.0), (), "of one time, as far as their ages tell"),
        ((60.0, 61.0), ("--years", "0", "0"), "as far as the years that were given tell"),
        ((60.0, 61.0), ("--years", "0", "200"), "200 years apart, longer than a life"),
        ((60.0, 61.0), ("--time", "when"), "--time is a column of a RESULTS.csv"),
        ((60.0, None), (), "neither a date nor an age"),
        ((60.0, 61.0), ("--years", "0"), "2 scans have 1 times"),
        ((60.0, 61.0), ("--years", "0", "nan"), "is no number"),
        ((60.0, 61.0), ("--ages", "60"), "2 scans have 1 ages"),
        ((60.0, 61.0), ("--scan-error", "-1"), "cannot be -1"),
    ],
)
def test_what_cannot_be_followed_is_said_in_a_line(brainage, tmp_path, model, ages, options, words):
    folders = [record(tmp_path / str(n), 61.0, age) for n, age in enumerate(ages)]

    done = brainage(
        *("follow", *folders, "--output", tmp_path / "out", *OWN_ERROR, *model, *options)
    )

    assert done.code == 2 and words in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--ages", "--years"])
def test_a_scan_behind_an_option_of_several_numbers_is_said_to_be_one(brainage, tmp_path, option):
    record(tmp_path / "a", 61.0, 60.0)

    done = brainage("follow", option, "60", "61", tmp_path / "a", "--output", tmp_path / "out")

    assert done.code == 2 and len(done.err.splitlines()) == 1
    assert "is no number of years; a scan goes before this option" in done.err


def test_given_ages_go_before_those_of_records(brainage, tmp_path, model):
    folders = [record(tmp_path / str(n), 61.0 + n, age) for n, age in enumerate((60.0, None))]

    out = tmp_path / "out"
    done = brainage(
        *("follow", *folders, "--ages", "30.2", "32.7", "--output", out, *OWN_ERROR, *model)
    )

    assert done.code == 0, done.err
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["change"]["years"] == pytest.approx(2.5)
    assert [visit["age_years"] for visit in said["person"]["visits"]] == [30.2, 32.7]


def test_the_same_scan_twice_is_told(brainage, tmp_path, model):
    made = prediction(61.0, 60.2)
    records = [record(tmp_path / n, 61.0, 60.2, input=made.input) for n in ("early", "again")]

    out = tmp_path / "out"
    call = ("follow", *records, "--years", "2", "0", "--output", out)
    done = brainage(*call, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    assert "Warning: 1: early and 2: again are the same scan (the same file)" in done.out
    assert "the same scan" in (out / "report.html").read_text("utf-8")
    scans = [line for line in done.out.splitlines() if line.startswith("  after")]
    assert [line.split("(")[1] for line in scans] == ["2: again)", "1: early)"]


def test_a_model_whose_error_nobody_measured_asks_for_one(brainage, tmp_path, model):
    folders = [record(tmp_path / name, 61.0, age) for name, age in (("a", 60.1), ("b", 61.2))]

    done = brainage("follow", *folders, "--output", tmp_path / "out", *model)

    assert done.code == 2 and "--scan-error YEARS" in done.err


def test_inputs_that_lie_where_the_run_writes_are_refused(brainage, tmp_path, model):
    out = tmp_path / "out"
    rows = [row(1, 60.0, 61.0, session="1"), row(1, 62.5, 66.0, session="2")]
    out.mkdir()
    table = write_table(rows, out / "changes.csv")
    before = table.read_bytes()
    earlier = record(out / "scan-1", 61.0)  # where the other scan's outputs go
    scan = write_volume(thick_slices_of(template_brain()), tmp_path / "a.nii.gz")

    of_table = brainage("follow", table, "--output", out, *OWN_ERROR, *model)
    of_record = brainage("follow", scan, earlier, "--output", out, *OWN_ERROR, *model)

    assert (of_table.code, of_record.code) == (2, 2)
    assert f"the input {table} lies where this run writes its changes.csv" in of_table.err
    assert "lies where this run writes its prediction.json" in of_record.err
    assert table.read_bytes() == before and (earlier / "prediction.json").is_file()


def test_a_report_of_others_that_goes_is_named(brainage, tmp_path, model):
    first, later = record(tmp_path / "a", 61.0, 60.5), record(tmp_path / "b", 64.0, 62.5)
    (first / "report.html").write_text("of one scan", "utf-8")
    call = ("follow", first, later, "--output", first, *OWN_ERROR, *model)

    done, again = brainage(*call), brainage(*call)

    assert (done.code, again.code) == (0, 0)
    assert f"warning: report.html in {first} was replaced\n" in done.err
    assert "replaced" not in again.err
