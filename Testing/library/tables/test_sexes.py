"""A sex that a table leaves open is told once and costs nobody an age."""

from __future__ import annotations

import pytest

LEFT_EMPTY = "a sex that is neither F nor M, or is both, is left empty: "


@pytest.mark.parametrize("code", ["1", "2", "0", "yes", "X", "other"])
def test_a_sex_that_is_a_code_is_left_empty_and_keeps_the_age(facts_of, code, caplog):
    table = f"participant_id\tage\tsex\nsub-001\t63\t{code}\nsub-002\t64\tF\n"

    first, second = facts_of(table, ("sub-001", ""), ("sub-002", ""))

    assert (first.age_years, first.sex, first.complaint) == (63.0, None, None)
    assert (second.age_years, second.sex) == (64.0, "F")
    assert caplog.messages == [f"{LEFT_EMPTY}1 row of participants.tsv (sex)"]


@pytest.mark.parametrize(
    ("columns", "cells", "sex", "is_told"),
    [
        ("sex\tgender", "F\tM", "F", False),
        ("Gender\tSex", "M\tF", "F", False),
        ("sex\tgender", "n/a\tM", "M", False),
        ("sex\tgender", "1\tM", "M", False),
        ("sex\tgender", "F\t2", "F", False),
        ("sex\tgender", "1\t2", None, True),
        ("sex\tsex_at_birth", "F\tM", None, True),
        ("sex\tgender", "n/a\tother", None, True),
        ("sex\tgender", "n/a\tu", None, False),
    ],
)
def test_a_sex_goes_before_a_gender_and_none_of_them_costs_the_age(
    facts_of, columns, cells, sex, is_told, caplog
):
    (found,) = facts_of(f"participant_id\tage\t{columns}\nsub-001\t63\t{cells}\n", ("sub-001", ""))

    assert (found.age_years, found.sex, found.complaint) == (63.0, sex, None)
    said = f"{LEFT_EMPTY}1 row of participants.tsv ({columns})".replace("\t", ", ")
    assert caplog.messages == ([said] if is_told else [])


def test_rows_of_all_tables_whose_sex_is_left_empty_are_one_line(facts_of, caplog):
    table = "participant_id\tage\tsex\tgender\tfile\n" + "".join(
        f"sub-00{n}\t63\t1\t2\tsub-00{n}.nii\n" for n in (1, 2)
    )
    beside = {
        f"sub-00{n}/sub-00{n}_sessions.tsv": "session_id\tsex\nses-1\t1\nses-2\tF\n" for n in (1, 2)
    }

    facts_of(table, ("sub-001", "ses-1"), ("sub-002", "ses-1"), beside=beside)

    of_people, of_sessions = "participants.tsv (sex, gender)", "sub-*_sessions.tsv (sex)"
    assert caplog.messages == [f"{LEFT_EMPTY}2 rows of {of_people}, 2 rows of {of_sessions}"]
