"""Cox regression in a cohort whose hazard is known, and where there is nothing to regress."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
from BrainAgeLib.cohort.survival import time_to_event
from Testing.library.cohort.made_results import row, write_table

COLUMNS = ("event", "years_to_event")


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
    assert "5 people had no follow-up" in notes[0]


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

    assert f"of {int((late['entry_years'] > 0).sum())} people is left out" in notes[0]
    assert found[0].value != pytest.approx(plain[0].value, rel=1e-4)
    assert alike[0].value == pytest.approx(plain[0].value, rel=1e-6) and not none


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
