"""Logistic regression against a general library and against its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.discrete.discrete_model import Logit

from BrainAgeLib.cohort.logistic import (
    fit_logistic,
    likelihood_ratio_p,
    log_likelihood,
    profile_interval,
)


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(2)
    matrix = np.column_stack([generator.normal(size=(90, 2)), np.ones(90)])
    outcome = generator.random(90) < 1 / (1 + np.exp(-matrix @ [0.8, -0.3, 0.2]))
    return outcome, matrix


def test_the_fit_is_that_of_statsmodels(data):
    outcome, matrix = data
    fit, peer = fit_logistic(outcome, matrix), Logit(outcome.astype(float), matrix).fit(disp=False)

    assert fit.coefficients == pytest.approx(peer.params, abs=1e-6)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(peer.bse, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(peer.llf)


def test_the_test_and_the_interval_are_of_the_likelihood_ratio(data):
    outcome, matrix = data
    fit = fit_logistic(outcome, matrix)
    smaller = Logit(outcome.astype(float), matrix[:, 1:]).fit(disp=False)

    p = likelihood_ratio_p(outcome, matrix, 0, fit)
    low, high = profile_interval(outcome, matrix, 0, fit)

    assert p == pytest.approx(chi2.sf(2 * (fit.log_likelihood - smaller.llf), 1))
    for end in (low, high):
        held = fit_logistic(outcome, matrix[:, 1:], end * matrix[:, 0])
        assert 2 * (fit.log_likelihood - held.log_likelihood) == pytest.approx(3.8415, abs=1e-3)
    assert low < fit.coefficients[0] < high
    assert (p < 0.05) == (low > 0)


def test_outcomes_that_are_told_perfectly_have_no_fit():
    values = np.linspace(-1, 1, 20)

    assert fit_logistic(values > 0, np.column_stack([values, np.ones(20)])) is None


def test_columns_that_are_the_same_have_no_fit(data):
    outcome, matrix = data

    assert fit_logistic(outcome, np.column_stack([matrix, matrix[:, 0] * 0])) is None


def test_log_likelihood_by_hand():
    found = log_likelihood(np.array([True, False]), np.array([0.0, np.log(3.0)]))

    assert found == pytest.approx(np.log(0.5) + np.log(0.25))
