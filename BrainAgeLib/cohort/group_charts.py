"""Charts of a group report, fit for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from BrainAgeLib.cohort.change import SLOPE_PREFIX, ChangeModel
from BrainAgeLib.cohort.charts import COLORS, GREY, MARKERS, chart, forest
from BrainAgeLib.cohort.design import AGE, TIME
from BrainAgeLib.cohort.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd


def gap_against_age(first: pd.DataFrame, groups: tuple[str, ...]) -> bytes:
    """Return raw gaps against age with a line for each group."""

    def draw(axes: Any) -> None:
        axes.axhline(0, color=GREY, linewidth=0.8, linestyle="--")
        for number, name in enumerate(groups):
            people = first[first["group"] == name]
            ages, gaps = people["age"].to_numpy(float), people["gap_years"].to_numpy(float)
            color = COLORS[number % len(COLORS)]
            marker = MARKERS[number % len(MARKERS)]
            axes.scatter(ages, gaps, s=12, color=color, marker=marker, alpha=0.55, linewidths=0)
            if np.ptp(ages) > 0:
                ends = np.array([ages.min(), ages.max()])
                line = np.polyval(np.polyfit(ages, gaps, 1), ends)
                axes.plot(ends, line, color=color, label=f"{name} (n = {len(people)})")

    return chart(draw, "age at first scan (years)", "raw gap (years)")


def estimates_forest(
    estimates: Sequence[Estimate], label: str, line: float | None, with_figure: bool = False
) -> bytes:
    """Return estimates that have an interval, one below the other."""
    rows = []
    for item in estimates:
        if item.low is None or item.high is None:
            continue
        words = f"{item.subset}: {item.figure}" if with_figure else item.subset
        rows.append((f"{words}\n{item.outcome}", item.value, item.low, item.high))
    return forest(rows, label, line)


def change_over_time(
    visits: pd.DataFrame, groups: tuple[str, ...], model: ChangeModel | None
) -> bytes:
    """Return each person's visits, and the model's line of each group at average covariates."""

    def draw(axes: Any) -> None:
        for number, name in enumerate(groups):
            color = COLORS[number % len(COLORS)]
            chosen = visits[visits["group"] == name]
            for _, person in chosen.groupby("person"):
                axes.plot(person[TIME], person["gap_years"], color=color, alpha=0.25, linewidth=0.6)
            if model is not None:
                times = np.array([0.0, float(chosen[TIME].max())])
                line = _line(model, name, times)
                axes.plot(times, line, color=color, linewidth=2.5, label=name)

    return chart(draw, "years since the first scan", "raw gap (years)")


def _line(model: ChangeModel, group: str, times: np.ndarray) -> np.ndarray:
    fit = model.fit
    place = fit.matrix.mean(0)
    lines = []
    for time in times:
        vector = place.copy()
        for column, name in enumerate(fit.names):
            if name == TIME:
                vector[column] = time
            elif name.startswith(SLOPE_PREFIX):
                vector[column] = time * (name == f"{SLOPE_PREFIX}{group}")
            elif name == f"{TIME} x {AGE}":
                vector[column] = time * place[fit.names.index(AGE)]
            elif name.startswith("group "):
                vector[column] = float(name == f"group {group}")
        lines.append(float(vector @ fit.coefficients))
    return np.array(lines)
