"""Cells that somebody changed, rows that are nobody's, people who are spelt in two ways."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
from BrainAgeLib.cohort.evaluate import evaluate
from BrainAgeLib.cohort.site import fit_site
from BrainAgeLib.cohort.table import read_table
from BrainAgeLib.cohort.table_checks import SAME_SESSION, check_people
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import read_card
from Testing.library.cohort.made_results import healthy_rows, row, write_table


@pytest.fixture(scope="module")
def card(small_model):
    return read_card(small_model)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"age": "-999", "gap_years": ""}, "line 3 of .*: an age of -999 years cannot be"),
        ({"age": "0", "gap_years": ""}, "an age of 0 years cannot be"),
        ({"age": "744", "gap_years": ""}, "an age of 744 years cannot be"),  # months
        ({"brain_age_years": "6412", "gap_years": ""}, "line 3 of .*: brain_age_years is outside"),
        ({"interval_low": "4800"}, "brain_age_years is outside"),
        ({"verdict": "refused"}, "line 3 of .*: verdict is 'refused', which is not known"),
    ],
)
def test_cells_that_somebody_changed_are_an_error_that_names_the_line(tmp_path, changes, words):
    rows = healthy_rows(5)
    rows[1] |= {"interval_low": "1", "interval_high": "119"} | changes

    with pytest.raises(InputError, match=words):
        read_table(write_table(rows, tmp_path / "results.csv"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sex": "M"}, "lines 2 and 7 of .* are of one person by their id, but name F and M"),
        ({"age": 61.0}, "lines 2 and 7 .* of one person and session by .* 41 years apart in age"),
    ],
)
def test_two_people_of_one_id_and_session_are_not_lost(card, tmp_path, changes, words):
    again = row(0, 20.0, 30.0) | changes
    again["gap_years"] = again["brain_age_years"] - again["age"]
    path = write_table([*healthy_rows(5), again], tmp_path / "results.csv")

    with pytest.raises(InputError, match=words):
        read_cohort(path, Plan())
    with pytest.raises(InputError, match=words):
        evaluate(path)
    with pytest.raises(InputError, match=words):
        fit_site(path, card)


def test_a_scan_again_in_one_session_is_of_the_same_person(tmp_path):
    again = row(0, 20.9, 31.0)  # in another file, a year's rounding away
    path = write_table([*healthy_rows(5), again], tmp_path / "results.csv")
    table = read_table(path)

    check_people(table.scans, table.again, path)

    assert [(item.line, item.reason) for item in table.exclusions] == [(7, SAME_SESSION)]


def test_a_verdict_in_capitals_is_one(tmp_path):
    rows = [*healthy_rows(5), row(7, 60.0, 64.0, verdict="REFUSE")]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert [item.reason for item in table.exclusions] == [
        "refused by the quality gate; its age was forced"
    ]


def test_sums_below_a_table_are_nobody(tmp_path):
    sums = dict.fromkeys(row(1, 60.0, 64.0), "") | {"age": "62.5", "brain_age_years": "63.1"}

    table = read_table(write_table([*healthy_rows(5), sums], tmp_path / "results.csv"))

    assert len(table.scans) == 5
    assert [item.reason for item in table.exclusions] == ["neither id nor path says whose it is"]


def test_ids_that_are_spelt_in_two_ways_are_told_of_without_a_name(tmp_path, caplog):
    path = tmp_path / "results.csv"
    path.write_text("id,age,brain_age_years\nsub-07,40,41\nSUB-7,41,42\nsub-08,50,51\n")

    table = read_table(path)

    said = caplog.text.replace(str(path), "")  # whose folder may have any number
    assert "2 names in the column id of" in said and "07" not in said
    assert table.scans["person"].nunique() == 3


def test_a_table_without_ids_is_told_of(tmp_path, caplog):
    path = tmp_path / "results.csv"
    path.write_text("path,age,brain_age_years\na.nii,40,41\nb.nii,41,42\n")

    read_table(path)

    assert "has no column id: every path counts as a person" in caplog.text


def test_groups_that_are_spelt_in_two_ways_are_told_of(tmp_path, caplog):
    path = tmp_path / "results.csv"
    path.write_text("id,group,age,brain_age_years\na,Control,40,41\nb,control,41,42\nc,x,50,51\n")

    read_table(path)

    assert "2 names in the column group of" in caplog.text
    assert "column id" not in caplog.text


@pytest.mark.parametrize("kept", [2, 3, 12, 40])
def test_a_table_that_breaks_off_in_a_line_is_an_error(tmp_path, kept):
    path = write_table(healthy_rows(5), tmp_path / "results.csv")
    whole = path.read_bytes()
    begins = whole.rstrip().rindex(b"\n") + 1
    path.write_bytes(whole[: begins + kept])

    with pytest.raises(InputError, match="the last line of .* breaks off"):
        read_table(path)


@pytest.mark.parametrize("end", ["", "\n", ",,\r\n"])
def test_a_whole_table_may_end_in_any_way(tmp_path, end):
    path = tmp_path / "results.csv"
    path.write_text("id,age,brain_age_years\na,40,41\nb,41,42" + (end and "\n" + end.lstrip("\n")))

    assert len(read_table(path).scans) == 2
