"""Scans of different sequences are no change of the brain, wherever they are told from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from BrainAgeLib.follow.differences import OF_T1, person_change
from BrainAgeLib.follow.tables import people_of_table
from BrainAgeLib.follow.visits import person_of, visit_of
from BrainAgeLib.records import Finding, Quality
from Testing.library.cohort.made_results import row, write_table
from Testing.library.follow.made_people import ERROR, OWN_ERROR, prediction, record

T1W, AFTER, OLD = ("T1w", None), ("T1w after contrast", None), (None, None)
T2W, FLAIR = ("T2w", "T2w"), ("FLAIR", "FLAIR")
SAID_T2W = (None, "T2w")  # too flat to tell, and --sequence said it


def changes(seen, read_as):
    """Return the fields of a record: what the picture shows, and as what else it was read."""
    found = (Finding("other_sequence", "warn", "This is no T1.", read_as, "T1w"),)
    return {"sequence": seen, "quality": Quality(found if read_as else ())}


@pytest.fixture
def warnings_of(brainage, tmp_path, model):
    """Return a function that follows and tells the warnings, those of sequences alone."""

    def call(*inputs):
        out = tmp_path / "out"
        done = brainage("follow", *inputs, "--output", out, *OWN_ERROR, *model)
        assert done.code == 0, done.err
        (said,) = json.loads((out / "follow.json").read_text())["people"]
        return [words for words in said["warnings"] if "sequence" in words]

    return call


@pytest.mark.parametrize(
    ("first", "later", "differ"),
    [
        (T1W, T2W, "T1w, then T2w"),
        (OLD, T2W, "T1w, then T2w"),
        (T2W, FLAIR, "T2w, then FLAIR"),
        (T1W, SAID_T2W, "T1w, then T2w"),
        (T1W, T1W, None),
        (T1W, OLD, None),
        (AFTER, OLD, None),  # the contrast agent is a difference of its own
        (T2W, SAID_T2W, None),
    ],
)
def test_records_of_two_sequences_differ(warnings_of, tmp_path, first, later, differ):
    folders = [
        record(tmp_path / name, years, years, **changes(*each))
        for name, years, each in (("a", 60.0, first), ("b", 63.0, later))
    ]

    said = warnings_of(*folders)

    told = [words for words in said if words.startswith("The scans differ in sequence: ")]
    assert len(told) == (differ is not None) and all(f": {differ}. " in words for words in told)
    is_mixed = differ is not None and "T1w" in differ
    assert any("A T1 and a scan of another sequence" in words for words in said) == is_mixed


@pytest.mark.parametrize("has_records", [True, False])
@pytest.mark.parametrize(
    ("first", "later", "by_records", "by_table"),
    [
        (T1W, T2W, "T1w, then T2w", "T1w, then another one than T1w"),
        (T2W, FLAIR, "T2w, then FLAIR", None),
        (T1W, T1W, None, None),
    ],
)
def test_rows_of_two_sequences_differ(
    warnings_of, tmp_path, has_records, first, later, by_records, by_table
):
    rows = [
        row(1, years, years, session=str(n), findings="other_sequence" if each[1] else "")
        for n, years, each in ((1, 60.0, first), (2, 63.0, later))
    ]
    table = write_table([each | {"path": "t1.nii.gz"} for each in rows], tmp_path / "r.csv")
    if has_records:
        (tmp_path / "batch.json").write_text("{}")
        for name, years, each in (("a", 60.0, first), ("b", 63.0, later)):
            own = replace(prediction(years).input, path="/data/t1.nii.gz")
            record(tmp_path / name, years, years, input=own, **changes(*each))

    said = warnings_of(table)

    differ = by_records if has_records else by_table
    told = [words for words in said if words.startswith("The scans differ in sequence: ")]
    assert len(told) == (differ is not None) and all(f": {differ}. " in words for words in told)
    is_open = not has_records and T2W in (first, later)
    assert any("which sequence other than T1w it is" in words for words in said) is is_open


def test_the_column_of_a_batch_says_which_sequences_differ(warnings_of, tmp_path):
    read = (("1", "T1w", ""), ("2", "FLAIR", "other_sequence"))
    rows = [
        row(1, 60.0 + 3 * n, 60.0 + 3 * n, session=name, findings=found, sequence=sequence)
        for n, (name, sequence, found) in enumerate(read)
    ]

    said = warnings_of(write_table(rows, tmp_path / "results.csv"))

    told = [words for words in said if words.startswith("The scans differ in ")]
    assert len(told) == 1 and told[0].startswith("The scans differ in sequence: T1w, then FLAIR.")
    assert not any("which sequence other than T1w it is" in words for words in said)


def test_an_own_column_hides_no_sequence(warnings_of, tmp_path):
    rows = [
        row(1, years, years, session=name, findings=found, sequence="SE")
        for name, years, found in (("1", 60.0, ""), ("2", 63.0, "other_sequence"))
    ]

    said = warnings_of(write_table(rows, tmp_path / "results.csv"))

    assert said[0].startswith("The scans differ in sequence: T1w, then another one than T1w.")


def test_an_own_column_says_what_a_table_without_findings_does_not(warnings_of, tmp_path):
    table = tmp_path / "own.csv"
    table.write_text(
        "id,session,age,brain_age_years,sequence\np1,1,60.0,60.0,T1w\np1,2,63.0,63.0,T2w\n"
    )

    said = warnings_of(table)

    assert said[0].startswith("The scans differ in the column sequence: T1w, then T2w.")


def test_a_table_of_a_batch_tells_the_sequence(warnings_of, tmp_path):
    rows = [
        row(1, years, years, session=name, findings=found, sequence=shown)
        for name, years, found, shown in (
            ("1", 60.0, "", "T1w after contrast"),
            ("2", 63.0, "other_sequence", "FLAIR"),
        )
    ]

    said = warnings_of(write_table(rows, tmp_path / "results.csv"))

    assert said[0].startswith("The scans differ in sequence: T1w, then FLAIR. ")
    assert not any("the column sequence" in words or "other than T1w" in words for words in said)


def test_who_is_followed_by_another_sequence_alone_is_told_that_the_error_is_of_t1(tmp_path):
    rows = [
        row(1, years, years, session=name, findings="other_sequence")
        for name, years in (("1", 60.0), ("2", 63.0))
    ]
    ((of_table,), _) = people_of_table(write_table(rows, tmp_path / "results.csv"))
    records = [prediction(years, years, **changes(*T2W)) for years in (60.0, 63.0)]
    visits = [visit_of(one, str(n), n) for n, one in enumerate(records)]

    assert OF_T1 in person_change(of_table, ERROR).warnings
    assert OF_T1 in person_change(person_of("one", visits), ERROR).warnings
