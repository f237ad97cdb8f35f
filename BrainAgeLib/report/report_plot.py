"""The plot: this person among the healthy people that the model was checked on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from BrainAgeLib.records import Prediction, Reference
from BrainAgeLib.report import wording
from BrainAgeLib.report.markup import Markup, element, together

WIDTH, HEIGHT = 640.0, 480.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 16.0, 56.0
TICK_YEARS = 10
CAP = 7.0  # half the length of the ends of an interval


@dataclass(frozen=True)
class _Axes:
    """Years to drawing units; both axes show the same ages."""

    low: float
    high: float

    def x(self, age_years: float) -> float:
        share = (age_years - self.low) / (self.high - self.low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, predicted_years: float) -> float:
        share = (predicted_years - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def comparison_plot(prediction: Prediction, reference: Reference | None) -> Markup | None:
    """Draw predicted against chronological age: reference people, line of equality, this person.

    With a chronological age the interval is a vertical bar at that age, without one it is a
    horizontal band. None when there is no brain age.
    """
    if prediction.brain_age_years is None:
        return None
    axes = _axes(prediction, reference)
    drawing = element(
        "svg",
        element("title", _in_words(prediction), id="plot-title"),
        _grid(axes),
        _reference_cloud(axes, reference),
        _line(axes.x(axes.low), axes.y(axes.low), axes.x(axes.high), axes.y(axes.high), "equality"),
        _person(axes, prediction),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
        aria_labelledby="plot-title",
        class_="plot",
    )
    return together(drawing, _legend(prediction, reference))


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


def _grid(axes: _Axes) -> Markup:
    ticks = range(int(axes.low), int(axes.high) + 1, TICK_YEARS)
    parts = []
    left, right = axes.x(axes.low), axes.x(axes.high)
    bottom, top = axes.y(axes.low), axes.y(axes.high)
    for tick in ticks:
        x, y = axes.x(tick), axes.y(tick)
        parts += [
            _line(left, y, right, y, "grid"),
            _line(x, bottom, x, top, "grid"),
            _label(str(tick), left - 8, y + 5, "end"),
            _label(str(tick), x, bottom + 20, "middle"),
        ]
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    return together(
        *parts,
        _label("Chronological age (years)", middle_x, HEIGHT - 10, "middle"),
        _label("Predicted brain age (years)", 16, middle_y, "middle", turned=True),
    )


def _reference_cloud(axes: _Axes, reference: Reference | None) -> Markup | None:
    """Draw all people as one path of dots: a circle each would double the size of the plot."""
    if reference is None:
        return None
    people = zip(reference.ages_years, reference.predicted_years, strict=False)
    dots = "".join(f"M{axes.x(age):g} {axes.y(predicted):g}h0" for age, predicted in people)
    return element("path", d=dots, class_="people")


def _person(axes: _Axes, prediction: Prediction) -> Markup:
    age, brain_age = prediction.chronological_age_years, prediction.brain_age_years
    if brain_age is None:
        return Markup()
    if age is None:
        return _person_without_age(axes, brain_age, prediction.interval_years)
    x, y = axes.x(age), axes.y(brain_age)
    parts = []
    if prediction.interval_years is not None:
        low, high = (axes.y(end) for end in prediction.interval_years)
        parts = [
            _line(x, low, x, high, "interval"),
            _line(x - CAP, low, x + CAP, low, "interval"),
            _line(x - CAP, high, x + CAP, high, "interval"),
        ]
    return together(*parts, _diamond(x, y))


def _person_without_age(
    axes: _Axes, brain_age: float, interval_years: tuple[float, float] | None
) -> Markup:
    left, right = axes.x(axes.low), axes.x(axes.high)
    band = None
    if interval_years is not None:
        low, high = (axes.y(end) for end in interval_years)
        band = element(
            "rect", x=left, y=high, width=right - left, height=round(low - high, 1), class_="band"
        )
    y = axes.y(brain_age)
    return together(band, _line(left, y, right, y, "person-line"))


def _legend(prediction: Prediction, reference: Reference | None) -> Markup:
    """Name every mark; they differ by shape, not by colour alone."""
    level = wording.level(prediction)
    entries = [(_line(2, 8, 26, 8, "equality"), "predicted equals chronological age")]
    if prediction.chronological_age_years is None:
        entries.append((_line(2, 8, 26, 8, "person-line"), "this person, age not known"))
        mark = element("rect", x=2, y=2, width=24, height=12, class_="band")
    else:
        entries.append((_diamond(14, 8), "this person"))
        mark = together(
            _line(14, 1, 14, 15, "interval"),
            _line(9, 1, 19, 1, "interval"),
            _line(9, 15, 19, 15, "interval"),
        )
    if prediction.interval_years is not None:
        entries.append((mark, f"{level} interval"))
    if reference is not None:
        people = f"{len(reference.ages_years)} reference people: {reference.described_as}"
        entries.append((element("path", d="M8 10h0M14 5h0M20 10h0", class_="people"), people))
    return element(
        "ul",
        *(
            element("li", element("svg", mark, viewBox="0 0 28 16", aria_hidden="true"), words)
            for mark, words in entries
        ),
        class_="marks",
    )


def _in_words(prediction: Prediction) -> str:
    if prediction.brain_age_years is None:
        return ""
    age = prediction.chronological_age_years
    place = "chronological age not known" if age is None else f"aged {wording.years(age)}"
    ends = wording.interval(prediction)
    interval = f", {wording.level(prediction)} interval {ends}" if ends else ""
    return (
        "Predicted against chronological age of healthy reference people and of this person: "
        f"{place}, raw brain age {wording.years(prediction.brain_age_years)}{interval}."
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def _diamond(x: float, y: float) -> Markup:
    return element("path", d=f"M{x:g} {y - 8:g}l8 8l-8 8l-8 -8z", class_="person")


def _label(text: str, x: float, y: float, anchor: str, turned: bool = False) -> Markup:
    turn = f"rotate(-90 {x:g} {y:g})" if turned else None
    return element("text", text, x=x, y=y, text_anchor=anchor, transform=turn)
