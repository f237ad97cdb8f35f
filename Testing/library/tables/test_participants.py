"""Who is who in a dataset's tables; no age is another's, in another unit or of another day."""

from __future__ import annotations

import logging
import re

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.tables.participants import Participants

VISITS = [("sub-001", ""), ("sub-002", ""), ("sub-A-3", "")]


def ages(facts):
    return [each.age_years for each in facts]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        *(("months", [2.0, 7.5]), ("Month", [2.0, 7.5]), ("mo", [2.0, 7.5])),
        *(("days", [0.0657, 0.2464]), ("weeks", [0.46, 1.7249]), ("years", [24.0, 90.0])),
    ],
)
def test_the_unit_that_the_file_beside_the_table_names(facts_of, units, expected):
    table = "participant_id\tage\nsub-001\t24\nsub-002\t90\n"

    found = facts_of(table, *VISITS[:2], units={"Age": {"Units": units}})

    assert ages(found) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "entry", [{"Description": "age in months"}, {"LongName": "Age (months)"}, {"units": "months"}]
)
def test_the_unit_in_a_description(facts_of, entry):
    found = facts_of("participant_id\tage\nsub-001\t24\n", VISITS[0], units={"age": entry})

    assert ages(found) == [2.0]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        *(("age_months", 2.0), ("Age (months)", 2.0), ("Age in months", 2.0), ("AGE", 24.0)),
        *(("age_at_scan", 24.0), ("Age at scan (mo)", 2.0), ("age [years]", 24.0)),
    ],
)
def test_the_unit_in_the_name_of_the_column(facts_of, column, expected):
    assert ages(facts_of(f"participant_id\t{column}\nsub-001\t24\n", VISITS[0])) == [expected]


@pytest.mark.parametrize("column", ["age_group", "age_at_onset", "language", "agenda", "dosage"])
def test_what_is_no_age_of_the_scan(facts_of, column):
    (found,) = facts_of(f"participant_id\t{column}\nsub-001\t24\n", VISITS[0])

    assert (found.age_years, found.complaint) == (None, None)
    assert found.further == {column: "24"}


@pytest.mark.parametrize(
    ("table", "units", "words"),
    [
        ("participant_id\tage\nsub-001\t24\n", {"age": {"Units": "fortnights"}}, "fortnights"),
        ("participant_id\tage_months\nsub-001\t24\n", {"age_months": {"Units": "years"}}, "both"),
        ("participant_id\tage\nsub-001\t760\nsub-002\t90\nsub-003\t810\n", None, "cannot be years"),
        ("participant_id\tage\nsub-001\t0\n", None, "cannot be"),
        ("participant_id\tage\tage_months\nsub-001\t24\t24\n", None, "contradict"),
        (
            "participant_id\tage\tAge\nsub-001\t63\t31\n",
            None,
            r"31 years \(Age \(2\)\) and 63 years \(age\)",
        ),
        (
            "participant_id\tage\nsub-001\t63\n001\t65\n",
            None,
            r"63 years \(line 2\) and 65 years \(line 3\)",
        ),
        ("participant_id\tage\tsex\nsub-001\t63\tM\nsub-001\t63\tF\n", None, "different sexes"),
        ("participant_id\tage\tgroup\nsub-001\t63\ta\nsub-001\t63\tb\n", None, "groups"),
    ],
)
def test_what_contradicts_itself_is_a_complaint_and_no_age(facts_of, table, units, words):
    (found,) = facts_of(table, VISITS[0], units=units)

    assert found.age_years is None
    assert found.complaint.startswith("participants.tsv: ")
    assert re.search(words, found.complaint)


@pytest.mark.parametrize(
    ("cells", "age_years"),
    [("63\t63", 63.0), ("63\t", 63.0), ("\t63", 63.0), ("63\tn/a", 63.0), ("63\t63.4", 63.4)],
)
def test_two_age_columns_that_agree(facts_of, cells, age_years):
    table = f"participant_id\tage\tage_years\nsub-001\t{cells}\n"

    assert ages(facts_of(table, VISITS[0])) == [age_years]


