"""Figures against values worked out by hand or published."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.training.metrics import (
    accuracy,
    bootstrap_mean,
    exact_interval,
    zero_information_corrected_mae,
)


def test_accuracy_by_hand():
    found = accuracy([20.0, 40.0, 60.0], [26.0, 40.0, 51.0])

    # Gaps 6, 0, -9. Mean age 40, mean prediction 39.
    assert found.people == 3
    assert found.mae_years == pytest.approx(5.0)
    assert found.rmse_years == pytest.approx(math.sqrt((36 + 81) / 3))
    assert found.mean_error_years == pytest.approx(-1.0)
    assert found.r2 == pytest.approx(1 - 117 / 800)
    # Slope of predicted on age: (20 * 13 + 20 * 12) / 800.
    assert found.slope == pytest.approx(0.625)
    assert found.gap_slope == pytest.approx(-0.375)
    assert found.r == pytest.approx(500 / math.sqrt(800 * (13**2 + 1 + 12**2)))
    assert found.gap_age_correlation == pytest.approx(-300 / math.sqrt(800 * (49 + 1 + 64)))
    assert found.mean_age_mae_years == pytest.approx(40 / 3)


def test_a_perfect_prediction():
    found = accuracy([20.0, 40.0, 60.0], [20.0, 40.0, 60.0])

    assert (found.mae_years, found.rmse_years, found.mae_interval_years) == (0.0, 0.0, (0.0, 0.0))
    assert (found.r2, found.slope) == pytest.approx((1.0, 1.0))
    assert math.isnan(found.gap_age_correlation)


@pytest.mark.parametrize("ages", [[], [30.0], [30.0, 40.0], [30.0, 30.0, 30.0]])
def test_too_few_or_equal_people_have_no_accuracy(ages):
    with pytest.raises(ValueError, match="at least three people of different age"):
        accuracy(ages, ages)


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
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_clopper_pearson_interval(successes, trials, low, high):
    found = exact_interval(successes, trials)

    assert found == pytest.approx((low, high), abs=6e-5)


def test_exact_interval_widens_with_the_level_and_is_symmetric():
    assert exact_interval(5, 50, 0.99)[0] < exact_interval(5, 50, 0.9)[0]
    low, high = exact_interval(5, 50)
    assert exact_interval(45, 50) == pytest.approx((1 - high, 1 - low))


def test_exact_interval_covers_at_least_as_often_as_promised():
    generator = np.random.default_rng(3)
    intervals = [exact_interval(n, 30) for n in range(31)]

    covered = [intervals[n][0] <= 0.9 <= intervals[n][1] for n in generator.binomial(30, 0.9, 2000)]

    assert np.mean(covered) > 0.94


def test_a_predictor_that_knows_nothing_looks_good_after_correction():
    ages = np.random.default_rng(5).normal(70.0, 7.9, 20_000)

    found = zero_information_corrected_mae(ages, 3.4)

    # Mean absolute value of a normal distribution: 3.4 sqrt(2 / pi).
    assert found == pytest.approx(3.4 * math.sqrt(2 / math.pi), abs=0.05)
    assert found == pytest.approx(2.7, abs=0.05)
    # It is far better than what the raw mean age reaches.
    assert np.abs(ages - ages.mean()).mean() > 2 * found
