"""The words of a change: terminal, page and Slicer take them from here. Plain ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from BrainAgeLib.follow.change import LEAST_YEARS_OF_A_RATE, Change
from BrainAgeLib.follow.visits import Person, VisitFinding
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.records import DAYS_A_YEAR
from BrainAgeLib.report.wording import Fact, one_decimal, percent, signed, years

NOT_FOLLOWED = "Not followed"
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
    "A healthy person's brain age rises by about one year a year. A change is judged "
    "here against no change at all, not against that year a year."
)
MONTHS_A_YEAR = 12
MOST_DAYS = 61  # set by hand: from two months on, times are told in months
NO_RATE = f"less than {LEAST_YEARS_OF_A_RATE * MONTHS_A_YEAR:g} months: no change a year is told"
WHAT_THE_ERROR_LEAVES_OUT = (
    "The error was measured on one scanner and protocol. A real second visit adds positioning, "
    "movement and the scanner's drift, so the true error is larger."
)


def headline(change: Change) -> Fact:
    """Return the change a year with its interval; the change in all where there is no rate."""
    label, unit, value, why = "Change of brain age", "years a year", change.a_year, ""
    if value is None:
        unit, value = "years", change.total_years
        why = f"; over {duration(change.years)}, {NO_RATE}"
    interval = f"{percent(change.level)} interval {ends(change)} {unit}"
    return Fact(label, f"{signed(value)} {unit}", f"{interval}, from scanning again alone{why}")


def ends(change: Change) -> str:
    """Return the ends of the interval of what the headline says."""
    low, high = change.a_year_interval or change.total_interval
    return f"{signed(low)} to {signed(high)}"


def duration(time_years: float) -> str:
    """Return a time for people: days or months below a year."""
    days = round(time_years * DAYS_A_YEAR)
    if days < MOST_DAYS:
        return f"{days} day{'s' * (days != 1)}"
    months = round(time_years * MONTHS_A_YEAR)
    return f"{months} months" if months < MONTHS_A_YEAR else years(time_years)


def meaning(person: Person, change: Change, warnings: Sequence[str]) -> str:
    """Say whether the change is more than scanning again makes, and whether that counts."""
    if is_refused(person):
        return "No change can be read from this: the quality gate refuses a scan."
    if not change.is_more_than_error:
        return "No larger than scanning again alone makes: it may be nothing."
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
    in_all = Fact(
        "Change in all",
        f"{signed(change.total_years)} years",
        f"{signed(low)} to {signed(high)}, over {duration(change.years)}",
    )
    rate = change.smallest_a_year
    return [
        *([] if rate is None else [in_all]),  # the headline says it
        Fact(
            "Smallest change that means anything",
            f"{one_decimal(change.smallest_total_years)} years",
            ("" if rate is None else f"{one_decimal(rate)} a year; ")
            + "one in twenty people in whom nothing changed shows more",
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
    person: Person,
    change: Change,
    error: ScanError,
    warnings: Sequence[str],
    of_all: Sequence[str] = (),
) -> str:
    """Return what the terminal shows of one person.

    ``of_all``: those of the warnings that are said of everybody, once, beneath.
    """
    lines = [
        f"{person.name}: {len(person.visits)} scans over {duration(change.years)}",
        *(
            f"  after {duration(visit.time_years):>10}  brain age {years(visit.brain_age_years)}"
            f"  ({visit.name})"
            for visit in person.visits
        ),
        "",
    ]
    for fact in (headline(change), *facts(change, error)):
        lines.append(f"  {fact.label}: {fact.value} ({fact.note})")
    lines += ["", f"  {meaning_and_limits(person, change, warnings)}"]
    lines += [f"  Warning: {text}" for text in warnings if text not in of_all]
    lines += [f"  Scan {found.text}" for found in findings_of(person)]
    return "\n".join(lines)
