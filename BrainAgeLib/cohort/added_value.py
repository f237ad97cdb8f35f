"""What the gap adds to a measure of volume when two groups are told apart, and the reverse.

Nested logistic models of the group: covariates alone; with the measure; with the gap; with both.
Whether one adds to the other is one question and gets one test, the likelihood ratio test of its
coefficient given the other (Vickers, Cronin and Begg 2011, doi 10.1186/1471-2288-11-13; Pepe et al.
2013, doi 10.1002/sim.5727: tests of the difference of areas under the curve of nested models, as
DeLong's, are not valid). How much it adds is the gain of the area, corrected for optimism.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.design import covariate_columns, with_all_values, with_intercept
from BrainAgeLib.cohort.differences import GROUPS_SEED, resampled_within
from BrainAgeLib.cohort.discrimination import GAP, auc, older_looking
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.logistic import fit_logistic, likelihood_ratio_p, profile_interval
from BrainAgeLib.statistics import BOOTSTRAP_ROUNDS, percentile_interval

if TYPE_CHECKING:
    import pandas as pd

ANALYSIS = "added to volume"
ODDS, AREA, GAIN = "odds ratio per SD", "AUC of the model", "gain of AUC"
ODDS_METHOD = "logistic regression; profile likelihood interval, likelihood ratio test"
AREA_METHOD = "logistic regression, corrected for optimism by bootstrap within groups"
LEAST_FRACTION_OF_ROUNDS = 0.9  # that must have been estimable


@dataclass(frozen=True)
class Nested:
    """Two groups and the columns of their models: covariates, then gap and measure in SDs."""

    pair: str
    measure: str
    group_of: np.ndarray
    patients: np.ndarray
    covariates: np.ndarray
    markers: np.ndarray

    def matrix(self, *markers: int) -> np.ndarray:
        """Return the columns of the model with these markers (0: gap, 1: measure)."""
        return np.hstack([self.markers[:, list(markers)], self.covariates])


MODELS: tuple[tuple[int, ...], ...] = ((), (1,), (0,), (0, 1))


def added_value(
    first: pd.DataFrame,
    base: str,
    other: str,
    measure: str,
    covariates: tuple[str, ...] = (),
    rounds: int = BOOTSTRAP_ROUNDS,
) -> list[Estimate]:
    """Return what gap and measure tell of the group, each given the other.

    Odds ratios per SD, both turned so that more is older-looking; with ``rounds`` also the areas of
    the four models and the gains. Empty when the largest model cannot be estimated. The p-values
    are not corrected yet: the family is all that is compared in a report.
    """
    nested = _nested(first, base, other, measure, covariates)
    if nested is None:
        return []
    odds = _odds_ratios(nested)
    return odds + (_areas(nested, rounds) if odds and rounds else [])


def _nested(
    first: pd.DataFrame, base: str, other: str, measure: str, covariates: tuple[str, ...]
) -> Nested | None:
    pair = first[first["group"].isin((base, other))]
    frame = with_all_values(pair, covariates, "gap_years", measure)
    matrix = with_intercept(covariate_columns(frame, covariates)).to_numpy(float)
    controls = (frame["group"] == base).to_numpy()
    gap, ages, volume = (frame[name].to_numpy(float) for name in ("gap_years", "age", measure))
    if controls.all() or not controls.any():
        return None
    values = np.column_stack([gap, older_looking(volume, ages, controls)])
    if (np.ptp(values, axis=0) == 0).any():
        return None
    scaled = (values - values.mean(0)) / values.std(0)
    group_of = frame["group"].to_numpy(str)
    return Nested(f"{other} against {base}", measure, group_of, ~controls, matrix, scaled)


def _odds_ratios(nested: Nested) -> list[Estimate]:
    """Return gap and measure, each given the other; empty when groups are told apart perfectly."""
    matrix = nested.matrix(0, 1)
    fit = fit_logistic(nested.patients, matrix)
    if fit is None:
        return []
    estimates = []
    for number, names in enumerate(((GAP, nested.measure), (nested.measure, GAP))):
        ends = profile_interval(nested.patients, matrix, number, fit)
        p = likelihood_ratio_p(nested.patients, matrix, number, fit)
        if ends is None or p is None:
            return []
        value, low, high = np.exp([fit.coefficients[number], *ends])
        common = (ANALYSIS, f"{names[0]} given {names[1]}", nested.pair, ODDS)
        people = len(nested.patients)
        estimates.append(
            Estimate(
                *common, float(value), "", float(low), float(high), people, p, method=ODDS_METHOD
            )
        )
    return estimates


def _areas(nested: Nested, rounds: int) -> list[Estimate]:
    """Return the areas of the four models, and what gap and measure add to each other.

    Harrell's correction for optimism, with the interval shifted as the estimate is (Noma et al.
    2021, doi 10.1002/sim.9148): a model is refitted to each bootstrap sample of people, and judged
    there and on the people themselves.
    """
    generator = np.random.default_rng(GROUPS_SEED)
    everybody = np.arange(len(nested.patients))
    apparent, _ = _judged(nested, everybody)
    drawn = [_judged(nested, resampled_within(nested.group_of, generator)) for _ in range(rounds)]
    there, here = (np.array(part) for part in zip(*drawn, strict=True))
    estimable = np.isfinite(there).all(axis=1)
    if not np.isfinite(apparent).all() or estimable.mean() < LEAST_FRACTION_OF_ROUNDS:
        return []
    names = ("covariates alone", nested.measure, GAP, f"{GAP} and {nested.measure}")
    compared = [(AREA, name, {number: 1.0}) for number, name in enumerate(names)]
    compared.append((GAIN, f"{GAP} given {nested.measure}", {3: 1.0, 1: -1.0}))
    compared.append((GAIN, f"{nested.measure} given {GAP}", {3: 1.0, 2: -1.0}))
    estimates = []
    for figure, outcome, weights in compared:
        vector = np.array([weights.get(number, 0.0) for number in range(len(MODELS))])
        optimism = float(((there - here)[estimable] @ vector).mean())
        ends = percentile_interval(there[estimable] @ vector - optimism)
        value = float(apparent @ vector) - optimism
        common = (ANALYSIS, outcome, nested.pair, figure, value, "")
        estimates.append(Estimate(*common, *ends, len(everybody), method=AREA_METHOD))
    return estimates


def _judged(nested: Nested, drawn: np.ndarray) -> tuple[Sequence[float], Sequence[float]]:
    """Return the areas of the models of some people, among them and among everybody (model,)."""
    there, here = [], []
    for markers in MODELS:
        matrix, patients = nested.matrix(*markers), nested.patients
        fit = fit_logistic(patients[drawn], matrix[drawn])
        if fit is None:
            return [np.nan] * len(MODELS), [np.nan] * len(MODELS)
        risk = matrix @ fit.coefficients
        there.append(auc(risk[drawn][patients[drawn]], risk[drawn][~patients[drawn]]))
        here.append(auc(risk[patients], risk[~patients]))
    return there, here
