"""Figures against values worked out by hand or published."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.statistics.accuracy import accuracy, bootstrap_mean


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
