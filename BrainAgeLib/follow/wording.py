"""The words of a change: terminal, page and Slicer take them from here. Plain ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from BrainAgeLib.follow.change import Change
from BrainAgeLib.follow.visits import Person, VisitFinding
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.report.wording import Fact, one_decimal, percent, signed, years

# The research-use sentence where a change stands: a change has its own misreading.
NOTICE = (
    "Research use only. Not a medical device. Not for diagnosis, screening or treatment. A change "
    "of brain age in one person is not evidence of disease."
)
NOT_OF_THE_BRAIN = (
    "A larger change is a change of the picture, not yet of the brain: movement, the scanner's "
    "upkeep and the state of the body make some, and no single person's change is evidence of "
    "disease."
)
NORMAL_AGEING = (
    "A healthy person's brain age rises by about one year a year. What is called more than "
    "scanning again alone explains is so against no change at all, not against that year a year."
)
WHAT_THE_ERROR_LEAVES_OUT = (
    "The error was measured on one scanner and protocol. A real second visit adds positioning, "
    "movement and the scanner's drift, so the true error is larger."
)


def a_year(change: Change) -> Fact:
    """Return the change a year with its interval."""
    return Fact("Brain age a year", f"{signed(change.a_year)} years a year", interval(change))


def interval(change: Change) -> str:
    """Return the interval of the change a year."""
    low, high = change.a_year_interval
    ends = f"{signed(low)} to {signed(high)} years a year"
    return f"{percent(change.level)} interval {ends}, from scanning again alone"


def meaning(person: Person, change: Change, warnings: Sequence[str]) -> str:
    """Say whether the change is more than scanning again makes, and whether that counts."""
    if is_refused(person):
        return "No change can be read from this: the quality gate refuses a scan."
    if not change.is_more_than_error:
        return "Not told from scanning again: it may be nothing."
    if warnings:
        return "More than scanning again alone explains, but the warnings may explain it."
    return "More than scanning again alone explains, against no change at all."


def meaning_and_limits(person: Person, change: Change, warnings: Sequence[str]) -> str:
    """Return the meaning, what is normal and what the error leaves out; a refusal needs neither."""
    said = meaning(person, change, warnings)
    return said if is_refused(person) else f"{said} {NORMAL_AGEING} {WHAT_THE_ERROR_LEAVES_OUT}"


def is_refused(person: Person) -> bool:
    """Say whether the brain age of a scan was forced."""
    return any(visit.verdict == "refuse" for visit in person.visits)


def facts(change: Change, error: ScanError) -> list[Fact]:
    """Return all numbers of a change."""
    low, high = change.total_interval
    return [
        Fact(
            "Change in all",
            f"{signed(change.total_years)} years",
            f"{signed(low)} to {signed(high)}, over {years(change.years)}",
        ),
        Fact(
            "Smallest change that means anything",
            f"{one_decimal(change.smallest_total_years)} years",
            f"{one_decimal(change.smallest_a_year)} a year; one in twenty people in whom nothing "
            "changed shows more",
        ),
        Fact(
            "Error of one scan",
            f"{error.sd_years:.2g} years",
            f"standard deviation; {described(error)}",
        ),
    ]


def described(error: ScanError) -> str:
    """Return where the error of a scan was measured."""
    if not error.people:
        return error.described_as
    return f"{error.described_as}, {error.people} people with {error.scans} scans each"


def findings_of(person: Person) -> list[VisitFinding]:
    """Return what the quality gate refused or warned of, the name of the scan before each."""
    return [
        replace(found, text=f"{visit.name}: {found.text}")
        for visit in person.visits
        for found in visit.findings
    ]


def readable_change(
    person: Person, change: Change, error: ScanError, warnings: Sequence[str]
) -> str:
    """Return what the terminal shows of one person."""
    lines = [
        f"{person.name}: {len(person.visits)} scans over {years(change.years)}",
        *(
            f"  after {visit.time_years:4.1f} years  brain age {years(visit.brain_age_years)}"
            f"  ({visit.name})"
            for visit in person.visits
        ),
        "",
    ]
    for fact in (a_year(change), *facts(change, error)):
        lines.append(f"  {fact.label}: {fact.value} ({fact.note})")
    lines += ["", f"  {meaning_and_limits(person, change, warnings)}"]
    lines += [f"  Warning: {text}" for text in warnings]
    lines += [f"  Scan {found.text}" for found in findings_of(person)]
    return "\n".join(lines)
