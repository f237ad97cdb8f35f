from __future__ import annotations

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
