"""Logistic regression by Newton's method, quick enough to be refitted in each bootstrap round.

A general library takes ten times as long a fit, and an interval of nested models needs thousands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MOST_STEPS = 50
MOST_HALVINGS = 20
CONVERGED = 1e-9  # change of the log-likelihood
MOST_LOG_ODDS = 25.0  # of a person; beyond it the columns tell the outcome perfectly
HALF_CHI_SQUARE_95 = 1.9207294  # half the 95 % quantile of chi-square with one degree of freedom
MOST_LOG_ODDS_RATIO = 20.0  # of an interval's end


@dataclass(frozen=True)
class LogisticFit:
    """A fitted model: (column,) coefficients and their covariance."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float


def log_likelihood(outcome: np.ndarray, log_odds: np.ndarray) -> float:
    """Return the Bernoulli log-likelihood of (person,) booleans given their log odds."""
    return float((outcome * log_odds - np.logaddexp(0.0, log_odds)).sum())


def fit_logistic(
    outcome: np.ndarray, matrix: np.ndarray, offset: np.ndarray | float = 0.0
) -> LogisticFit | None:
    """Fit (person,) booleans on (person, column); ``offset`` is added to the log odds.

    Returns None when the columns tell the outcome perfectly or are not independent.
    """
    coefficients = np.zeros(matrix.shape[1])
    log_odds = offset + matrix @ coefficients
    now = log_likelihood(outcome, log_odds)
    for _ in range(MOST_STEPS):
        chance = 1.0 / (1.0 + np.exp(-log_odds))
        information = (matrix.T * (chance * (1.0 - chance))) @ matrix
        try:
            step = np.linalg.solve(information, matrix.T @ (outcome - chance))
            covariance = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            return None
        for _ in range(MOST_HALVINGS):
            tried = offset + matrix @ (coefficients + step)
            then = log_likelihood(outcome, tried)
            if then >= now - CONVERGED:
                break
            step = step / 2
        coefficients, log_odds, gained, now = coefficients + step, tried, then - now, then
        if not np.abs(log_odds).max() < MOST_LOG_ODDS:
            return None
        if abs(gained) < CONVERGED:
            return LogisticFit(coefficients, covariance, now)
    return None


def likelihood_ratio_p(
    outcome: np.ndarray, matrix: np.ndarray, column: int, fit: LogisticFit
) -> float | None:
    """Return the p-value of the likelihood ratio test of one column of a fitted model."""
    from scipy.stats import chi2

    smaller = fit_logistic(outcome, np.delete(matrix, column, axis=1))
    if smaller is None:
        return None
    return float(chi2.sf(max(0.0, 2 * (fit.log_likelihood - smaller.log_likelihood)), 1))


def profile_interval(
    outcome: np.ndarray, matrix: np.ndarray, column: int, fit: LogisticFit
) -> tuple[float, float] | None:
    """Return the 95 % profile likelihood interval of one coefficient (Venzon and Moolgavkar 1988).

    doi 10.2307/2347496. It holds what the likelihood ratio test does not reject. None when an end
    lies beyond what could be estimated.
    """
    from scipy.optimize import brentq

    others, mine = np.delete(matrix, column, axis=1), matrix[:, column]
    best = float(fit.coefficients[column])

    def lost(value: float) -> float:
        smaller = fit_logistic(outcome, others, value * mine)
        likelihood = -math.inf if smaller is None else smaller.log_likelihood
        return min(fit.log_likelihood - likelihood, 1e6) - HALF_CHI_SQUARE_95

    ends = []
    for sign in (-1.0, 1.0):
        reach = 2.0 * math.sqrt(float(fit.covariance[column, column]))
        while lost(best + sign * reach) < 0:
            reach *= 1.5
            if reach > MOST_LOG_ODDS_RATIO:
                return None
        ends.append(float(brentq(lost, best, best + sign * reach, xtol=1e-5)))
    return ends[0], ends[1]
