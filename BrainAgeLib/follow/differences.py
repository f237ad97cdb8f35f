"""In what the scans of one person differ beside their dates: a change may be nothing but that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from BrainAgeLib.follow.change import Change, change_of
from BrainAgeLib.follow.visits import Person, Trait
from BrainAgeLib.model.calibration import ScanError

# Farther apart than headers and grids are rounded; of the larger of two numbers. Set by hand.
SAME_NUMBERS = 0.05
CONSEQUENCE = "The change and its interval hold within one scanner and protocol alone."
OF_T1 = (
    "Scans are of another sequence than T1, and the error of one scan was measured on T1 scans "
    "alone: the interval and the smallest change may be too narrow. Measure it on such scans, and "
    "give --scan-error YEARS."
)
OF_TWO = (
    "A T1 and a scan of another sequence are set side by side: their ages differ by years without "
    "any change, so no change can be read from them."
)


@dataclass(frozen=True)
class Difference:
    """One trait that differs: its name, and what each visit has, in their order."""

    trait: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class PersonChange:
    """One person with the change and what to be warned of."""

    person: Person
    change: Change
    warnings: tuple[str, ...]


def person_change(person: Person, error: ScanError) -> PersonChange:
    """Return a person's change with its warnings."""
    return PersonChange(person, change_of(person, error), tuple(warnings_about(person, error)))


def differences_between(person: Person) -> list[Difference]:
    """Return the traits that are known of two visits or more and differ between them."""
    differing = [
        Difference(name, tuple(shown(value, "not known") for value in values))
        for name, values in person.traits.items()
        if _differ(values)
    ]
    models = [visit.model for visit in person.visits]
    if len(set(models)) > 1:
        differing.append(Difference("model", tuple(models)))
    return differing


def warnings_about(person: Person, error: ScanError) -> list[str]:
    """Return a sentence for each thing that makes the change doubtful."""
    said = [
        f"The scans differ in {one.trait}: {', then '.join(one.values)}. {CONSEQUENCE}"
        for one in differences_between(person)
    ]
    doubtful = [visit.name for visit in person.visits if visit.verdict == "refuse"]
    if doubtful:
        said.append(
            f"The quality gate refuses {', '.join(doubtful)}: its brain age was forced, so no "
            "change can be read from it."
        )
    is_t1 = [visit.is_t1 for visit in person.visits]
    if any(is_t1) and not all(is_t1):
        said.append(OF_TWO)
    elif error.people and not any(is_t1):
        said.append(OF_T1)  # who measured an own error knows of which scans
    said += person.notes
    return said


def _differ(values: Sequence[Trait]) -> bool:
    known = [value for value in values if value is not None]
    numbers = [value for value in known if isinstance(value, float)]
    if len(numbers) == len(known) and numbers:
        return max(numbers) - min(numbers) > SAME_NUMBERS * max(map(abs, numbers))
    return len(set(known)) > 1


def shown(value: Trait, unknown: str) -> str:
    """Return a trait for people; ``unknown``: what stands for one that nobody knows."""
    if value is None:
        return unknown
    return f"{value:.3g}" if isinstance(value, float) else value
