"""DICOM studies of a tree whose headers do not tell them apart as they should."""

from __future__ import annotations

import re

import pytest

from Testing.library.batch.made_trees import tree
from Testing.library.scan.made_dicom import SERIES_UID, write_series, write_slice

T1 = {"EchoTime": 12.0, "RepetitionTime": 550.0, "SeriesDescription": "SE tra"}


@pytest.mark.parametrize("uid", ["", None, "1.2.3.4.5"], ids=["empty", "missing", "shared"])
def test_people_whose_studies_have_no_uid_or_one_uid_are_each_a_row(tmp_path, uid):
    people = ("p1", "p2", "p3")
    for number, name in enumerate(people):
        own = {"PatientID": name, "SeriesInstanceUID": f"{SERIES_UID}.{number}"}
        write_series(tmp_path / name, range(9), StudyInstanceUID=uid, **own, **T1)

    entries, _ = tree(tmp_path)

    assert tuple(entry.id for entry in entries) == people


@pytest.mark.parametrize("uid", ["", "1.2.3.4.5"], ids=["empty", "shared"])
def test_people_of_one_folder_and_uid_are_told_apart_without_their_numbers(tmp_path, uid):
    for number, patient in enumerate(("4711", "4712")):
        own = {"PatientID": patient, "SeriesInstanceUID": f"{SERIES_UID}.{number}"}
        write_series(tmp_path, range(9), StudyInstanceUID=uid, **own, **T1)

    entries, decisions = tree(tmp_path)

    first, second = (entry.id for entry in entries)
    assert re.fullmatch("study-[0-9a-f]{8}", first) and second == f"{first}-2"
    assert "471" not in repr([(one.id, one.session, one.folder) for one in entries])
    assert all(decision.chosen for decision in decisions)


def test_a_derived_series_without_a_patient_stays_with_the_studys_only_one(tmp_path):
    write_series(tmp_path / "p1" / "t1", range(9), PatientID="4711", **T1)
    derived = {"SeriesInstanceUID": f"{SERIES_UID}.9", "SeriesDescription": "ADC map"}
    write_series(tmp_path / "p1" / "map", range(9), PatientID="", **derived)

    entries, _ = tree(tmp_path)

    assert [entry.id for entry in entries] == ["p1"]


def test_echoes_make_no_more_slices(tmp_path):
    for echo, echo_ms in enumerate((12.0, 30.0, 60.0)):
        for number in range(5):
            path = tmp_path / "p1" / "echoes" / f"{echo}-{number}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_slice(path, number, **T1 | {"EchoTime": echo_ms})
    own = {"SeriesInstanceUID": f"{SERIES_UID}.9"}
    write_series(tmp_path / "p1" / "more", range(9), **T1 | own)

    (entry,), decisions = tree(tmp_path)

    assert entry.scan == str(tmp_path / "p1" / "more")
    assert any("9 slices" in decision.reason for decision in decisions if decision.chosen)


def test_series_of_one_study_stay_together_across_folders(tmp_path):
    for number, echo_ms in enumerate((98.0, 12.0)):
        own = {"EchoTime": echo_ms, "SeriesInstanceUID": f"{SERIES_UID}.{number}"}
        write_series(tmp_path / "p1" / f"s{number}", range(9), **T1 | own)

    (entry,), _ = tree(tmp_path)

    assert (entry.id, entry.scan) == ("p1", str(tmp_path / "p1" / "s1"))


def test_a_series_that_lies_in_two_folders_is_a_row_that_says_so(tmp_path):
    for name, places in (("SUB1", range(12)), ("SUB2", range(12, 24))):
        write_series(tmp_path / "p1" / name, places, **T1)

    (entry,), (decision,) = tree(tmp_path)

    words = (
        "the series lies in 2 folders (SUB1, SUB2): if these are of one person, put its files into "
        "one"
    )
    assert (entry.id, entry.scan, entry.complaint) == ("p1", str(tmp_path / "p1"), words)
    assert decision.reason == words


def test_a_whole_series_beside_one_in_two_folders_is_taken(tmp_path):
    for name, places in (("SUB1", range(12)), ("SUB2", range(12, 24))):
        write_series(tmp_path / "p1" / name, places, **T1)
    write_series(tmp_path / "p1" / "whole", range(9), SeriesInstanceUID=f"{SERIES_UID}.2", **T1)

    (entry,), _ = tree(tmp_path)

    assert (entry.scan, entry.complaint) == (str(tmp_path / "p1" / "whole"), None)


@pytest.mark.parametrize("places", [range(24), range(12)], ids=["all", "some"])
def test_a_copy_of_a_series_in_another_folder_is_no_part_of_it(tmp_path, places):
    write_series(tmp_path / "p1" / "a", range(24), **T1)
    write_series(tmp_path / "p1" / "b", places, **T1)

    (entry,), _ = tree(tmp_path)

    assert (entry.scan, entry.complaint) == (str(tmp_path / "p1" / "a"), None)


def test_two_series_of_one_uid_are_told_apart_by_what_they_are(tmp_path):
    write_series(tmp_path / "p1" / "a", range(12), **T1)
    write_series(tmp_path / "p1" / "b", range(20, 30), **T1 | {"EchoTime": 98.0})

    (entry,), _ = tree(tmp_path)

    assert (entry.scan, entry.complaint) == (str(tmp_path / "p1" / "a"), None)
