"""Linear mixed models of repeated visits: one line a person around one line a group.

value ~ columns + (1 + years | person), by restricted maximum likelihood (Laird and Ware 1982, doi
10.2307/2529876; statsmodels). People with a single visit stay in: they tell of the level. Where
the slopes of people cannot be told apart from noise, a random intercept is left, and said so.
Intervals are t intervals of what changes within people; their degrees of freedom are those of
people, not of visits: with the same visits for all, the test is that of people's own slopes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from BrainAgeLib.cohort.design import scatters
from BrainAgeLib.statistics import QUANTILES

SMALLEST_SLOPE_SD = 1e-3  # per year; below it people's slopes count as alike
LEAST_PEOPLE_WITH_THREE = 5  # visits, for random slopes


@dataclass(frozen=True)
class MixedFit:
    """A fitted model; arrays are over the columns of ``names``.

    ``slope_sd`` is None with a random intercept alone. ``freedom``: people in whom a column changes
    less the columns that do, as with a test of each person's own slope (Matthews et al. 1990, doi
    10.1136/bmj.300.6719.230). ``rows_of``: positions of each of the ``persons``' visits.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    intercept_sd: float
    slope_sd: float | None
    random_covariance: np.ndarray
    residual_sd: float
    people: int
    visits: int
    freedom: float
    converged: bool
    matrix: np.ndarray
    values: np.ndarray
    years: np.ndarray
    rows_of: tuple[np.ndarray, ...]
    persons: tuple[str, ...]

    def contrast(self, vector: np.ndarray) -> tuple[float, float, float, float]:
        """Return estimate, 95 % t interval and p-value of a linear combination."""
        from scipy.stats import t

        value = float(vector @ self.coefficients)
        error = float(np.sqrt(vector @ self.covariance @ vector))
        half = float(t.ppf(QUANTILES[1], self.freedom)) * error
        p = 2 * float(t.sf(abs(value) / error, self.freedom)) if error > 0 else float("nan")
        return value, value - half, value + half, p

    def column(self, name: str) -> np.ndarray:
        """Return the vector that picks one coefficient."""
        return (np.array(self.names) == name).astype(float)

    def visit_covariance(self, rows: np.ndarray) -> np.ndarray:
        """Return the covariance (visit, visit) of one person's values."""
        effects = np.column_stack([np.ones(len(rows)), self.years[rows]])
        effects = effects[:, : len(self.random_covariance)]
        return effects @ self.random_covariance @ effects.T + self.residual_sd**2 * np.eye(
            len(rows)
        )

    def residuals(self) -> np.ndarray:
        """Return the visits' residuals after each person's own line, in SDs."""
        raw = self.values - self.matrix @ self.coefficients
        residuals = np.empty(len(raw))
        for rows in self.rows_of:
            whole = self.visit_covariance(rows)
            residuals[rows] = self.residual_sd * np.linalg.solve(whole, raw[rows])
        return residuals

    def by_person(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return X' V^-1 X and X' V^-1 y of each person."""
        parts = []
        for rows in self.rows_of:
            weighted = np.linalg.solve(self.visit_covariance(rows), self.matrix[rows])
            parts.append((weighted.T @ self.matrix[rows], weighted.T @ self.values[rows]))
        return parts

    def left_out(self, vector: np.ndarray) -> np.ndarray:
        """Return a contrast without each person in turn (person,), at the fitted variances."""
        parts = self.by_person()
        information = sum(part for part, _ in parts)
        weighted_values = sum(part for _, part in parts)
        return np.array(
            [
                vector @ np.linalg.lstsq(information - a, weighted_values - b, rcond=None)[0]
                for a, b in parts
            ]
        )


def fit_mixed(
    names: tuple[str, ...],
    matrix: np.ndarray,
    values: np.ndarray,
    years: np.ndarray,
    persons: np.ndarray,
) -> MixedFit | None:
    """Fit (visit, column) by REML; None for too few people, no repeated visits or no scatter."""
    unique, codes = np.unique(persons, return_inverse=True)
    rows_of = tuple(np.flatnonzero(codes == number) for number in range(len(unique)))
    lengths = np.array([len(rows) for rows in rows_of])
    columns, freedom = matrix.shape[1], _freedom(matrix, rows_of)
    if min(len(unique) - columns, freedom) < 2 or np.linalg.matrix_rank(matrix) < columns:
        return None
    if not scatters(values - matrix @ np.linalg.lstsq(matrix, values, rcond=None)[0], values):
        return None
    with_slopes = (lengths > 2).sum() >= LEAST_PEOPLE_WITH_THREE
    fit = _fitted(matrix, values, years, codes, slopes=True) if with_slopes else None
    if fit is None:
        fit = _fitted(matrix, values, years, codes, slopes=False)
    if fit is None:
        return None
    random_covariance = np.asarray(fit.cov_re, float)
    return _with_covariance(
        MixedFit(
            names,
            np.asarray(fit.fe_params, float),
            np.full((columns, columns), np.nan),
            float(np.sqrt(random_covariance[0, 0])),
            float(np.sqrt(random_covariance[1, 1])) if len(random_covariance) > 1 else None,
            random_covariance,
            float(np.sqrt(fit.scale)),
            len(unique),
            len(values),
            freedom,
            bool(fit.converged),
            matrix,
            values,
            years,
            rows_of,
            tuple(map(str, unique)),
        )
    )


def _freedom(matrix: np.ndarray, rows_of: tuple[np.ndarray, ...]) -> float:
    """Return the degrees of freedom of coefficients of what changes within people.

    Those of the level are not taken off: a person's own slope does not know of it. Nor do people
    count whose visits are all of one time: they have no slope.
    """
    changing = [rows for rows in rows_of if np.ptp(matrix[rows], axis=0).any()]
    within = [matrix[rows] - matrix[rows].mean(axis=0) for rows in changing]
    return float(len(within) - np.linalg.matrix_rank(np.vstack(within))) if within else 0.0


def _with_covariance(fit: MixedFit) -> MixedFit:
    """Return the fit with the covariance of its coefficients, (sum X' V^-1 X)^-1.

    That of the joint Hessian, which statsmodels gives, need not be positive where a variance is
    near its limit.
    """
    information = sum(part for part, _ in fit.by_person())
    return replace(fit, covariance=np.linalg.inv(information))


def _fitted(
    matrix: np.ndarray, values: np.ndarray, years: np.ndarray, codes: np.ndarray, slopes: bool
) -> Any:
    """Return statsmodels' fit; None when it fails or the people's slopes do not differ."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    effects = np.column_stack([np.ones(len(years)), years]) if slopes else np.ones((len(years), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is looked at below
        try:
            model = MixedLM(values, matrix, codes, exog_re=effects)
            start = _start(matrix, values, effects, codes)
            # Gradients vanish where a variance is near 0, as it often is in few people: lbfgs alone
            # then stops short of the optimum, or says that it did not converge.
            fit = model.fit(start_params=start, reml=True, method=["powell", "lbfgs"])
        except (np.linalg.LinAlgError, ValueError):
            return None
    covariance = np.asarray(fit.cov_re, float)
    if not (np.isfinite(np.asarray(fit.fe_params)).all() and np.isfinite(covariance).all()):
        return None
    if slopes and covariance[1, 1] < SMALLEST_SLOPE_SD**2:
        return None
    return fit


def _start(matrix: np.ndarray, values: np.ndarray, effects: np.ndarray, codes: np.ndarray) -> Any:
    """Return where the search begins: moments of people's own lines. It takes a third of the time.

    The covariance is in units of the residual variance, as statsmodels has it.
    """
    from statsmodels.regression.mixed_linear_model import MixedLMParams

    coefficients = np.linalg.lstsq(matrix, values, rcond=None)[0]
    residuals = values - matrix @ coefficients
    count, square, freedom = effects.shape[1], 0.0, 0
    lines, noise = [], np.zeros(count)
    for number in range(codes.max() + 1):
        own, mine = effects[codes == number], residuals[codes == number]
        if len(own) <= count or np.linalg.matrix_rank(own) < count:
            continue
        line = np.linalg.lstsq(own, mine, rcond=None)[0]
        square += float(((mine - own @ line) ** 2).sum())
        freedom += len(own) - count
        lines.append(line)
        noise += np.diag(np.linalg.inv(own.T @ own))
    if len(lines) <= count or square == 0:
        return None
    variance = square / freedom
    spread = np.var(lines, axis=0) / variance - noise / len(lines)
    return MixedLMParams.from_components(coefficients, np.diag(np.maximum(spread, 0.01)))
