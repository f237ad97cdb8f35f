"""Whether a clinical score's change goes with the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from BrainAgeLib.cohort.change import METHOD, fit_visits
from BrainAgeLib.cohort.design import TIME, group_columns, visit_design, with_all_values
from BrainAgeLib.cohort.differences import with_holm
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.mixed_model import MixedFit

if TYPE_CHECKING:
    import pandas as pd

GAP = "gap_years"
BETWEEN, WITHIN = "gap, person's mean", "gap less person's mean"
BASELINE, BASELINE_SLOPE = "gap at first scan", "years x gap at first scan"


def score_association(
    visits: pd.DataFrame, groups: tuple[str, ...], score: str, covariates: tuple[str, ...] = ()
) -> list[Estimate]:
    """Return how a clinical score's change goes with the gap.

    Two mixed models, both adjusted for covariates and for the course of each group and age (group x
    years, age at first scan x years): patients lose points faster and have larger gaps, the old
    lose points faster and have smaller raw gaps, and neither is an association. *By gap at first
    scan*: whether people
    with a larger gap then gain or lose more points a year. *Within a person*: whether the score is
    higher when the gap is larger than that person's own mean, over and above time (the mean is a
    covariate of its own: Neuhaus and Kalbfleisch 1998, doi 10.2307/3109770). Only visits with score
    and gap count. p-values are Holm's over the two.
    """
    frame = with_all_values(visits, covariates, score, GAP).copy()
    if len(frame) < 3 or frame[score].nunique() < 2:
        return []
    _add_columns(frame)
    of_group = group_columns(frame, groups)
    of_group = of_group.loc[:, [of_group[name].nunique() > 1 for name in of_group]]
    common = visit_design(frame, of_group, covariates)
    estimates: list[Estimate] = []
    by_first = fit_visits(frame, common.join(frame[[BASELINE, BASELINE_SLOPE]]), score)
    if by_first is not None:
        size = float(frame[BASELINE].std() / frame[score].std())
        words = ("by gap at first scan", "points a year per year of gap")
        estimates += _both(by_first, BASELINE_SLOPE, score, words, size, " a year")
    within = fit_visits(frame, common.join(frame[[BETWEEN, WITHIN]]), score)
    if within is not None:
        size = float(frame[WITHIN].std() / frame[score].std())
        words = ("within a person", "points per year of gap")
        estimates += _both(within, WITHIN, score, words, size, "")
    return with_holm(estimates)


def _add_columns(frame: pd.DataFrame) -> None:
    by_person = frame.groupby("person")[GAP]
    mean, first = by_person.transform("mean"), by_person.transform("first")
    frame[BETWEEN] = mean - mean.mean()
    frame[WITHIN] = frame[GAP] - mean
    frame[BASELINE] = first - first.mean()
    frame[BASELINE_SLOPE] = frame[BASELINE] * frame[TIME]


def _both(
    fit: MixedFit, column: str, score: str, words: tuple[str, str], size: float, per: str
) -> list[Estimate]:
    """Return the coefficient and its standardised size."""
    value, low, high, p = fit.contrast(fit.column(column))
    common, (figure, unit) = ("clinical score", score, "everybody"), words
    return [
        Estimate(*common, figure, value, unit, low, high, fit.people, p, method=METHOD),
        Estimate(
            *common,
            f"{figure}, standardised",
            value * size,
            f"SDs of score{per} per SD of gap",
            low * size,
            high * size,
            fit.people,
            method=METHOD,
        ),
    ]
