from __future__ import annotations

import os
from pathlib import Path

import pytest

from BrainAgeLib.batch.scan_list import find_scans, read_scan_list
from BrainAgeLib.errors import InputError


def listed(folder: Path, content: str, name: str = "list.csv"):
    table = folder / name
    table.write_text(content, encoding="utf-8")
    return read_scan_list(table)


def test_all_columns_and_further_ones(tmp_path):
    (entry,) = listed(
        tmp_path,
        "path,id,age,sex,session,group,scanner,dose mg\na.nii,p1,63.5,F,v2,patients,A,20\n",
    )

    assert (entry.path, entry.id, entry.session) == ("a.nii", "p1", "v2")
    assert (entry.age_years, entry.sex, entry.group) == (63.5, "F", "patients")
    assert entry.further == {"scanner": "A", "dose mg": "20"}
    assert entry.folder == "p1_v2"
    assert entry.scan == str(tmp_path / "a.nii")


def test_a_path_is_enough(tmp_path):
    entries = listed(tmp_path, "path\nx/a.nii.gz\n\ny/a.nii.gz\n")

    assert [entry.id for entry in entries] == ["a", "a"]
    assert [entry.folder for entry in entries] == ["a", "a_2"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("t1.nii.gz", b"\x1f\x8b path"), ("scans.ZIP", b"PK path"), ("IM0001", b"\0" * 128 + b"DICM")],
)
def test_a_scan_or_an_archive_is_no_list(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError, match="is no list of scans") as caught:
        find_scans(str(tmp_path / name), tmp_path / "out")
    assert "brainage predict" in caught.value.hint


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_capitals_and_a_byte_order_mark(tmp_path, separator):
    (entry,) = listed(
        tmp_path, "\ufeff" + separator.join(["Age", "Path"]) + "\r\n" + separator.join("4a") + "\n"
    )

    assert (entry.age_years, entry.path) == (4.0, "a")


def test_a_line_that_makes_no_sense_is_a_scan_with_a_complaint(tmp_path):
    bad, good = listed(tmp_path, "path,age\na.nii,sixty\nb.nii,60\n")

    assert "sixty" in bad.complaint
    assert good.complaint is None


def test_results_of_an_earlier_batch_are_a_list(tmp_path):
    (entry,) = listed(tmp_path, "path,id,brain_age_years,error,series_uid\nd,p,60,bad,1.2.3\n")

    assert entry.series_uid == "1.2.3"
    assert entry.further == {"series_uid": "1.2.3"}


def test_a_path_from_where_the_program_was_started(tmp_path, monkeypatch):
    (tmp_path / "lists").mkdir()
    (tmp_path / "a.nii").touch()
    monkeypatch.chdir(tmp_path)

    (entry,) = listed(tmp_path / "lists", "path\na.nii\n")

    assert entry.scan == str(tmp_path / "a.nii")


def test_another_file_is_no_list(tmp_path):
    with pytest.raises(InputError, match="no column path"):
        listed(tmp_path, "id,age\n1,2\n")


def test_a_scan_is_no_list(tmp_path):
    with pytest.raises(InputError, match="is no table|no column path"):
        listed(tmp_path, "\0" * 200_000, "scan.nii")


@pytest.mark.parametrize("content", [None, "path\n"])
def test_an_input_without_scans(tmp_path, content):
    given = tmp_path / "list.csv"
    if content:
        given.write_text(content)

    with pytest.raises(InputError, match="does not exist|holds no scan"):
        find_scans(str(given), tmp_path / "out")


@pytest.mark.parametrize(
    ("columns", "cells", "age_years"),
    [
        ("age", '"63,5"', 63.5),
        ("age", "063Y", 63.0),
        ("age", "6 months", 0.5),
        ("Age", ">89", None),
        ("age_months", "24", 2.0),
        ("Age (months)", "24", 2.0),
        ("age_days", "23011", 23011 / 365.25),
        ("age,age_months", "63,761", 761 / 12),
        ("AGE AT SCAN", "63", 63.0),
    ],
)
def test_ages_as_people_write_them_do_not_stop_the_scan(tmp_path, columns, cells, age_years):
    (entry,) = listed(tmp_path, f"path,{columns}\na.nii,{cells}\n")

    assert entry.complaint is None
    assert entry.age_years == (None if age_years is None else pytest.approx(age_years))


@pytest.mark.parametrize(
    "content",
    [
        "path,age,age\na.nii,63,31\n",
        "path,age,Age\na.nii,31,63\n",
        "path,age,age_months\na.nii,63,24\n",
        "path,age\na.nii,63\na.nii,65\n",
        "path,age,id\na.nii,63,p1\na.nii,65,p2\n",
        "path,age\na.nii,720\nb.nii,810\n",
    ],
)
def test_ages_that_contradict_each_other_are_a_complaint_and_none_of_them(tmp_path, content):
    entries = listed(tmp_path, content)

    assert [entry.age_years for entry in entries] == [None] * len(entries)
    assert all(entry.complaint for entry in entries)


