"""Who is in which group, when, and tables that cannot be a cohort."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.cohort_data import NO_GROUP, Plan, read_cohort
from BrainAgeLib.cohort.differences import fit_groups
from BrainAgeLib.cohort.report import cohort_report
from BrainAgeLib.errors import InputError
from Testing.library.cohort.made_results import healthy_rows, row, write_table


def grouped(sizes, **changes):
    """Return rows of groups of so many people."""
    rows = healthy_rows(sum(sizes.values()))
    names = [name for name, size in sizes.items() for _ in range(size)]
    return [entry | {"group": name} | changes for entry, name in zip(rows, names, strict=True)]


def volumes(odd):
    """Return eight people whose last one's volume is ``odd``."""
    rows = [entry | {"tiv": 1500 + n} for n, entry in enumerate(grouped({"AD": 8}))]
    rows[-1]["tiv"] = odd
    return rows


def read(rows, tmp_path, plan=None):
    return read_cohort(write_table(rows, tmp_path / "results.csv"), plan or Plan())


def test_the_reference_comes_first(tmp_path):
    rows = grouped({"AD": 6, "CN": 6, "MCI": 6})

    assert read(rows, tmp_path).groups == ("AD", "CN", "MCI")
    assert read(rows, tmp_path, Plan("MCI")).groups == ("MCI", "AD", "CN")
    with pytest.raises(InputError, match="no group 'HC'"):
        read(rows, tmp_path, Plan("HC"))


def test_time_counts_from_the_first_scan(tmp_path):
    rows = [
        row(n, 60.0 + n + years, 62.0 + n, session=str(years)) for n in range(6) for years in (2, 0)
    ]

    cohort = read(rows, tmp_path)

    assert cohort.groups == (NO_GROUP,)
    assert cohort.is_followed
    assert list(cohort.visits["years"][:2]) == [0.0, 2.0]
    assert (cohort.first["years"] == 0).all()
    assert (cohort.visits["age_first"] == cohort.visits["age"] - cohort.visits["years"]).all()
    assert "whole years" in cohort.notes[0]


def test_a_column_of_times_wins(tmp_path):
    rows = [
        row(n, 60.0 + n + time, 62.0, session=str(time), time=time + 10)
        for n in range(6)
        for time in (0.0, 0.5)
    ]

    cohort = read(rows, tmp_path, Plan(time="time"))

    assert set(cohort.visits["years"]) == {0.0, 0.5}


def test_times_may_have_the_name_of_what_is_made_of_them(tmp_path):
    rows = [row(1, 60, 62, session="a", years=3.0), row(1, 60, 63, session="b", years=3.5)]
    rows += [row(n, 60, 61, years=0.0) for n in range(2, 8)]

    cohort = read(rows, tmp_path, Plan(time="years"))

    assert cohort.visits["years"].tolist()[:2] == [0.0, 0.5]


def test_a_column_that_has_the_name_of_one_of_ours_is_not_taken_for_it(tmp_path):
    rows = grouped({"AD": 8, "CN": 8}, age_first="unknown", years="many")

    cohort = read(rows, tmp_path)

    assert fit_groups(cohort.first, cohort.groups, "raw gap", "gap_years") is not None
    assert (cohort.visits["age_first"] == cohort.visits["age"]).all()


def test_an_age_that_stands_still_while_time_passes_is_refused(tmp_path):
    rows = [
        row(n, 60.0 + n, 62.0, session=str(time), time=time) for n in range(6) for time in (0, 3)
    ]

    with pytest.raises(InputError, match="age does not grow"):
        read(rows, tmp_path, Plan(time="time"))


def test_people_without_a_group_are_left_out_where_others_have_one(tmp_path):
    rows = grouped({"AD": 6, "CN": 6, "": 2})

    cohort = read(rows, tmp_path)

    assert [item.reason for item in cohort.exclusions] == ["no group"] * 2
    assert len(cohort.first) == 12


def test_the_group_of_the_first_visit_counts(tmp_path):
    rows = grouped({"AD": 6, "MCI": 6})
    later = [
        entry | {"session": "2", "group": "AD", "age": entry["age"] + 1, "gap_years": ""}
        for entry in rows
    ]

    cohort = read([*rows, *later], tmp_path)

    assert (cohort.visits.groupby("person")["group"].nunique() == 1).all()
    assert any("6 visits name another group" in note for note in cohort.notes)


