"""The report of people who were scanned again; ``templates/follow.html.j2`` says how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib.follow import wording
from BrainAgeLib.follow.change import LEVEL
from BrainAgeLib.follow.differences import PersonChange, shown
from BrainAgeLib.follow.plot import FollowPlot, follow_plot
from BrainAgeLib.follow.visits import NotFollowed, Person
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.records import Reference
from BrainAgeLib.report.pages import filled_in, write_page
from BrainAgeLib.report.pictures import Sheet
from BrainAgeLib.report.wording import Fact, one_decimal, percent, typeset

MOST_PEOPLE_SHOWN = 20  # each with a plot of its own; a table has all
DASH = "\u2013"


@dataclass(frozen=True)
class PersonPart:
    """What the report says of one person. ``properties``: a name, and what each scan has."""

    title: str
    figure: str
    unit: str
    headline: Fact
    meaning: str
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...]
    findings: tuple[str, ...]
    scan_names: tuple[str, ...]
    properties: tuple[tuple[str, ...], ...]
    plot: FollowPlot


@dataclass(frozen=True)
class FollowView:
    """All that the report says. ``rows``: a line a person, where there are several."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    more: str
    people: tuple[PersonPart, ...]
    saliency: Sheet | None
    left_is_right: bool
    not_followed: tuple[NotFollowed, ...] = ()
    not_followed_title: str = wording.NOT_FOLLOWED
    level: str = percent(LEVEL)
    normal_ageing: str = wording.NORMAL_AGEING
    left_out: str = wording.WHAT_THE_ERROR_LEAVES_OUT
    not_of_the_brain: str = wording.NOT_OF_THE_BRAIN
    notice: str = wording.NOTICE


def write_follow_report(
    results: Sequence[PersonChange],
    error: ScanError,
    reference: Reference | None,
    saliency: Sheet | None,
    path: Path,
    not_followed: Sequence[NotFollowed] = (),
) -> None:
    """Write the report, all of it or nothing. Raises BrainAgeError when it cannot be written."""
    several = len(results) > 1
    shown = results[:MOST_PEOPLE_SHOWN]
    more = ""
    if len(results) > len(shown):
        more = f"The first {len(shown)} are shown one by one; changes.csv has all."
    view = FollowView(
        "Brain age of the same person again" if not several else "Brain age of people again",
        tuple(map(_row, results)) if several else (),
        more,
        tuple(_part(each, error, reference, several) for each in shown),
        saliency,
        any(each.person.visits[-1].traits.get("plane") != "sagittal" for each in results),
        tuple(not_followed),
    )
    write_page(path, filled_in("follow.html.j2", view=view))


def _row(result: PersonChange) -> tuple[str, ...]:
    change = result.change
    shown = wording.headline(change)
    smallest = f"{one_decimal(change.smallest_total_years)} years"
    if change.smallest_a_year is not None:
        smallest = f"{one_decimal(change.smallest_a_year)} a year"
    told = "the change is larger" if change.is_more_than_error else "the change may be nothing"
    return (
        result.person.name,
        str(len(result.person.visits)),
        wording.duration(change.years),
        typeset(f"{shown.value} ({wording.ends(change)})"),
        f"{smallest}: {told}",
        str(len(result.warnings)) if result.warnings else DASH,
    )


def _part(
    result: PersonChange, error: ScanError, reference: Reference | None, several: bool
) -> PersonPart:
    person, change = result.person, result.change
    headline = wording.headline(change)
    figure, unit = headline.value.split(maxsplit=1)
    return PersonPart(
        person.name if several else "",
        typeset(figure),
        unit,
        replace(headline, note=typeset(headline.note)),
        wording.meaning(person, change, result.warnings),
        tuple(
            Fact(fact.label, typeset(fact.value), typeset(fact.note))
            for fact in wording.facts(change, error)
        ),
        result.warnings,
        tuple(found.text for found in wording.findings_of(person)),
        tuple(visit.name for visit in person.visits),
        tuple(_properties(person)),
        follow_plot(person, change, reference),
    )


def _properties(person: Person) -> list[tuple[str, ...]]:
    """Return a row a property, since many of them side by side do not fit on a page."""
    visits = person.visits
    ages = [DASH if one.age_years is None else one_decimal(one.age_years) for one in visits]
    rows = [
        ("time since the first", *(wording.duration(one.time_years) for one in visits)),
        ("age", *ages),
        ("raw brain age", *(one_decimal(one.brain_age_years) for one in visits)),
    ]
    for name, values in person.traits.items():
        if any(value is not None for value in values):
            rows.append((name, *(shown(value, DASH) for value in values)))
    return rows
