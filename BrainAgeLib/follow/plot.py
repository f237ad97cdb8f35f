"""The plot: brain age against age, near one person's scans.

Here is where everything lies; ``report/templates/follow_plot.svg.j2`` draws it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from BrainAgeLib.follow.change import LEVEL, Change
from BrainAgeLib.follow.visits import Person
from BrainAgeLib.follow.wording import duration
from BrainAgeLib.records import Reference
from BrainAgeLib.report import wording

WIDTH, HEIGHT = 640, 480  # drawing units
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 56
LEAST_SPAN_YEARS = 10.0
ROOM = 1.5  # times what has to be shown
TICKS_YEARS = (1, 2, 5, 10, 20)
MOST_TICKS = 8


@dataclass(frozen=True)
class Mark:
    """One scan in drawing units; ``low`` and ``high``: where scanning again puts its brain age."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Tick:
    """A line of the grid across one axis, in drawing units."""

    words: str
    place: float


@dataclass(frozen=True)
class FollowPlot:
    """All that is drawn. ``people``: an SVG path with a dot for each of the reference people.

    ``line`` and ``even``: from left to right, the line through the visits, and one on which brain
    age grows by a year a year. The first is None where no change a year is told.
    """

    words: str
    x_words: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    people: str
    visits: tuple[Mark, ...]
    line: tuple[float, float, float, float] | None
    even: tuple[float, float, float, float]
    legend: tuple[tuple[str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    box: tuple[int, int, int, int] = (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)


@dataclass(frozen=True)
class _Axes:
    """Years to drawing units; a year is as long on both axes as their sizes allow."""

    x_low: float
    y_low: float
    span: float

    def x(self, years: float) -> float:
        return round(LEFT + (years - self.x_low) / self.span * (WIDTH - LEFT - RIGHT), 1)

    def y(self, years: float) -> float:
        way = (years - self.y_low) / self.span
        return round(HEIGHT - BOTTOM - way * (HEIGHT - TOP - BOTTOM), 1)

    def holds(self, age: float, brain_age: float) -> bool:
        return 0 < age - self.x_low < self.span and 0 < brain_age - self.y_low < self.span


def follow_plot(person: Person, change: Change, reference: Reference | None) -> FollowPlot:
    """Place the visits of a person; against time where an age is not known."""
    start = person.first_age_years
    has_ages = start is not None
    # Ages may be rounded, times since the first are not.
    places = [visit.time_years + (start or 0.0) for visit in person.visits]
    brain_ages = [visit.brain_age_years for visit in person.visits]
    half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * change.scan_error_years
    axes = _axes(places, brain_ages, half)
    middle_x, middle_y = sum(places) / len(places), sum(brain_ages) / len(brain_ages)

    def ends(slope: float, x: float, y: float) -> tuple[float, float, float, float]:
        ages = axes.x_low, axes.x_low + axes.span
        drawn = [(axes.x(age), axes.y(y + slope * (age - x))) for age in ages]
        return (*drawn[0], *drawn[1])

    people = ""
    if reference is not None and has_ages:
        pairs = zip(reference.ages_years, reference.predicted_years, strict=False)
        near = [(axes.x(age), axes.y(years)) for age, years in pairs if axes.holds(age, years)]
        people = "".join(f"M{x:g} {y:g}h0" for x, y in near)
    return FollowPlot(
        _in_words(person),
        "Age (years)" if has_ages else "Years since the first scan",
        _ticks(axes.x_low, axes.span, axes.x),
        _ticks(axes.y_low, axes.span, axes.y),
        people,
        tuple(
            Mark(axes.x(place), axes.y(years), axes.y(years - half), axes.y(years + half))
            for place, years in zip(places, brain_ages, strict=True)
        ),
        None if change.a_year is None else ends(change.a_year, middle_x, middle_y),
        ends(1.0, places[0], brain_ages[0]),
        _legend(has_line=change.a_year is not None, has_people=bool(people)),
    )


def _axes(places: list[float], brain_ages: list[float], half: float) -> _Axes:
    across = max(places) - min(places)
    up = max(brain_ages) - min(brain_ages) + 2 * half
    span = max(LEAST_SPAN_YEARS, ROOM * max(across, up))
    x_middle = (max(places) + min(places)) / 2
    y_middle = (max(brain_ages) + min(brain_ages)) / 2
    return _Axes(x_middle - span / 2, y_middle - span / 2, span)


def _ticks(low: float, span: float, place: object) -> tuple[Tick, ...]:
    step = next((one for one in TICKS_YEARS if span / one <= MOST_TICKS), TICKS_YEARS[-1])
    first = math.ceil(low / step) * step
    years = range(first, math.floor(low + span) + 1, step)
    return tuple(Tick(str(each), place(each)) for each in years)  # type: ignore[operator]


def _legend(*, has_line: bool, has_people: bool) -> tuple[tuple[str, str], ...]:
    percent = f"{100 * LEVEL:g} %"
    entries = [
        (True, "person", "the scans"),
        (True, "interval", f"where {percent} of scans of this brain would lie"),
        (has_line, "level", "line through the scans"),
        (True, "equality", "one brain year a year, from the first scan"),
        (has_people, "people", "reference people of about that age"),
    ]
    return tuple((mark, words) for is_drawn, mark, words in entries if is_drawn)


def _in_words(person: Person) -> str:
    said = [
        f"{wording.years(visit.brain_age_years)} after {duration(visit.time_years)}"
        for visit in person.visits
    ]
    return f"Brain age against age of one person at {len(said)} dates: {', '.join(said)}."
