"""Which scan of a person is the first, by age, session and line; and what is no name of one."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
from BrainAgeLib.cohort.table import first_scans, later_scans, read_table
from BrainAgeLib.cohort.visit_order import session_numbers
from BrainAgeLib.errors import InputError
from Testing.library.cohort.made_results import row, write_table


@pytest.mark.parametrize(
    ("sessions", "ordered"),
    [
        (("pre", "post"), ("pre", "post")),
        (("10", "2"), ("2", "10")),
        (("ses-M12", "ses-m06", "ses-M00"), ("ses-M00", "ses-m06", "ses-M12")),
        (("b2", "a1"), ("b2", "a1")),
        (("2", "baseline"), ("2", "baseline")),
    ],
)
def test_sessions_of_one_age_are_in_the_order_of_their_numbers_else_of_lines(
    tmp_path, sessions, ordered
):
    rows = [row(n, 60.5 + n, 62.0 + n, session=name) for n in range(6) for name in sessions]
    path = write_table(rows, tmp_path / "results.csv")
    scans = read_table(path).scans

    cohort = read_cohort(path, Plan())

    assert tuple(cohort.visits["session"][: len(ordered)]) == ordered
    assert set(first_scans(scans)["session"]) == set(cohort.first["session"]) == {ordered[0]}
    assert ordered[0] not in {item.session for item in later_scans(scans)}
    assert not any(name.startswith(" ") for name in cohort.visits)


def test_sessions_of_a_person_do_not_order_those_of_another(tmp_path):
    rows = [row(1, 60, 61, session=name) for name in ("10", "2")]
    rows += [row(2, 60, 61, session=name) for name in ("post", "1")]
    scans = read_table(write_table(rows, tmp_path / "results.csv")).scans

    assert session_numbers(scans).tolist() == [10.0, 2.0, 0.0, 0.0]
    assert first_scans(scans.iloc[:0]).empty


def test_people_whose_ages_go_back_against_their_sessions_are_counted(tmp_path):
    rows = [row(n, 60.5 + n, 62.0 + n, session="M0") for n in range(6)]
    rows += [row(n, 61.5 + n - 2 * (n == 3), 62.0 + n, session="M12") for n in range(6)]

    notes = read_cohort(write_table(rows, tmp_path / "results.csv"), Plan()).notes

    assert [one for one in notes if "sessions of 1 person tell another order" in one]
    rows[9] |= {"session": "follow-up"}
    notes = read_cohort(write_table(rows, tmp_path / "results.csv"), Plan()).notes
    assert not [one for one in notes if "another order" in one]


@pytest.mark.parametrize("word", ["none", "Unknown", "missing", "-", "?"])
def test_what_may_be_the_name_of_a_group_is_one(tmp_path, word):
    names = {"id": word, "session": word, "group": word, "model": word}
    rows = [row(n, 60.0 + n, 61.0) for n in range(6)] + [row(7, 50.0, 51.0) | names]

    last = read_table(write_table(rows, tmp_path / "results.csv")).scans.iloc[-1]

    assert [last[name] for name in names] == [word] * 4


def test_a_comma_that_may_be_either_is_told_with_what_to_do_of_both(tmp_path):
    rows = [row(n, 60.0 + n, 61.0, volume="1,250") for n in range(6)]

    with pytest.raises(InputError, match="may stand between thousands") as said:
        table = write_table(rows, tmp_path / "results.csv")
        read_cohort(table, Plan(measures=("volume",)))

    assert "leave the comma out if it stands between thousands" in said.value.hint
    assert "a point if it is a decimal one" in said.value.hint
