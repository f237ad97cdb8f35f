"""The plot places people and this person by their ages."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

from BrainAgeLib.records import Prediction, Reference
from BrainAgeLib.report.pages import filled_in
from BrainAgeLib.report.plot import comparison_plot

MakePerson = Callable[..., Prediction]
REFERENCE = Reference((20.0, 40.0, 80.0), (24.0, 41.0, 75.0), "Cohort A")


def drawing(prediction: Prediction, reference: Reference | None = REFERENCE) -> ElementTree.Element:
    plot = comparison_plot(prediction, reference)
    assert plot is not None
    return ElementTree.fromstring(f"<div>{filled_in('plot.svg.j2', plot=plot)}</div>")[0]


def of_class(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [item for item in parent.iter() if item.get("class") == name]


def test_one_dot_a_reference_person(person: MakePerson) -> None:
    (people,) = of_class(drawing(person()), "people")
    assert people.get("d", "").count("M") == len(REFERENCE.ages_years)


def test_interval_is_a_bar_at_the_chronological_age(person: MakePerson) -> None:
    plot = drawing(person(brain_age_years=60.0, chronological_age_years=60.0))
    bar = of_class(plot, "interval")[0]
    assert bar.get("x1") == bar.get("x2")
    (diamond,) = of_class(plot, "person")
    match = re.match(r"M([\d.]+) ([\d.]+)l", diamond.get("d", ""))
    assert match is not None
    assert float(match[1]) == float(bar.get("x1", "nan"))
    # The path starts 8 units above the middle of the mark.
    assert float(bar.get("y2", "nan")) < float(match[2]) + 8 < float(bar.get("y1", "nan"))


def test_without_age_the_interval_is_a_band(person: MakePerson) -> None:
    plot = drawing(person(chronological_age_years=None))
    (band,) = of_class(plot, "band")
    assert float(band.get("width", 0)) > 300
    assert float(band.get("height", 0)) > 0
    assert not of_class(plot, "person")
    assert of_class(plot, "level")


def test_all_marks_lie_inside_however_far_off(person: MakePerson) -> None:
    plot = drawing(person(brain_age_years=131.0, interval_years=(120.0, 142.0)))
    ends = [float(line.get(name, "nan")) for line in plot.iter("line") for name in ("y1", "y2")]
    assert min(ends) >= 0
    assert max(ends) <= 480


def test_works_without_reference_and_without_interval(person: MakePerson) -> None:
    plot = drawing(person(interval_years=None), reference=None)
    assert not of_class(plot, "people")
    assert not of_class(plot, "interval")


def test_is_told_in_words(person: MakePerson) -> None:
    title = drawing(person()).find("title")
    assert title is not None
    assert "63.4 years" in (title.text or "")


def test_no_plot_without_a_brain_age(refused: Prediction) -> None:
    assert comparison_plot(refused, REFERENCE) is None
