"""``brainage batch`` as users script against it: exit codes, files, events, kill -9."""

from __future__ import annotations

import csv
import json
import os
import signal
import time

import pytest

from Testing.library.batch.made_batches import copies
from Testing.library.commands import start_brainage
from Testing.library.scan.made_dicom import write_volume_series

SCANS = 6


@pytest.fixture
def quick(brain_file, small_model, tmp_path):
    """Return the arguments of a batch that takes no time."""
    return [
        *(
            "batch",
            copies(brain_file, tmp_path, SCANS - 1),
            "--in-template-space",
            "--threads",
            "1",
        ),
        *("--model", small_model, "--no-saliency", "--no-report"),
    ]


def rows_in(folder):
    """Return the lines of a table, without what differs between any two runs."""
    with (folder / "results.csv").open(newline="") as lines:
        return [row | {"seconds": None} for row in csv.DictReader(lines)]


def test_a_batch_with_a_failure_is_5(brainage, quick, tmp_path):
    outcome = brainage(*quick, "--output", tmp_path / "out", "--workers", "2")

    assert outcome.code == 5, outcome.err
    assert outcome.out.startswith(
        f"{SCANS} scans: {SCANS - 1} with a brain age, 0 refused, 1 failed\n"
    )
    assert "Research use only." in outcome.out
    assert "p3 and p4 are the same scan, file for file: " in outcome.out
    assert f"take it for {SCANS - 1} scans." in outcome.out
    assert f"{SCANS} of {SCANS} scans, 1 without an age" in outcome.err
    assert [row["exit_code"] for row in rows_in(tmp_path / "out")] == ["0", "2", "0", "0", "0", "0"]


def test_who_is_quiet_hears_of_the_failure_alone(brainage, quick, tmp_path):
    outcome = brainage(*quick, "--output", tmp_path / "out", "--quiet")

    (line,) = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (5, "")
    assert "broken.nii.gz is not a medical image" in line


def test_a_row_whose_age_makes_no_sense_is_named_with_its_reason(brainage, quick, tmp_path):
    quick[1].write_text("path,age,sex\nscan-0.nii.gz,60,X\nscan-1.nii.gz,elderly,F\n")

    outcome = brainage(*quick, "--output", tmp_path / "out")

    assert outcome.code == 5 and "1 with a brain age, 0 refused, 1 failed" in outcome.out
    (line,) = [line for line in outcome.err.splitlines() if "scan-1.nii.gz" in line]
    assert "elderly" in line
    assert "a sex that is neither F nor M, or is both, is left empty: 1 row of" in outcome.err


def test_events_and_0_when_every_scan_has_an_age(brainage, quick, tmp_path):
    table = quick[1]
    table.write_text("path,id,session\nscan-0.nii.gz,p1,\nscan-1.nii.gz,p2,v1\n")

    outcome = brainage(*quick, "--output", tmp_path / "out", "--json-lines")

    scan, _, result = (json.loads(line) for line in outcome.out.splitlines())
    assert outcome.code == 0
    assert (scan["event"], scan["path"], scan["exit_code"]) == ("scan", "scan-0.nii.gz", 0)
    assert (scan["done"], scan["count"]) == (1, 2)
    assert result == {
        "event": "result",
        "path": str(tmp_path / "out" / "results.csv"),
        "scans": 2,
        "without_age": 0,
        "same_scans": [["p1", "p2 v1"]],
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--workers", "0"], "0 workers cannot work"),
        (["--workers", "2", "--dask", "tcp://x"], "not allowed with"),
        (["--age", "400"], "an age of 400 years cannot be"),
        (["--device", "cuda:99"], "cuda:99"),
    ],
)
def test_usage_errors_are_2(brainage, quick, tmp_path, arguments, complaint):
    outcome = brainage(*quick, "--output", tmp_path / "out", *arguments)

    assert outcome.code == 2
    assert complaint in outcome.err


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_killed_and_started_again_it_equals_an_undisturbed_run(brainage, quick, tmp_path):
    brainage(*quick, "--output", tmp_path / "calm")
    out = tmp_path / "out"
    killed = start_brainage(*quick, "--output", out, "--json-lines", start_new_session=True)
    for _ in range(2):
        killed.stdout.readline()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/*.json")}
    assert 2 <= len(kept) < SCANS
    wait_for_the_end_of_workers(killed.pid)

    assert brainage(*quick, "--output", out).code == 5

    assert rows_in(out) == rows_in(tmp_path / "calm")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(out.glob(".brainage-work-*"))


def wait_for_the_end_of_workers(session: int) -> None:
    """Wait until no process of a killed batch is left: they end by themselves."""
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("workers outlive the batch")


def test_a_tree_of_dicom_studies_in_and_dicom_out(brainage, quick, thick_brain, tmp_path):
    pytest.importorskip("highdicom", reason="the extra dicom is not installed")
    for number in (1, 2):
        uid = f"1.2.840.99999.9.{number}"
        for name, description in (("t1", "T1 tra"), ("t2", "T2 tra")):
            write_volume_series(
                tmp_path / "tree" / f"person{number}" / name,
                thick_brain,
                StudyInstanceUID=uid,
                SeriesInstanceUID=f"{uid}.{name[1]}",
                SeriesDescription=description,
                PatientAge=f"06{number}Y",
            )
    quick[1] = tmp_path / "tree"

    outcome = brainage(*quick, "--output", tmp_path / "out", "--dicom")

    assert outcome.code == 0, outcome.err
    rows = rows_in(tmp_path / "out")
    assert [(row["id"], row["session"], row["age"]) for row in rows] == [
        ("person1", "", "61"),
        ("person2", "", "62"),
    ]
    assert "person1: " in outcome.err
    assert "T1 (described as 'T1 tra')" in outcome.err
    for number in (1, 2):
        assert {"report.dcm", "page.dcm"} <= {
            path.name for path in (tmp_path / "out" / f"person{number}").iterdir()
        }
    selection = (tmp_path / "out" / "selection.csv").read_text()
    assert selection.count(",yes,") == 2
    assert selection.count("T2 (described as 'T2 tra'), but a T1w scan is preferred") == 2


def test_a_list_or_a_scan_that_lies_where_the_batch_writes_is_refused(brainage, quick, tmp_path):
    out = tmp_path / "out"
    (out / "a").mkdir(parents=True)
    scan = (tmp_path / "scan-0.nii.gz").rename(out / "a" / "brain_mask.nii.gz")
    quick[1] = out / "results.csv"
    quick[1].write_text("path\nscan-2.nii.gz\n")
    refused_list = brainage(*quick, "--output", out)
    quick[1] = tmp_path / "list.csv"
    quick[1].write_text(f"path,id\n{scan},a\n")
    refused_scan = brainage(*quick, "--output", out)

    assert (refused_list.code, refused_scan.code) == (2, 2)
    assert f"{out / 'results.csv'} lies where this run writes its results.csv" in refused_list.err
    assert f"the scan {scan} lies where this run writes its brain_mask.nii.gz" in refused_scan.err
    assert (out / "results.csv").read_text() == "path\nscan-2.nii.gz\n"
    assert scan.is_file() and not (out / "batch.json").exists()


def test_a_table_of_others_that_is_replaced_is_named_and_our_own_is_not(brainage, quick, tmp_path):
    quick[1].write_text("path\nscan-0.nii.gz\n")
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.csv").write_text("mine")

    first, second = (brainage(*quick, "--output", out) for _ in range(2))

    assert f"warning: results.csv in {out} was replaced\n" in first.err
    assert (first.code, second.code) == (0, 0) and "was replaced" not in second.err
