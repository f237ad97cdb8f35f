from __future__ import annotations

import csv
import os

import pytest

from BrainAgeLib.batch.results_table import COLUMNS, ResultRow, read_results, write_results
from BrainAgeLib.errors import InputError

CONTRACT = [
    *("path", "id", "session", "group", "age", "sex"),
    *("brain_age_years", "interval_low", "interval_high", "gap_years"),
    *("corrected_gap_years", "gap_percentile", "verdict", "findings"),
    *("slice_spacing_mm", "model", "exit_code", "error", "seconds"),
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
    further={"scanner": "A", "note": "two\nlines"},
)
FAILED = ResultRow(path="gone.nii", exit_code=2, error="gone.nii does not exist (check the path)")


def test_columns_are_those_of_the_contract_then_those_of_the_list(tmp_path):
    write_results([FAILED, PREDICTED], tmp_path / "results.csv")

    with (tmp_path / "results.csv").open(newline="") as lines:
        assert next(csv.reader(lines)) == [*CONTRACT, "scanner", "note"]
    assert list(COLUMNS) == CONTRACT


def test_what_is_written_is_read(tmp_path):
    write_results([PREDICTED, FAILED], tmp_path / "results.csv")

    predicted, failed = read_results(tmp_path / "results.csv")

    assert predicted == PREDICTED
    assert failed == ResultRow(
        path=FAILED.path, exit_code=2, error=FAILED.error, further={"scanner": "", "note": ""}
    )


def test_a_path_that_is_not_utf_8_comes_back(tmp_path):
    row = ResultRow(path=os.fsdecode(b"m\xfcller.nii"))

    write_results([row], tmp_path / "results.csv")

    assert read_results(tmp_path / "results.csv") == [row]
    assert b"m\xfcller.nii" in (tmp_path / "results.csv").read_bytes()


def test_a_table_that_a_spreadsheet_saved(tmp_path):
    table = tmp_path / "results.csv"
    table.write_bytes("\ufeffid,brain_age_years,age\r\na,61.5,n/a\r\n".encode())

    assert read_results(table) == [ResultRow(path="", id="a", brain_age_years=61.5)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("id,age\na,3\n", "no column brain_age_years"),
        ("brain_age_years,age\n61,sixty\n", "line 2 .* age is 'sixty'"),
        (None, "cannot be read: no such file"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, content, complaint):
    table = tmp_path / "results.csv"
    if content is not None:
        table.write_text(content)

    with pytest.raises(InputError, match=complaint):
        read_results(table)
