"""Cox regression in a cohort whose hazard is known, and where there is nothing to regress."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
from BrainAgeLib.cohort.design import covariate_columns
from BrainAgeLib.cohort.survival import time_to_event
from Testing.library.cohort.made_results import row, write_table

COLUMNS = ("event", "years_to_event")


def own_coefficients(late, columns):
    """Return where the partial likelihood is highest; at risk is who has entered before a time."""
    entry, time, group = (late[name].to_numpy() for name in ("entry_years", COLUMNS[1], "group"))
    covariates = (columns / columns.std()).to_numpy()
    events = np.flatnonzero(late["event"] == 1)

    def minus_log_likelihood(coefficients):
        risk = covariates @ coefficients
        at_risk = [
            (group == group[one]) & (entry < time[one]) & (time[one] <= time) for one in events
        ]
        return -sum(
            risk[one] - np.log(np.exp(risk[those]).sum())
            for one, those in zip(events, at_risk, strict=True)
        )

    best = minimize(minus_log_likelihood, np.zeros(covariates.shape[1]), tol=1e-9)
    return best.x / columns.std().to_numpy()


def test_the_true_hazard_is_in_the_interval(cohort):
    found, notes = time_to_event(cohort.first, *COLUMNS)
    by_year, by_sd, proportional = found

    assert by_year.low < np.exp(0.15) < by_year.high
    assert by_year.low > 1
    assert by_sd.value == pytest.approx(by_year.value ** cohort.first["gap_years"].std(), rel=1e-6)
    assert abs(np.arctanh(proportional.value)) < 3.3 / np.sqrt(proportional.people - 3)
    assert not notes


def test_people_who_are_not_at_risk_are_left_out_and_counted(cohort):
    first = cohort.first.copy()
    first.loc[:4, "years_to_event"] = 0.0

    found, notes = time_to_event(first, *COLUMNS)

    assert found[0].people == 115
    assert "5 people had no follow-up after their first scan that counts" in notes[0]


def test_few_events(cohort):
    first = cohort.first.copy()
    first["event"] = 0.0
    assert time_to_event(first, *COLUMNS) == ([], ["0 events are too few for Cox regression."])

    first.loc[::10, "event"] = 1.0
    found, notes = time_to_event(first, *COLUMNS)
    assert found
    assert "12 events for 4 coefficients" in notes[0]


def test_people_whose_first_scan_is_left_out_enter_later(cohort):
    # Their events before that scan could not have been seen: without entry they seem to be immune.
    first = cohort.first.copy()
    entry = np.where(np.arange(len(first)) % 2, 1.5, 0.0)
    first = first[first["years_to_event"] > entry]
    late = first.assign(entry_years=entry[first.index])

    found, notes = time_to_event(late, *COLUMNS)
    alike, none = time_to_event(first.assign(entry_years=0.0), *COLUMNS)
    plain, _ = time_to_event(first, *COLUMNS)
    columns = covariate_columns(late).assign(gap=late["gap_years"])

    assert f"of {int((late['entry_years'] > 0).sum())} people is left out" in notes[0]
    expected = np.exp(own_coefficients(late, columns)[-1])
    assert found[0].value == pytest.approx(expected, rel=2e-4)
    assert abs(expected - plain[0].value) > 2e-3 * expected  # entry does count here
    assert alike[0].value == pytest.approx(plain[0].value, rel=1e-6) and not none


def test_who_enters_at_the_time_of_an_event_is_not_at_risk_of_it(cohort):
    first = cohort.first.copy()
    first["years_to_event"] = np.ceil(first["years_to_event"] * 2 + 0.5) / 2
    at_events = first.assign(entry_years=np.where(np.arange(len(first)) % 2, 1.0, 0.0))
    at_events = at_events[at_events["years_to_event"] > at_events["entry_years"]]
    just_after = at_events.assign(entry_years=at_events["entry_years"] * 1.0001)

    found, _ = time_to_event(at_events, *COLUMNS)
    expected, _ = time_to_event(just_after, *COLUMNS)

    assert ((at_events["years_to_event"] == 1.0) & (at_events["event"] == 1)).any()
    assert found[0] == expected[0]


def test_the_hazard_of_age_is_not_taken_for_that_of_the_gap():
    # Age alone counts less with time; gaps of the old are small. Unscaled residuals of the gap
    # show it as if it were the gap's.
    generator = np.random.default_rng(0)
    age = generator.uniform(60, 85, 400)
    old = (age - 72) / 7
    gap = -4 * old + generator.normal(0, 3, 400)
    early, later = (0.25 * np.exp(0.08 * gap + effect * old) for effect in (1.0, -1.0))
    waiting, end = generator.exponential(1, 400), generator.uniform(2, 6, 400)
    time = np.where(waiting < early, waiting / early, 1 + (waiting - early) / later)
    first = pd.DataFrame({"age": age, "sex": "F", "group": "a", "gap_years": gap})
    first["event"], first["years_to_event"] = (time <= end) * 1.0, np.minimum(time, end)

    proportional = time_to_event(first, *COLUMNS)[0][-1]

    assert proportional.low < 0 < proportional.high


def test_a_site_that_nobody_is_left_of_is_no_coefficient(cohort):
    first = cohort.first.copy()
    first["place"] = np.array(["A", "B", "C"])[np.arange(len(first)) % 3]
    first.loc[first["place"] == "A", "event"] = np.nan

    found, notes = time_to_event(first, *COLUMNS, ("place",))

    assert found[0].people == 80
    assert not any("coefficients" in note and "for 6" in note for note in notes)
    rest = first[first["place"] != "A"]
    assert found[0].value == time_to_event(rest, *COLUMNS, ("place",))[0][0].value


def test_an_entry_is_told_by_times_and_warned_of_by_ages(tmp_path):
    rows = [
        row(n, 60.5 + n + k, 62.0 + n, session=str(k), when=k, event=n % 2, until=5 + n / 9)
        for n in range(12)
        for k in (0, 1)
    ]
    for entry in rows[:8:2]:
        entry["verdict"] = "refuse"
    table = write_table(rows, tmp_path / "results.csv")

    timed = read_cohort(table, Plan(time="when", event="event", event_time="until"))
    aged = read_cohort(table, Plan(event="event", event_time="until"))

    assert timed.first["entry_years"].tolist() == [1.0] * 4 + [0.0] * 8 and not timed.notes
    assert "An earlier scan of 4 people is left out" in aged.notes[0]
    assert "entry_years" not in aged.first


@pytest.mark.parametrize("lack", [{"when": ""}, {"group": ""}, {"verdict": "refuse"}, None])
def test_an_entry_is_told_whatever_leaves_the_first_scan_out(tmp_path, lack):
    rows = [
        row(n, 60.5 + n + k, 62.0 + n, session=str(k), when=k, event=n % 2, until=5, group="a")
        for n in range(12)
        for k in (0, 1)
    ]
    for entry in rows[:8:2]:
        entry |= lack or {}
    if lack is None:  # it is not in the table at all
        del rows[:8:2]
    table = write_table(rows, tmp_path / "results.csv")

    timed = read_cohort(table, Plan(time="when", event="event", event_time="until"))
    aged = read_cohort(table, Plan(event="event", event_time="until"))

    assert timed.first["entry_years"].tolist() == [1.0] * 4 + [0.0] * 8
    is_told = any("An earlier scan of 4 people" in note for note in aged.notes)
    assert is_told is (lack is not None and "when" not in lack)


def test_a_left_out_double_of_the_session_is_no_earlier_scan(tmp_path):
    rows = [row(n, 60.5 + n, 62.0 + n, event=n % 2, until=5) for n in range(12)]
    rows.append(rows[0] | {"age": 60.25, "gap_years": "", "verdict": "refuse"})
    table = write_table(rows, tmp_path / "results.csv")

    assert not read_cohort(table, Plan(event="event", event_time="until")).notes


def test_times_that_begin_at_no_scan_tell_of_no_entry(tmp_path):
    rows = [
        row(n, 60.5 + n + k, 62.0 + n, session=str(k), when=2015.5 + k, event=n % 2, until=5)
        for n in range(12)
        for k in (0, 1)
    ]
    table = write_table(rows, tmp_path / "results.csv")

    cohort = read_cohort(table, Plan(time="when", event="event", event_time="until"))

    assert "entry_years" not in cohort.first and cohort.visits["years"].max() == 1.0