@pytest.mark.parametrize(
    ("rows", "plan", "message"),
    [
        (grouped({"AD": 4, "CN": 6}), Plan(), "group 'AD' has 4 people"),
        (grouped({"AD": 6}), Plan(measures=("volume",)), "no column volume"),
        (grouped({"AD": 6}), Plan(covariates=("site",)), "no column site"),
        (grouped({"AD": 6}, mmse="bad"), Plan(score="mmse"), "line 2 .*mmse is 'bad'"),
        (grouped({"AD": 6}, event=2, time=1), Plan(event="event", event_time="time"), "0 and 1"),
        (grouped({"AD": 6}, event=1), Plan(event="event"), "two columns"),
        ([row(1, 60, 61, verdict="refuse")], Plan(), "has nobody"),
        ([], Plan(), "has nobody|no column"),
        (grouped({"AD": 6}), Plan(covariates=("brain_age_years",)), "made of the gap"),
        (grouped({"AD": 6}), Plan(measures=("v",), covariates=("v",)), "as a measure and as a"),
        (grouped({"AD": 6}, site=""), Plan(covariates=("site",)), "column site .* is empty"),
        (grouped({"AD": 6}, mmse="n/a"), Plan(score="mmse"), "column mmse .* is empty"),
        (
            volumes("1480 ml"),
            Plan(covariates=("tiv",)),
            "line 9 of .*tiv is '1480 ml', which is no number",
        ),
        (
            volumes("1,480"),
            Plan(covariates=("tiv",)),
            "line 9 of .*tiv is '1,480', whose comma may stand between thousands",
        ),
        (
            grouped({"AD": 6}, intercept=1),
            Plan(covariates=("intercept",)),
            "intercept has the name",
        ),
        (grouped({"AD": 6}), Plan(covariates=("group",)), "covariate group has the name"),
        (grouped({"AD": 6}, **{"sex M": 1}), Plan(covariates=("sex M",)), "sex M has the name"),
        (
            grouped({"AD": 6}, **{"years x age": 1}),
            Plan(covariates=("years x age",)),
            "years x age has the name",
        ),
        (grouped({"AD": 6}), Plan(score="gap_years"), "gap_years is made of the gap"),
        (
            grouped({"AD": 6}, mmse=28),
            Plan(score="mmse", covariates=("mmse",)),
            "mmse is asked for as an outcome or a time and as a covariate",
        ),
        (grouped({"AD": 6}, years=1), Plan(covariates=("years",)), "years means something else"),
    ],
)
def test_what_is_no_cohort(rows, plan, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(rows, tmp_path, plan)


def test_two_people_under_one_id_are_refused_by_their_sexes(tmp_path):
    rows = grouped({"AD": 6, "CN": 6}, sex="F")
    later = row(3, 90.0, 91.0, session="2", group="AD", sex="M")

    with pytest.raises(InputError, match="lines 5 and 14 of .* one person .* F and M") as said:
        read([*rows, later], tmp_path)

    assert "sub-003" not in str(said.value)
    assert len(read([*rows, later | {"sex": ""}], tmp_path).visits) == 13


def test_names_of_sites_may_be_numbers_here_and_there(tmp_path):
    rows = [entry | {"site": "A12"[n % 3]} for n, entry in enumerate(grouped({"a": 6, "b": 6}))]
    rows += [row(20, 60, 61, group="a", site="A"), row(21, 60, 61, group="a", site="B")]
    rows += [row(n, 60, 61, group="b", site="B") for n in range(22, 26)]

    assert len(read(rows, tmp_path, Plan(covariates=("site",))).first) == 18


def test_a_scan_without_a_time_is_left_out_and_is_nobodys_first(tmp_path):
    rows = [
        row(n, 60.0 + n + time, 62.0, session=str(time), time=time)
        for n in range(7)
        for time in (0.0, 1.0, 2.0)
    ]
    rows[0]["time"] = "n/a"
    rows[4]["time"] = ""

    cohort = read(rows, tmp_path, Plan(time="time"))

    assert [(item.line, item.reason) for item in cohort.exclusions] == [
        (2, "no time"),
        (6, "no time"),
    ]
    assert cohort.first["age"].tolist()[:2] == [61.0, 61.0]
    assert cohort.visits["years"].notna().all()


def test_one_age_for_all_sessions_is_told_of_and_sessions_keep_their_order(tmp_path):
    rows = [row(n, 60.5 + n, 62.0 + n + k, session=str(k)) for n in range(6) for k in (2, 1)]

    cohort = read(rows, tmp_path)

    assert any("6 people have scans of several sessions at one age" in n for n in cohort.notes)
    assert set(cohort.first["session"]) == {"1"}


def test_whole_years_tell_no_time_of_scans_of_one_age(tmp_path):
    rows = [row(n, 60 + n, 62.0 + n + k, session=str(k)) for n in range(12) for k in (1, 2)]
    table = write_table(rows, tmp_path / "results.csv")

    report = cohort_report(table, Plan())

    assert "All ages are whole years" in report.sections[0].parts[0]
    assert not [item for item in report.estimates if item.analysis == "reliability"]
    timed = [entry | {"when": int(entry["session"]) / 12} for entry in rows]
    report = cohort_report(write_table(timed, table), Plan(time="when"))
    assert [item for item in report.estimates if item.analysis == "reliability"]


def test_covariates_of_every_model_are_told_of_and_change_nothing(tmp_path):
    rows = [entry | {"site": "AB"[n % 2]} for n, entry in enumerate(grouped({"AD": 9, "CN": 9}))]
    table = write_table(rows, tmp_path / "results.csv")

    asked = cohort_report(table, Plan(covariates=("age", "site", "sex")))
    plain = cohort_report(table, Plan(covariates=("site",)))

    assert asked.estimates == plain.estimates and asked.methods == plain.methods
    assert "in every model already: age, sex." in asked.sections[0].parts[0]


@pytest.mark.parametrize(("codes", "odd"), [((1, 2, 3), "3T"), ((12, 16), "<8")])
def test_codes_of_few_kinds_with_one_that_is_no_number_are_a_category(tmp_path, codes, odd):
    rows = [entry | {"code": codes[n % 2]} for n, entry in enumerate(grouped({"a": 6, "b": 6}))]
    rows[2]["code"], rows[3]["code"] = odd, codes[-1]

    assert len(read(rows, tmp_path, Plan(covariates=("code",))).first) == 12


def test_a_number_that_is_none_is_told_with_how_to_ask_for_a_category(tmp_path):
    with pytest.raises(InputError) as said:
        read(volumes("1480 ml"), tmp_path, Plan(covariates=("tiv",)))

    assert "put a letter before each of its values" in said.value.hint
