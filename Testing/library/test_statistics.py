"""Figures against values worked out by hand or published."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from BrainAgeLib import statistics
from BrainAgeLib.statistics import (
    accuracy,
    accuracy_figures,
    accuracy_intervals,
    bootstrap_mean,
    exact_interval,
    percentile_interval,
)


@pytest.fixture(scope="module")
def people():
    generator = np.random.default_rng(4)
    ages = generator.uniform(20, 80, 300)
    return ages, 0.8 * ages + 11 + generator.normal(0, 6, 300)


def test_accuracy_by_hand():
    figures = accuracy([20.0, 40.0, 60.0], [26.0, 40.0, 51.0])

    # Gaps 6, 0, -9. Mean age 40, mean prediction 39.
    assert figures.people == 3
    assert figures.mae_years == pytest.approx(5.0)
    assert figures.rmse_years == pytest.approx(math.sqrt((36 + 81) / 3))
    assert figures.mean_error_years == pytest.approx(-1.0)
    assert figures.r2 == pytest.approx(1 - 117 / 800)
    # Slope of predicted on age: (20 * 13 + 20 * 12) / 800.
    assert figures.slope == pytest.approx(0.625)
    assert figures.gap_slope == pytest.approx(-0.375)
    assert figures.r == pytest.approx(500 / math.sqrt(800 * (13**2 + 1 + 12**2)))
    assert figures.gap_age_correlation == pytest.approx(-300 / math.sqrt(800 * (49 + 1 + 64)))
    assert figures.mean_age_mae_years == pytest.approx(40 / 3)


def test_a_perfect_prediction_has_no_correlation_of_its_gap():
    figures = accuracy([20.0, 40.0, 60.0], [20.0, 40.0, 60.0])

    assert (figures.mae_years, figures.rmse_years) == (0.0, 0.0)
    assert figures.mae_interval_years == (0.0, 0.0)
    assert (figures.r2, figures.slope) == pytest.approx((1.0, 1.0))
    assert math.isnan(figures.gap_age_correlation)


@pytest.mark.parametrize("ages", [[], [30.0], [30.0, 40.0], [30.0, 30.0, 30.0]])
def test_too_few_or_equal_people_have_no_accuracy(ages):
    with pytest.raises(ValueError, match="at least three people of different age"):
        accuracy(ages, ages)


def test_no_more_is_drawn_at_once_than_memory_takes_and_the_figures_stay(people, monkeypatch):
    at_once = accuracy_intervals(*people), bootstrap_mean(people[1])
    most = []

    def counted(ages, predicted):
        most.append(ages.size)
        return accuracy_figures(ages, predicted)

    monkeypatch.setattr(statistics, "accuracy_figures", counted)
    monkeypatch.setattr(statistics, "MOST_DRAWN_AT_ONCE", 5000)

    assert (accuracy_intervals(*people), bootstrap_mean(people[1])) == at_once
    assert max(most) <= 5000


def test_samples_of_people_are_judged_one_by_one(people):
    ages, predicted = (values.reshape(3, 100) for values in people)

    figures = accuracy_figures(ages, predicted)

    for number in range(3):
        alone = asdict(accuracy(ages[number], predicted[number]))
        assert {name: values[number] for name, values in figures.items()} == pytest.approx(
            {name: alone[name] for name in figures}
        )


def test_every_figure_lies_in_its_interval(people):
    figures, intervals = asdict(accuracy(*people)), accuracy_intervals(*people)

    assert set(intervals) == set(figures) - {"people", "mae_interval_years"}
    for name, (low, high) in intervals.items():
        assert low < figures[name] < high, name
    assert intervals["mae_years"] == pytest.approx(figures["mae_interval_years"])


def test_the_interval_of_the_slope_is_about_that_of_least_squares(people):
    ages, _ = people
    low, high = accuracy_intervals(*people)["slope"]

    half = 1.96 * 6 / (ages.std() * math.sqrt(len(ages)))
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_bootstrap_interval_is_about_that_of_the_mean():
    values = np.random.default_rng(2).normal(5.0, 3.0, 400)

    low, high = bootstrap_mean(values)

    half = 1.96 * values.std() / math.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.04)
    assert bootstrap_mean(values) == (low, high)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Rule of the ends: 1 - 0.025 ** (1 / n).
        (0, 10, 0.0, 0.308497),
        (10, 10, 0.691503, 1.0),
        # Newcombe 1998, Stat Med 17:857-872, table I, method 5.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
    ],
)
def test_exact_interval_of_a_proportion(successes, trials, low, high):
    assert exact_interval(successes, trials) == pytest.approx((low, high), abs=6e-5)


def test_an_interval_that_cannot_be_had_is_none_and_says_nothing(recwarn):
    ages, predicted = np.array([30.0, 50.0, 70.0]), np.array([33.0, 49.0, 72.0])

    intervals = accuracy_intervals(ages, predicted)

    assert np.isfinite(intervals["mae_years"]).all()
    # A ninth of the samples holds one person alone, and those have no R2, r or slope.
    assert all(np.isnan(intervals[name]).all() for name in ("r2", "r", "slope"))
    some = np.r_[np.arange(99.0), -np.inf]  # fewer than an end leaves out
    assert percentile_interval(some) == pytest.approx((98 * 0.025, 98 * 0.975))
    assert not recwarn.list


def test_the_interval_of_ten_people_holds_the_truth_of_about_95_of_100():
    generator, held = np.random.default_rng(4), 0
    for _ in range(400):
        low, high = bootstrap_mean(np.abs(generator.normal(0, 6, 10)))
        held += low <= 6 * np.sqrt(2 / np.pi) <= high

    assert held > 0.915 * 400  # the plain percentiles hold 88 of 100