def test_the_age_at_the_scan_goes_before_another(facts_of):
    assert ages(facts_of("id\tage\tage_at_scan\nsub-001\t60\t63\n", VISITS[0])) == [63.0]


@pytest.mark.parametrize(
    "name", ["sub-001", "001", "1", "sub-1", "SUB-001", "sub_001", "sub001", "1.0", "0001"]
)
def test_ids_that_can_only_mean_one_person(facts_of, name):
    assert ages(facts_of(f"participant_id\tage\n{name}\t63\n", *VISITS)) == [63.0, None, None]


@pytest.mark.parametrize("name", ["A3", "a_3", "sub-A-03", "A-3"])
def test_ids_with_letters(facts_of, name):
    assert ages(facts_of(f"subject\tage\n{name}\t63\n", *VISITS)) == [None, None, 63.0]


def test_ids_that_could_mean_two_people_mean_nobody(facts_of):
    visits = [("sub-1", ""), ("sub-01", ""), ("sub-2", ""), ("sub-002", "")]

    found = facts_of("participant_id\tage\nsub-1\t30\n02\t40\nsub-002\t50\n", *visits)

    assert ages(found) == [30.0, None, None, 50.0]


def test_two_rows_that_are_like_one_person_are_not_that_person(facts_of):
    assert ages(facts_of("participant_id\tage\nsub-1\t63\nsub-01\t65\n", VISITS[0])) == [None]


@pytest.mark.parametrize("column", ["session_id", "session", "ses"])
@pytest.mark.parametrize("names", [("ses-1", "ses-2"), ("1", "2"), ("01", "02")])
def test_a_row_a_session(facts_of, column, names):
    rows = "".join(
        f"sub-003\t{name}\t{age}\tM\n" for name, age in zip(names, (60, 65), strict=True)
    )
    visits = [("sub-003", "ses-1"), ("sub-003", "ses-2"), ("sub-003", "ses-3")]

    found = facts_of(f"participant_id\t{column}\tage\tsex\n{rows}", *visits)

    assert ages(found) == [60.0, 65.0, None]
    assert [facts.complaint for facts in found] == [None] * 3


def test_rows_of_sessions_of_a_scan_that_names_none(facts_of):
    table = "participant_id\tsession_id\tage\nsub-001\tses-1\t60\nsub-001\tses-2\t{}\n"

    assert "60 years" in facts_of(table.format(65), VISITS[0])[0].complaint
    assert ages(facts_of(table.format(60), VISITS[0])) == [60.0]


def test_rows_that_name_no_session_are_of_all_others(facts_of):
    table = "participant_id\tsession_id\tage\nsub-001\tses-2\t65\nsub-001\tn/a\t60\n"
    visits = [("sub-001", "ses-1"), ("sub-001", "ses-2")]

    assert ages(facts_of(table.replace("n/a", ""), *visits)) == [60.0, 65.0]


def test_two_equal_rows_are_one_person(facts_of):
    table = "participant_id\tage\tsite\tscore\nsub-001\t63\tA\t1\nsub-001\t63\tA\t2\n"

    (found,) = facts_of(table, VISITS[0])

    assert (found.age_years, found.further) == (63.0, {"site": "A", "score": ""})


@pytest.mark.parametrize("sidecar", ["sub-001/sub-001_sessions.json", "sessions.json"])
def test_the_table_of_sessions_wins_in_its_own_unit_and_may_hide_the_age(facts_of, sidecar):
    visits = [("sub-001", "ses-a"), ("sub-001", "ses-b"), ("sub-001", "ses-c")]

    found = facts_of(
        "participant_id\tage\tsex\nsub-001\t60\tF\n",
        *visits,
        units={"age": {"Units": "years"}},
        beside={
            "sub-001/sub-001_sessions.tsv": "session_id\tage\nses-a\t732\nb\t89+\n",
            sidecar: '{"age": {"Units": "months"}}',
        },
    )

    assert ages(found) == [61.0, None, 60.0]
    assert {facts.sex for facts in found} == {"F"}


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
@pytest.mark.parametrize("separator", ["\t", ",", ";", " "])
def test_a_table_that_another_program_saved(facts_of, encoding, separator):
    table = "participant_id\tAge\tGender\tsite\nsub-002\t63,5\tweiblich\tKöln\n"
    if separator == ",":
        table = table.replace("63,5", '"63,5"')

    (found,) = facts_of(table.replace("\t", separator).encode(encoding), VISITS[1])

    assert (found.age_years, found.sex, found.further["site"]) == (63.5, "F", "Köln")