def test_one_scan_named_twice_alike_stays_two_lines(tmp_path):
    entries = listed(tmp_path, "path,age\na.nii,63\na.nii,63\na.nii,\n")

    assert [(entry.age_years, entry.complaint) for entry in entries] == [
        (63.0, None),
        (63.0, None),
        (None, None),
    ]


def test_the_unit_in_the_file_beside_the_list(tmp_path):
    (tmp_path / "list.json").write_text('{"age": {"Units": "months"}}')

    (entry,) = listed(tmp_path, "path,age\na.nii,24\n")

    assert entry.age_years == 2.0


def test_names_of_columns_as_bids_has_them(tmp_path):
    content = "Path,participant_id,session_id,Gender\na.nii,sub-1,ses-2,w\n"

    (entry,) = listed(tmp_path, content)

    assert (entry.id, entry.session, entry.sex) == ("sub-1", "ses-2", "F")


def test_a_sex_that_is_left_empty_is_one_line_and_costs_no_age(tmp_path, caplog):
    content = "path,age,Sex,Gender\na.nii,63,1,\nb.nii,64,2,1\nc.nii,65,F,M\n"

    entries = listed(tmp_path, content)

    assert [(row.age_years, row.sex) for row in entries] == [(63, None), (64, None), (65, "F")]
    assert all(row.complaint is None for row in entries)
    words = (
        "a sex that is neither F nor M, or is both, is left empty: 2 rows of list.csv (Sex, Gender)"
    )
    assert caplog.messages == [words]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("on_disk", ["Müller Jörg.nii", "Mu\u0308ller Jo\u0308rg.nii"])
def test_umlauts_of_any_encoding_and_composition(tmp_path, encoding, on_disk):
    (tmp_path / on_disk).touch()
    table = tmp_path / "list.csv"
    table.write_bytes("path;id;group\nMüller Jörg.nii;Jörg;Köln\n".encode(encoding))

    (entry,) = read_scan_list(table)

    assert entry.scan == str(tmp_path / on_disk)
    assert (entry.path, entry.id, entry.group) == (on_disk, "Jörg", "Köln")


@pytest.mark.skipif(os.name == "nt", reason="names of POSIX")
def test_a_name_on_the_disk_that_is_not_utf_8(tmp_path):
    name = os.fsdecode(b"m\xfcller.nii")
    (tmp_path / name).touch()
    (tmp_path / "list.csv").write_bytes(b"path,age\nm\xfcller.nii,63\n")

    (entry,) = read_scan_list(tmp_path / "list.csv")

    assert entry.scan == str(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="that is a folder's sign there")
def test_the_signs_of_windows_between_folders(tmp_path):
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.nii").touch()

    (entry,) = listed(tmp_path, "path\nscans\\a.nii\n")

    assert entry.scan == str(tmp_path / "scans" / "a.nii")


def test_a_workbook_is_no_list(tmp_path):
    (tmp_path / "list.xlsx").write_bytes(b"PK\x03\x04 and so on")

    with pytest.raises(InputError, match="workbook .*save it as CSV"):
        read_scan_list(tmp_path / "list.xlsx")


def test_a_line_without_a_path_is_a_row_that_says_so(tmp_path):
    (tmp_path / "list.csv").write_text(
        "path,id,age\n,a,30\n\n,,\nx.nii,b,31\n,,45\ndamaged\0/x.nii,c,50\n"
    )

    entries = read_scan_list(tmp_path / "list.csv")

    assert [entry.id for entry in entries] == ["a", "b", "", "c"]
    assert [entry.complaint for entry in entries] == [
        "line 2 of the list names no path",
        None,
        "line 6 of the list names no path",
        "line 7 of the list names no path",
    ]
    assert len({entry.folder for entry in entries}) == 4


@pytest.mark.parametrize(
    ("column", "is_told"), [("Alter", True), ("age_group", True), ("Age", False)]
)
def test_a_list_none_of_whose_columns_is_an_age_is_told_of(tmp_path, caplog, column, is_told):
    (tmp_path / "list.csv").write_text(f"path,id,{column}\nx.nii,a,30\n")

    read_scan_list(tmp_path / "list.csv")

    assert (
        f"list.csv has no column age; these are carried along and not looked at: {column}"
        in caplog.text
    ) == is_told


def test_a_list_of_paths_alone_says_nothing(tmp_path, caplog):
    (tmp_path / "list.csv").write_text("path,id,session\nx.nii,a,1\n")

    read_scan_list(tmp_path / "list.csv")

    assert not caplog.text


def test_a_column_of_the_list_with_one_of_our_names_is_not_lost(tmp_path):
    (tmp_path / "list.csv").write_text("path,id,sequence\na.nii,1,SE\n")
    (tmp_path / "results.csv").write_text("path,id,sequence,brain_age_years\na.nii,1,T2w,60\n")

    (own,) = read_scan_list(tmp_path / "list.csv")
    (of_results,) = read_scan_list(tmp_path / "results.csv")

    assert own.further == {"list_sequence": "SE"}
    assert of_results.further == {}


def test_a_path_with_too_long_a_name_is_a_row_as_any_other(tmp_path):
    entries = listed(tmp_path, f"path,id\n{'x' * 300}.nii,p1\na.nii,p2\n")

    assert [entry.id for entry in entries] == ["p1", "p2"]
