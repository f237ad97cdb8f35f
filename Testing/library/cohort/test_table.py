"""What counts, what is left out and why, and tables that are none."""

from __future__ import annotations

import csv
import os
import re

import pytest

from BrainAgeLib.batch.table import ResultRow, write_results
from BrainAgeLib.cohort.table import (
    Exclusion,
    counted,
    first_scans,
    later_scans,
    number_column,
    of_group,
    read_table,
)
from BrainAgeLib.errors import InputError
from Testing.library.cohort.made_results import failed_row, healthy_rows, row, write_table


def test_every_row_is_kept_or_left_out_with_a_reason(tmp_path):
    rows = [
        *healthy_rows(5),
        failed_row(6),
        row(7, 60.0, 64.0, verdict="refuse"),
        row(8, 60.0, 64.0, verdict="refuse") | {"brain_age_years": "", "gap_years": ""},
        row(9, 60.0, 64.0, age="", gap_years="", corrected_gap_years=""),
        row(0, 20.0, 31.0),  # the same person and session again
    ]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert table.rows_read == 10
    assert len(table.scans) == 5
    assert [(item.line, item.reason) for item in table.exclusions] == [
        (7, "failed: damaged"),
        (8, "refused by the quality gate; its age was forced"),
        (9, "refused by the quality gate"),
        (10, "no chronological age"),
        (11, "another scan of this person and session counts"),
    ]


def test_reasons_are_counted_the_commonest_first_then_the_first():
    reasons = ("no group", "failed: damaged", "no chronological age", "failed: gone")

    counts = counted([Exclusion(n, "p", "", reason) for n, reason in enumerate(reasons)])

    assert list(counts.items()) == [("failed", 2), ("no group", 1), ("no chronological age", 1)]


def test_a_line_is_that_of_the_file_whatever_stands_before_it(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text('id,age,brain_age_years,note\na,40,41,"two\nlines"\n\nb,50,51,\nc,sixty,61,\n')

    with pytest.raises(InputError, match="line 6 of .*: age is 'sixty'"):
        read_table(path)
    path.write_text(path.read_text().replace("sixty", "60"))
    assert list(read_table(path).scans["line"]) == [2, 5, 6]


def test_what_batch_writes_of_files_whose_names_are_not_utf_8_is_read(tmp_path):
    name = os.fsdecode(b"m\xfcller.nii")
    made = ResultRow(name, "p1", age=40.0, brain_age_years=41.0, gap_years=1.0)
    failed = ResultRow(name, "p2", exit_code=2, error=f"{name} does not exist")
    write_results([made, failed], tmp_path / "results.csv")

    table = read_table(tmp_path / "results.csv")

    assert list(table.scans["path"]) == ["müller.nii"]
    assert table.exclusions[0].reason == "failed: müller.nii does not exist"


def test_of_one_group_everybody_else_is_left_out_and_said_so(tmp_path):
    rows = [entry | {"group": "CN"} for entry in healthy_rows(5)]
    rows += [failed_row(7) | {"group": "AD"}, failed_row(8) | {"group": "CN"}, row(9, 60, 61)]
    path = write_table(rows, tmp_path / "results.csv")

    table = of_group(read_table(path), path, "CN")

    assert (len(table.scans), table.rows_read) == (5, 8)
    assert [(item.line, item.reason, item.group) for item in table.exclusions] == [
        (7, "failed: damaged", "AD"),
        (8, "failed: damaged", "CN"),
        (9, "of another group", ""),
    ]


def test_another_age_is_another_visit_where_no_session_is_named(tmp_path):
    rows = [row(1, age, 70.0, session="") for age in (60.0, 61.5, 61.5)]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert list(table.scans["age"]) == [60.0, 61.5]
    assert [item.line for item in table.exclusions] == [4]


def test_sexes_are_read_as_in_a_list_of_scans(tmp_path):
    words = ["female", "m", "Male", "n/a", "other"]
    rows = [row(n, 60.0, 61.0, sex=word) for n, word in enumerate(words)]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert list(table.scans["sex"]) == ["F", "M", "M", "", ""]


def test_a_sex_that_is_a_code_is_left_empty_and_told_of_once(tmp_path, caplog):
    rows = [row(n, 60.0, 61.0, sex=word) for n, word in enumerate(["1", "2", "F"])]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert list(table.scans["sex"]) == ["", "", "F"]
    words = "a sex that is neither F nor M, or is both, is left empty: 2 rows of results.csv (sex)"
    assert caplog.messages == [words]


def test_a_table_of_a_header_alone_is_empty(tmp_path):
    table = read_table(write_table([], tmp_path / "results.csv"))

    assert table.scans.empty
    assert "group" in table.scans


def test_people_without_an_id_are_told_apart_by_their_path(tmp_path):
    rows = [row(n, 40.0 + n, 50.0, id="") for n in range(3)]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert table.scans["person"].nunique() == 3


def test_the_first_scan_is_that_at_the_youngest_age(tmp_path):
    rows = [
        row(1, 62.0, 70.0, session="b"),
        row(1, 60.0, 69.0, session="c"),
        row(2, 50.0, 51.0, session="a"),
    ]
    scans = read_table(write_table(rows, tmp_path / "results.csv")).scans

    assert list(first_scans(scans)["age"]) == [60.0, 50.0]
    assert [item.session for item in later_scans(scans)] == ["b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column brain_age_years"),
        (b"id,age\n1,20\n", "has no column brain_age_years"),
        (b"id,brain_age_years\n1,20\n", "has no column age"),
        (b"age,brain_age_years,interval_covers\n40,41,all\n", "line 2 of .*: .* 'all'"),
        (b"age,brain_age_years\nforty,20\n", "line 2 of .*: age is 'forty'"),
        (b"age,brain_age_years\n40,inf\n", "line 2 of .*: brain_age_years is 'inf'"),
        (b"age,brain_age_years\n40,41,42,43\n40,41\n", "line 2 of .* more cells"),
        (b"age,brain_age_years,Age\n40,41,42\n", "two columns of one name"),
        (b"PK\x03\x04 and so on", "is a workbook of a spreadsheet"),
        (b"age,brain_age_years,gap_years\n40,45,-5\n", "gap_years is not brain_age_years minus"),
        (b'age,brain_age_years\n"40,45\n', "is no table"),
        (bytes(2000), "is no table|no column"),
    ],
)
def test_what_is_no_results_table(tmp_path, content, message):
    path = tmp_path / "results.csv"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        read_table(path)


