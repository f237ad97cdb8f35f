"""Cox regression in a cohort whose hazard is known, and where there is nothing to regress."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.cohort.survival import time_to_event

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
