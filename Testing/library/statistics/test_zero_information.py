"""A predictor that knows nothing looks good after correction: that is the point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.statistics.zero_information import (
    correct,
    corrected_figures,
    method_of,
    zero_information_figures,
)

AGES = np.random.default_rng(5).normal(70.0, 7.9, 3000)
PREDICTED = 0.8 * AGES + 15 + np.random.default_rng(6).normal(0, 5, len(AGES))


def test_a_predictor_that_knows_nothing_looks_good_after_correction():
    found = zero_information_figures(AGES, 3.4)

    # Mean absolute value of a normal distribution: 3.4 sqrt(2 / pi).
    assert found.mae_years == pytest.approx(3.4 * math.sqrt(2 / math.pi), abs=0.02)
    assert found.rmse_years == pytest.approx(3.4, abs=0.02)
    assert found.r == pytest.approx(0.92, abs=0.01)
    # It is far better than what the raw mean age reaches.
    assert np.abs(AGES - AGES.mean()).mean() > 2 * found.mae_years


def test_dividing_by_the_slope_does_not_flatter_it():
    assert zero_information_figures(AGES, 3.4, "cole").mae_years > 100


@pytest.mark.parametrize("method", ["de-lange-cole", "cole"])
def test_the_correction_is_recognised_by_what_it_did(method):
    assert method_of(AGES, PREDICTED, correct(AGES, PREDICTED, method)) == method


def test_an_unknown_correction_is_not_recognised():
    corrected = np.where(AGES < 70, PREDICTED + 1, PREDICTED - 1)

    assert method_of(AGES, PREDICTED, corrected) is None


def test_figures_by_hand():
    figures = corrected_figures(np.array([20.0, 40.0]), np.array([23.0, 36.0]))

    assert (figures.mae_years, figures.rmse_years) == (3.5, math.sqrt(12.5))
    assert figures.r == pytest.approx(1.0)