@pytest.mark.parametrize("covers", ["", "any scanner", "this site"])
def test_which_scanners_an_interval_speaks_of(tmp_path, covers):
    path = write_table([row(1, 60.0, 65.0, interval_covers=covers)], tmp_path / "results.csv")

    assert list(read_table(path).scans["interval_covers"]) == [covers]


def test_a_table_without_the_scanners_of_its_intervals_is_read(tmp_path):
    (tmp_path / "results.csv").write_text("age,brain_age_years\n60,65\n", "utf-8")

    assert list(read_table(tmp_path / "results.csv").scans["interval_covers"]) == [""]


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_a_folder(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path)


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_table_that_a_spreadsheet_saved_again_is_the_same_table(tmp_path, separator, encoding):
    rows = [entry | {"group": "Köln", "findings": "a;b"} for entry in healthy_rows(5)]
    path = write_table(rows, tmp_path / "results.csv")
    before = read_table(path)
    with path.open(newline="") as lines:
        cells = list(csv.reader(lines))
    if separator != ",":  # and with it commas in numbers
        cells = [[re.sub(r"^(-?\d+)\.(\d+)$", r"\1,\2", cell) for cell in row] for row in cells]
    with path.open("w", newline="", encoding=encoding) as lines:
        csv.writer(lines, delimiter=separator, lineterminator="\r\n").writerows(cells)

    after = read_table(path)

    assert after.scans.equals(before.scans)
    assert (after.exclusions, after.columns) == (before.exclusions, before.columns)


@pytest.mark.parametrize("written", [str.upper, str.title])
def test_names_of_columns_in_any_case_are_the_same_table(tmp_path, written):
    path = write_table(healthy_rows(5), tmp_path / "results.csv")
    before = read_table(path)
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{written(first)}\n{rest}")

    assert read_table(path).scans[[*before.scans]].equals(before.scans)


def test_a_comma_between_commas_is_no_decimal_one(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text('age,brain_age_years\n40,"41,5"\n')

    with pytest.raises(InputError, match="'41,5', which is no number") as said:
        read_table(path)
    assert "with semicolons or tabs between its cells" in said.value.hint


@pytest.mark.parametrize("nothing", ["NA", "n/a", "NaN", "nan"])
def test_a_cell_that_says_nothing_is_no_name(tmp_path, nothing):
    rows = healthy_rows(4)
    rows += [row(0, 21.0, 31.0), row(1, 41.5, 45.0)]
    said = dict.fromkeys(("session", "group", "model"), nothing)
    rows = [entry | said for entry in rows]
    rows[2] |= {"id": nothing}
    rows[3] |= {"id": nothing}

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert table.exclusions == ()  # the second visits are of another age
    assert table.scans["person"].nunique() == 4  # by their paths
    assert set(table.scans["group"]) == set(table.scans["model"]) == {""}


THOUSANDS = ["980", "1,000", "1,010"]


@pytest.mark.parametrize(
    ("ages", "volumes", "read"),
    [
        (["41.5", "52", "61"], THOUSANDS, None),
        (["41", "52", "61"], THOUSANDS, None),
        (["41,5", "52", "61"], THOUSANDS, [980.0, 1.0, 1.01]),  # commas are decimal in this table
        (["41.5", "52", "61"], ["980,5", "1,000", "1,010"], [980.5, 1.0, 1.01]),
        (["41,125", "52,250", "61"], ["980", "990", "1000"], [980.0, 990.0, 1000.0]),
        (["41,125", "52,250", "61"], ["980", "1,250", "990"], [980.0, 1.25, 990.0]),
    ],
)
@pytest.mark.parametrize("separator", ["\t", ";"])
def test_a_comma_that_may_stand_between_thousands_is_not_taken_for_a_point(
    tmp_path, ages, volumes, read, separator
):
    path = tmp_path / "results.csv"
    lines = [("id", "age", "brain_age_years", "volume")]
    lines += [(str(n), "50", ages[n], volumes[n]) for n in range(3)]
    path.write_text("\n".join(map(separator.join, lines)) + "\n")

    scans = read_table(path).scans

    assert scans["brain_age_years"].tolist()[0] == pytest.approx(41.5, abs=0.5)
    if read is None:
        with pytest.raises(InputError, match="line 3 .*'1,000', whose comma may stand between"):
            number_column(scans, "volume", path)
    else:
        assert number_column(scans, "volume", path).tolist() == read
