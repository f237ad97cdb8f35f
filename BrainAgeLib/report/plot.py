"""The plot: this person among the healthy people that the model was checked on.

Here is where everything lies; ``templates/plot.svg.j2`` draws it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from BrainAgeLib.records import Prediction, Reference
from BrainAgeLib.report import wording

WIDTH, HEIGHT = 640, 480  # drawing units
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 56
TICK_YEARS = 10


@dataclass(frozen=True)
class Mark:
    """Something drawn, by the name of its kind, in drawing units.

    ``low``, ``high``: the ends of an interval from bottom to top, or None.
    """

    kind: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Tick:
    """A line of the grid: the same age on both axes."""

    age_years: int
    x: float
    y: float


@dataclass(frozen=True)
class Plot:
    """All that is drawn. ``people``: an SVG path with a dot for each; ``legend``: kinds, words."""

    words: str
    ticks: tuple[Tick, ...]
    people: str
    person: Mark
    legend: tuple[tuple[str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class _Axes:
    """Years to drawing units; both axes show the same ages."""

    low: float
    high: float

    def x(self, age_years: float) -> float:
        way = (age_years - self.low) / (self.high - self.low)
        return round(LEFT + way * (WIDTH - LEFT - RIGHT), 1)

    def y(self, predicted_years: float) -> float:
        way = (predicted_years - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - way * (HEIGHT - TOP - BOTTOM), 1)


def comparison_plot(prediction: Prediction, reference: Reference | None) -> Plot | None:
    """Place predicted against chronological age: reference people, grid, this person.

    With a chronological age the interval is a bar at that age, without one it is a band over all
    ages. None when there is no brain age.
    """
    if prediction.brain_age_years is None:
        return None
    axes = _axes(prediction, reference)
    ages = range(int(axes.low), int(axes.high) + 1, TICK_YEARS)
    return Plot(
        _in_words(prediction, prediction.brain_age_years),
        tuple(Tick(age, axes.x(age), axes.y(age)) for age in ages),
        "" if reference is None else _dots(axes, reference),
        _person(axes, prediction, prediction.brain_age_years),
        tuple(_legend(prediction, reference)),
    )


def _axes(prediction: Prediction, reference: Reference | None) -> _Axes:
    shown = [
        prediction.brain_age_years,
        prediction.chronological_age_years,
        *(prediction.interval_years or ()),
        *prediction.model.age_range_years,
    ]
    if reference is not None:
        shown += [*reference.ages_years, *reference.predicted_years]
    known = [value for value in shown if value is not None]
    low = math.floor(min(known) / TICK_YEARS) * TICK_YEARS
    high = math.ceil(max(known) / TICK_YEARS) * TICK_YEARS
    return _Axes(low, max(high, low + TICK_YEARS))


def _dots(axes: _Axes, reference: Reference) -> str:
    """Return all people as one path: a circle each would double the size of the plot."""
    people = zip(reference.ages_years, reference.predicted_years, strict=False)
    return "".join(f"M{axes.x(age):g} {axes.y(predicted):g}h0" for age, predicted in people)


def _person(axes: _Axes, prediction: Prediction, brain_age_years: float) -> Mark:
    age = prediction.chronological_age_years
    low, high = map(axes.y, prediction.interval_years) if prediction.interval_years else (None,) * 2
    if age is None:
        return Mark("level", axes.x(axes.low), axes.y(brain_age_years), low, high)
    return Mark("person", axes.x(age), axes.y(brain_age_years), low, high)


def _legend(prediction: Prediction, reference: Reference | None) -> list[tuple[str, str]]:
    """Name every mark; they differ by shape, not by colour alone."""
    entries = [("equality", "predicted equals chronological age")]
    if prediction.chronological_age_years is None:
        entries.append(("level", "this person, age not known"))
    else:
        entries.append(("person", "this person"))
    if prediction.interval_years is not None:
        mark = "band" if prediction.chronological_age_years is None else "interval"
        entries.append((mark, f"{wording.percent(prediction.interval_level)} interval"))
    if reference is not None:
        people = f"{len(reference.ages_years)} reference people: {reference.described_as}"
        entries.append(("people", people))
    return entries


def _in_words(prediction: Prediction, brain_age_years: float) -> str:
    age = prediction.chronological_age_years
    place = "chronological age not known" if age is None else f"aged {wording.years(age)}"
    ends = wording.interval(prediction)
    interval = f", {wording.percent(prediction.interval_level)} interval {ends}" if ends else ""
    return (
        "Predicted against chronological age of healthy reference people and of this person: "
        f"{place}, raw brain age {wording.years(brain_age_years)}{interval}."
    )
