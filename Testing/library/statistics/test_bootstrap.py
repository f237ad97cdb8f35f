"""Bootstrap intervals of all figures belong to the figures themselves."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from BrainAgeLib.statistics.accuracy import accuracy, bootstrap_mean
from BrainAgeLib.statistics.bootstrap import accuracy_intervals


@pytest.fixture(scope="module")
def people():
    generator = np.random.default_rng(4)
    ages = generator.uniform(20, 80, 300)
    return ages, 0.8 * ages + 11 + generator.normal(0, 6, 300)


def test_every_figure_lies_in_its_interval(people):
    values, intervals = asdict(accuracy(*people)), accuracy_intervals(*people)

    assert set(intervals) == set(values) - {"people", "mae_interval_years"}
    for name, (low, high) in intervals.items():
        assert low < values[name] < high, name


def test_the_interval_of_the_error_is_that_of_its_mean(people):
    ages, predicted = people

    assert accuracy_intervals(*people)["mae_years"] == pytest.approx(
        bootstrap_mean(np.abs(predicted - ages)), abs=1e-9
    )


def test_the_interval_of_the_slope_is_about_that_of_least_squares(people):
    ages, _ = people
    low, high = accuracy_intervals(*people)["slope"]

    half = 1.96 * 6 / (ages.std() * math.sqrt(len(ages)))
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)
