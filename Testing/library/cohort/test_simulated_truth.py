"""A quick version of the simulated cohorts: unbiased, and intervals that hold about as often."""

from __future__ import annotations

import math

import pytest

from Testing.studies.cohort.simulated import SCENARIOS, judge, stored_runs

RUNS = {"difference": 25, "change": 10, "hazard ratio": 25}
QUICK = (
    "difference, no effect, patients 5 years older",
    "difference, 3 years, sites shifted by 6 and unbalanced, site as covariate",
    "change, 0.5 a year more",
    "hazard ratio, none",
)


@pytest.mark.parametrize("name", QUICK)
def test_estimates_are_unbiased_and_intervals_hold(name):
    scenario = next(item for item in SCENARIOS if item.name == name)
    runs = next(count for start, count in RUNS.items() if name.startswith(start))

    found = judge(scenario, stored_runs(scenario, runs, None))

    assert found.runs == runs
    assert found.mean == pytest.approx(scenario.value, abs=4 * found.standard_error + 0.01)
    assert found.coverage >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)


def test_a_site_that_is_left_out_biases_the_difference():
    scenario = next(item for item in SCENARIOS if "site left out" in item.name)

    found = judge(scenario, stored_runs(scenario, 10, None))

    assert found.mean - scenario.value > 2.5
    assert found.coverage < 0.5


def test_runs_are_stored_and_not_made_again(tmp_path):
    scenario = SCENARIOS[0]
    first = stored_runs(scenario, 3, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text("[[1.0, 0.5, 2.0, 0.01]]", "utf-8")

    assert len(first) == 3
    assert stored_runs(scenario, 3, tmp_path).tolist() == [[1.0, 0.5, 2.0, 0.01]]
