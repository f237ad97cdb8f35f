"""Charts as SVG, fit for a paper: one style, text that stays text, nothing that changes by itself.

The library is matplotlib without its global state: figures are made and written, never shown.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from BrainAgeLib.cohort.change import SLOPE_PREFIX, ChangeModel
from BrainAgeLib.cohort.design import AGE, TIME
from BrainAgeLib.cohort.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito 2008
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "#666666"
SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "brainage",  # the same data give the same file
    "text.parse_math": False,  # a group may be called $
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
}
# Of so many points and lines, a page holds the picture, not each: 100,000 take 29 MB. By hand.
MOST_DRAWN = 5000
PICTURE_DPI = 300
WIDTH_INCHES = 4.7
HEIGHT_INCHES = 3.5


def chart(
    draw: Callable[[Any], None],
    x_label: str,
    y_label: str,
    size_inches: tuple[float, float] = (WIDTH_INCHES, HEIGHT_INCHES),
) -> bytes:
    """Return what ``draw`` puts on a pair of axes, as SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(size_inches, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        draw(axes)
        _as_a_picture_where_many(axes)
        handles, labels = axes.get_legend_handles_labels()
        if labels:
            axes.legend(handles, labels)
        content = io.BytesIO()
        with warnings.catch_warnings():
            # Among very many points the place of the legend takes seconds, and says so.
            warnings.simplefilter("ignore", UserWarning)
            figure.savefig(content, format="svg", dpi=PICTURE_DPI, metadata={"Date": None})
    return content.getvalue()


def _as_a_picture_where_many(axes: Any) -> None:
    """Have points and lines drawn as one picture each where they are very many; text stays text."""
    for points in axes.collections:
        points.set_rasterized(len(points.get_offsets()) > MOST_DRAWN)
    for line in axes.lines:
        line.set_rasterized(len(axes.lines) > MOST_DRAWN)


def forest(
    rows: Sequence[tuple[str, float, float, float]], x_label: str, line: float | None
) -> bytes:
    """Return estimates with their intervals, one below the other.

    ``rows``: label, estimate, low, high. ``line``: where nothing differs, or what is promised.
    """

    def draw(axes: Any) -> None:
        for place, (_, value, low, high) in enumerate(rows):
            axes.plot([low, high], [place, place], color=COLORS[0])
            axes.plot([value], [place], marker="s", color=COLORS[0], markersize=4)
        if line is not None:
            axes.axvline(line, color=GREY, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(rows)), [label for label, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)

    return chart(draw, x_label, "", (5.2, 0.9 + 0.27 * len(rows)))


def against_age(
    ages_years: np.ndarray, values_years: np.ndarray, y_label: str, slope: float
) -> bytes:
    """Return (person,) values against ages, with their fitted line and that of no error.

    ``slope``: of the line of no error, which begins at 0.
    """

    def draw(axes: Any) -> None:
        ends = np.array([ages_years.min(), ages_years.max()])
        axes.scatter(ages_years, values_years, s=9, color=COLORS[0], alpha=0.6, linewidths=0)
        axes.plot(ends, slope * ends, color=GREY, linestyle="--", label="predicted equals age")
        line = np.polyfit(ages_years, values_years, 1)
        axes.plot(ends, np.polyval(line, ends), color=COLORS[1], label="fitted line")

    return chart(draw, "age (years)", y_label)


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


def estimates_forest(estimates: Sequence[Estimate], label: str, line: float | None) -> bytes:
    """Return estimates that have an interval, one below the other."""
    rows = []
    for item in estimates:
        if item.low is None or item.high is None:
            continue
        rows.append((f"{item.subset}\n{item.outcome}", item.value, item.low, item.high))
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


def residual_charts(fitted: np.ndarray, residuals: np.ndarray) -> tuple[bytes, bytes]:
    """Return residuals against fitted values, and against those of a normal distribution."""
    from scipy.stats import norm

    ordered = np.sort(residuals / residuals.std())
    expected = norm.ppf((np.arange(len(ordered)) + 0.5) / len(ordered))

    def against_fitted(axes: Any) -> None:
        axes.scatter(fitted, residuals, s=8, color=COLORS[0], alpha=0.6, linewidths=0)
        axes.axhline(0, color=GREY, linestyle="--")

    def against_normal(axes: Any) -> None:
        ends = [expected[0], expected[-1]]
        axes.plot(ends, ends, color=GREY, linestyle="--")
        axes.scatter(expected, ordered, s=8, color=COLORS[0], linewidths=0)

    return (
        chart(against_fitted, "fitted (years)", "residual (years)"),
        chart(against_normal, "normal quantile", "residual (SDs)"),
    )