def test_who_has_no_age_is_counted_and_not_named(facts_of, caplog):
    table = "participant_id\tage\nsub-001\t63\nsub-002\tn/a\nsub-009\t70\n"
    with caplog.at_level(logging.WARNING):
        facts_of(table, *VISITS)

    assert caplog.messages == ["2 of 3 people with a scan have no age in participants.tsv"]


def test_a_table_without_ids_tells_nobodys_age_and_says_so(facts_of, caplog):
    with caplog.at_level(logging.WARNING):
        assert ages(facts_of("name\tage\nsub-001\t63\n", VISITS[0])) == [None]

    assert "no column participant_id" in caplog.messages[0]


def test_no_table_is_no_fault(tmp_path, caplog):
    people = Participants(tmp_path, VISITS)
    assert people.facts("sub-001", "", "sub-001_T1w.nii").age_years is None
    people.tell_who_is_missing()

    assert caplog.messages == []


@pytest.mark.parametrize("content", ["{", "\0\0", '{"age": '])
def test_a_description_that_cannot_be_read_might_name_a_unit(tmp_path, content):
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-001\t24\n")
    (tmp_path / "participants.json").write_text(content)

    with pytest.raises(InputError, match="participants.json, which describes participants.tsv"):
        Participants(tmp_path, VISITS)


@pytest.mark.parametrize(
    "name", ["participants.tsv", "participants.json", "sub-001/sub-001_sessions.tsv"]
)
def test_a_link_to_a_table_that_was_not_got_yet_is_not_no_table(tmp_path, name):
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-001\t24\n")
    (tmp_path / "sub-001").mkdir()
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to(".git/annex/objects/x")

    with pytest.raises(InputError, match=f"{name} is a link to a file that is not there"):
        Participants(tmp_path, VISITS).facts("sub-001", "", "sub-001_T1w.nii")


@pytest.mark.parametrize(("second", "is_told"), [("n/a", True), ("61", False)])
def test_one_age_for_several_sessions_is_told_of(tmp_path, caplog, second, is_told):
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t60\nsub-02\t50\n")
    (tmp_path / "sub-01").mkdir()
    rows = "" if second == "n/a" else f"ses-2\t{second}\n"
    (tmp_path / "sub-01" / "sub-01_sessions.tsv").write_text(f"session_id\tage\n{rows}")
    visits = [("sub-01", "ses-1"), ("sub-01", "ses-2"), ("sub-02", "")]
    people = Participants(tmp_path, visits)

    ages = [people.facts(*visit, "x.nii").age_years for visit in visits]
    people.tell_who_is_missing()

    assert ages == [60.0, 60.0 if is_told else 61.0, 50.0]
    assert ("one age for all sessions of a person (people: 1)" in caplog.text) == is_told


@pytest.mark.parametrize(
    ("sessions", "visit", "is_told"),
    [
        ("session_id\tage\nbaseline\t61\n", "ses-1", True),
        ("session_id\tage\nses-1\t61\n", "", True),
        ("session_id\tage\n1\t61\n", "ses-01", False),
        ("session_id\tplace\nbaseline\tA\n", "ses-1", False),
    ],
)
def test_sessions_that_are_called_otherwise_than_the_scans_are_told_of(
    facts_of, caplog, sessions, visit, is_told
):
    table, beside = "participant_id\tage\nsub-1\t60\n", {"sub-1/sub-1_sessions.tsv": sessions}

    facts_of(table, ("sub-1", visit), beside=beside)

    assert ("sub-*_sessions.tsv does not name (1)" in caplog.text) == is_told
