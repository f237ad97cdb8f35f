"""Time to an event by the gap at the first scan: Cox regression.

statsmodels' PHReg, which the extra has already: Efron's ties, strata, residuals. A package of its
own for survival would bring four more dependencies for the same estimate.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from BrainAgeLib.cohort.design import covariate_columns, with_all_values
from BrainAgeLib.cohort.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

GAP = "gap_years"
ENTRY = "entry_years"  # from the first scan to the first that counts, where that is a later one
METHOD = "Cox regression, Efron's ties, strata: group"
FEWEST_EVENTS = 5
MOST_ERROR = 5.0  # of a log hazard ratio per year; more is no estimate
EVENTS_PER_COEFFICIENT = 10


def with_entry(
    first: pd.DataFrame,
    unused: Sequence[pd.DataFrame | None],
    time: str | None,
    event_time: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Add the years from a person's first scan to the first that counts, where a time tells them.

    ``unused``: the rows of scans that do not count. ``time``: the column of years since the first
    scan: its 0 is that scan, in the table or not; where most people begin later than 0, as in a
    calendar, it tells of no entry. Returns a note where ages alone tell that an earlier scan is
    left out.
    """
    if time and float(first[time].median()) <= 0:
        entry = first[time].clip(lower=0.0)
        return (first.assign(**{ENTRY: entry}) if (entry > 0).any() else first), []
    count = _with_earlier(first, [rows for rows in unused if rows is not None])
    if not count:
        return first, []
    return first, [
        f"An earlier scan of {_people(count)} is left out, but the time in {event_time} is taken "
        "to count from the first that is not: give a column of years since the first scan "
        "(--time), by which they are at risk from then on."
    ]


def _with_earlier(first: pd.DataFrame, unused: Sequence[pd.DataFrame]) -> int:
    """Return how many people have an unused scan at a younger age than the first that counts.

    One of the same session is no earlier scan, but the same visit again.
    """
    of_first = first.set_index("person")
    earlier = set()
    for rows in unused:
        sessions = rows["person"].map(of_first["session"])
        is_again = (rows["session"] != "") & (rows["session"] == sessions)
        is_earlier = rows["age"] < rows["person"].map(of_first["age"])
        earlier |= set(rows["person"][is_earlier & ~is_again])
    return len(earlier)


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def time_to_event(
    first: pd.DataFrame, event: str, event_time: str, covariates: tuple[str, ...] = ()
) -> tuple[list[Estimate], list[str]]:
    """Return the hazard ratio per year and per SD of the gap at the first scan, and notes.

    Adjusted for age, age squared, sex and covariates; each group has its own baseline hazard (Cox
    1972, doi 10.1111/j.2517-6161.1972.tb00899.x). People whose event came at or before the first
    scan are left out. Proportional hazards are looked at by the correlation of the gap's scaled
    Schoenfeld residuals with the ranks of event times (Grambsch and Therneau 1994, doi
    10.1093/biomet/81.3.515; the scale takes out what another covariate's hazard does). Who has
    ``entry_years`` of more than 0 is at risk from then on: nobody would know of an event before.
    Nothing is estimated from fewer than five events.
    """
    known = first.index.isin(with_all_values(first, covariates, GAP, event, event_time).index)
    entry = first[ENTRY] if ENTRY in first else first[event_time] * 0.0
    usable = known & (first[event_time] > entry)
    notes = []
    if (dropped := int((known & ~usable).sum())) > 0:
        notes.append(
            f"{dropped} people had no follow-up after their first scan that counts "
            "and are left out."
        )
    if late := int((usable & (entry > 0)).sum()):
        notes.append(
            f"The first scan of {_people(late)} is left out or not in the table: they are at risk "
            "from their first scan that counts, whose gap it is."
        )
    frame = first[usable]
    events = int(frame[event].sum()) if len(frame) else 0
    if events < FEWEST_EVENTS:
        return [], [*notes, f"{events} events are too few for Cox regression."]
    design = covariate_columns(frame, covariates)
    design.insert(0, GAP, frame[GAP])
    if events < EVENTS_PER_COEFFICIENT * design.shape[1]:
        notes.append(
            f"{events} events for {design.shape[1]} coefficients: fewer than "
            f"{EVENTS_PER_COEFFICIENT} each, the interval may be too narrow."
        )
    fit, residuals = _fitted(frame, design, event, event_time)
    if fit is None:
        return [], [*notes, "Cox regression could not be fitted to these people."]
    times = frame[event_time].to_numpy(float)
    return _estimates(fit, float(design[GAP].std()), residuals, times, len(frame), events), notes


def _fitted(
    frame: pd.DataFrame, design: pd.DataFrame, event: str, event_time: str
) -> tuple[Any, np.ndarray]:
    """Return the fit and the gap's scaled Schoenfeld residuals (person,); None when it fails.

    They are in units of the coefficient over the number of events.
    """
    from statsmodels.duration.hazard_regression import PHReg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is looked at below
        try:
            fit = PHReg(
                frame[event_time].to_numpy(float),
                design.to_numpy(float),
                entry=_after(frame[ENTRY].to_numpy(float)) if ENTRY in frame else None,
                status=frame[event].to_numpy(float),
                strata=frame["group"].to_numpy(str),
                ties="efron",
            ).fit()
            residuals = np.asarray(fit.schoenfeld_residuals) @ np.asarray(fit.cov_params())[0]
        except (np.linalg.LinAlgError, ValueError):
            return None, np.empty(0)
    if not (np.isfinite(fit.bse[0]) and 0 < fit.bse[0] < MOST_ERROR):
        return None, np.empty(0)
    return fit, residuals


def _after(entry_years: np.ndarray) -> np.ndarray:
    """Return times just after people enter: at an event of that very time they are not at risk.

    PHReg takes them to be.
    """
    return np.nextafter(entry_years, np.inf)


def _estimates(
    fit: Any, sd: float, residuals: np.ndarray, times: np.ndarray, people: int, events: int
) -> list[Estimate]:
    from scipy.stats import norm, rankdata

    value = float(fit.params[0])
    error = float(fit.bse[0])
    ends = value - 1.96 * error, value + 1.96 * error
    common = ("time to event", f"raw gap at first scan ({events} events)", "everybody")
    estimates = [
        Estimate(
            *common,
            f"hazard ratio per {words}",
            float(np.exp(value * scale)),
            "",
            float(np.exp(ends[0] * scale)),
            float(np.exp(ends[1] * scale)),
            people,
            2 * float(norm.sf(abs(value / error))) if words == "year" else None,
            method=METHOD,
        )
        for words, scale in (("year", 1.0), (f"SD ({sd:.1f} years)", sd))
    ]
    at_event = np.isfinite(residuals)
    if at_event.sum() > 4:
        ranks = rankdata(times[at_event])
        r = float(np.corrcoef(ranks, residuals[at_event])[0, 1])
        half = 1.96 / np.sqrt(at_event.sum() - 3)
        estimates.append(
            Estimate(
                *common,
                "r of scaled Schoenfeld residuals with time (0: proportional)",
                r,
                "",
                float(np.tanh(np.arctanh(r) - half)),
                float(np.tanh(np.arctanh(r) + half)),
                int(at_event.sum()),
                method="Fisher's z",
            )
        )
    return estimates
