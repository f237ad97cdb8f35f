from __future__ import annotations

import csv
import os
from dataclasses import replace

from BrainAgeLib.batch.table import (
    LONGEST_FOLDER_NAME,
    Decision,
    ResultRow,
    ScanEntry,
    same_scans_in_words,
    with_folders,
    write_results,
    write_selection,
)

CONTRACT = [
    *("path", "id", "session", "group", "age", "sex"),
    *("brain_age_years", "interval_low", "interval_high", "gap_years"),
    *("corrected_gap_years", "gap_percentile", "verdict", "findings"),
    *("slice_spacing_mm", "model", "exit_code", "error", "seconds", "interval_covers", "selection"),
    "sequence",
]
PREDICTED = ResultRow(
    path='scans/a "quoted", name.nii.gz',
    id="0012",
    session="2",
    group="patients",
    age=63.5,
    sex="F",
    brain_age_years=70.1234,
    interval_low=57.25,
    interval_high=83.0,
    gap_years=6.6234,
    corrected_gap_years=5.0,
    gap_percentile=88.31,
    verdict="warn",
    findings=("brain_cut", "members_disagree"),
    slice_spacing_mm=6.0,
    model="thick-slice 2",
    exit_code=0,
    seconds=12.25,
    interval_covers="any scanner",
    selection="no T1w scan; T2w is taken instead",
    sequence="T2w",
    further={"scanner": "A", "note": "two\nlines"},
)
FAILED = ResultRow(path="gone.nii", exit_code=2, error="gone.nii does not exist (check the path)")


def test_columns_are_those_of_the_contract_then_those_of_the_list(tmp_path):
    write_results([FAILED, PREDICTED], tmp_path / "results.csv")

    with (tmp_path / "results.csv").open(newline="") as lines:
        assert next(csv.reader(lines)) == [*CONTRACT, "scanner", "note"]


def test_what_is_written(tmp_path):
    write_results([PREDICTED, FAILED], tmp_path / "results.csv")

    with (tmp_path / "results.csv").open(newline="") as lines:
        predicted, failed = csv.DictReader(lines)
    assert predicted["path"] == PREDICTED.path
    assert (predicted["id"], predicted["age"], predicted["brain_age_years"]) == (
        *("0012", "63.5", "70.1234"),
    )
    assert predicted["findings"] == "brain_cut;members_disagree"
    assert predicted["interval_covers"] == "any scanner"
    assert predicted["selection"] == "no T1w scan; T2w is taken instead"
    assert predicted["sequence"] == "T2w"
    assert (predicted["error"], predicted["exit_code"], predicted["note"]) == (
        "",
        "0",
        "two\nlines",
    )
    assert {name: cell for name, cell in failed.items() if cell} == {
        "path": FAILED.path,
        "exit_code": "2",
        "error": FAILED.error,
    }


def test_a_path_that_is_not_utf_8_stays_as_it_is(tmp_path):
    write_results([ResultRow(path=os.fsdecode(b"m\xfcller.nii"))], tmp_path / "results.csv")

    assert b"m\xfcller.nii" in (tmp_path / "results.csv").read_bytes()


def test_the_selection_says_yes_or_no(tmp_path):
    decision = Decision("p1", "p1/t1.nii", None, "T1, tra", True, "2D axial")

    write_selection([decision, replace(decision, chosen=False)], tmp_path / "selection.csv")

    with (tmp_path / "selection.csv").open(newline="") as lines:
        chosen, left_out = csv.DictReader(lines)
    assert (chosen["description"], chosen["series_uid"]) == ("T1, tra", "")
    assert (chosen["chosen"], left_out["chosen"]) == ("yes", "no")


def test_a_folder_has_no_name_that_windows_takes_for_another():
    """There CON is a device with any suffix, and a dot at the end is left off."""
    wanted = ["CON", "aux.v1", "con_1", f"{'a' * (LONGEST_FOLDER_NAME - 1)}.b"]

    named = with_folders(ScanEntry(name, name, folder=name) for name in wanted)

    assert [entry.folder for entry in named[:3]] == ["_CON", "_aux.v1", "con_1"]
    assert named[3].folder == "a" * (LONGEST_FOLDER_NAME - 1)


def test_every_scan_gets_a_safe_folder_of_its_own():
    wanted = ["sub-1/anat/a", "Müller, Jörg", "A", "a", "../../etc", ".hidden", "", "scan"]

    named = with_folders(ScanEntry(name, name, folder=name) for name in wanted)

    assert [entry.folder for entry in named] == [
        *("sub-1/anat/a", "M-ller-J-rg", "A", "a_2", "etc", "hidden", "scan", "scan_2"),
    ]


def test_no_scan_takes_the_name_of_a_file_of_the_batch():
    ours = ["results.csv", "Results.CSV", "sessions.csv", "selection.csv", "index.html"]
    wanted = [*ours, "batch.json", "results"]

    named = with_folders(ScanEntry(name, name, folder=name) for name in wanted)

    assert [entry.folder for entry in named] == [
        *("results.csv_2", "Results.CSV_3", "sessions.csv_2", "selection.csv_2", "index.html_2"),
        *("batch.json_2", "results"),
    ]


def test_a_scan_under_several_names_is_told_of():
    names = (("p1", ""), ("p2", "v1"), ("p3", ""), ("p1", ""))
    copies = [
        replace(PREDICTED, id=name, session=session, sha256="other" if name == "p3" else "one")
        for name, session in names
    ]

    (words,) = same_scans_in_words([FAILED, FAILED, *copies])

    assert words.startswith("p1 and p2 v1 are the same scan, file for file: ")
    assert words.endswith(" take it for 2 scans.")
    assert same_scans_in_words([FAILED, FAILED, *copies[2:]]) == []


def test_many_scans_under_several_names_are_counted():
    copies = [replace(PREDICTED, id=f"{n}", sha256=f"{n // 2}") for n in range(60)]

    assert same_scans_in_words(copies)[-1] == "10 more scans have several names."
