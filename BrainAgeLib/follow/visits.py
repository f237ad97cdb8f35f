"""The visits of one person: brain age, age and time of each, and how it was scanned."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import DAYS_A_YEAR, OLDEST_AGE_YEARS, T1_LIKE, Prediction, Severity
from BrainAgeLib.report.wording import SEVERITY_WORDS, leading, worst_first

LEAST_YEARS = 1 / DAYS_A_YEAR  # headers have days
Trait: TypeAlias = str | float | None
SPACING_TRAIT, AGENT_TRAIT = "slice spacing (mm)", "contrast agent"
SEQUENCE_TRAIT, T1 = "sequence", "T1w"  # after an agent or not: that has a trait of its own
AGES = "their ages"
HOW_TO_SAY_OF_SCANS = "--years 0 1.5"
# One head, whole and stripped, differs by more than a scan that is repeated.
_SKULL = {None: None, False: "whole head", True: "removed before"}
# What the record of a scan tells and a results table has no column for.
OF_RECORDS_ALONE = (
    *("skull", "scanner", "plane", "slice thickness (mm)", "pixel size (mm)"),
    *("echo time (ms)", "repetition time (ms)"),
)


@dataclass(frozen=True)
class VisitFinding:
    """What the quality gate refused or warned of in a scan, and its words for people."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class Visit:
    """One scan that has a brain age.

    ``time_years``: since the first visit. ``verdict``: of the quality gate. ``traits``: by what
    scans are comparable, by their names for people; None is what nobody knows. ``findings``: the
    refusals and warnings of the gate. ``is_t1``: whether the age is that of a scan read as a T1.
    """

    name: str
    time_years: float
    age_years: float | None
    brain_age_years: float
    verdict: str
    model: str
    traits: Mapping[str, Trait]
    findings: tuple[VisitFinding, ...] = ()
    is_t1: bool = True


@dataclass(frozen=True)
class Person:
    """Two or more visits, the first one first.

    ``notes``: what to know of their times, and of scans that are left out.
    """

    name: str
    visits: tuple[Visit, ...]
    notes: tuple[str, ...] = ()

    @property
    def first_age_years(self) -> float | None:
        """The age at the first visit, where that at each is known: a plot is over ages then."""
        are_known = all(visit.age_years is not None for visit in self.visits)
        return self.visits[0].age_years if are_known else None

    @property
    def traits(self) -> dict[str, tuple[Trait, ...]]:
        """By the name of each trait, what each visit has; None where it is not known."""
        names = dict.fromkeys(name for visit in self.visits for name in visit.traits)
        return {name: tuple(visit.traits.get(name) for visit in self.visits) for name in names}


def model_name(prediction: Prediction) -> str:
    """Return name and version of the model of a record, as tables have them."""
    return f"{prediction.model.name} {prediction.model.version}"


@dataclass(frozen=True)
class NotFollowed:
    """Somebody of a table with two scans or more who cannot be followed, and why, in words."""

    name: str
    reason: str


def visit_of(prediction: Prediction, name: str, time_years: float) -> Visit:
    """Return the visit that a record tells of. Raises InputError for one without a brain age."""
    if prediction.brain_age_years is None:
        reasons = [one.message for one in leading(prediction) if one.severity == "refuse"]
        raise InputError(
            f"{name} has no brain age: {' '.join(reasons) or 'it was refused'}",
            "leave it out, or scan again",
        )
    acquisition = prediction.acquisition
    codes = {finding.code for finding in prediction.quality.findings}
    return Visit(
        name,
        time_years,
        prediction.chronological_age_years,
        prediction.brain_age_years,
        prediction.quality.verdict,
        model_name(prediction),
        {
            "skull": _SKULL[prediction.input.brain_extracted],
            SEQUENCE_TRAIT: _sequence_of(prediction),
            "scanner": acquisition.scanner,
            "plane": acquisition.plane,
            SPACING_TRAIT: acquisition.slice_spacing_mm,
            "slice thickness (mm)": acquisition.slice_thickness_mm,
            "pixel size (mm)": max(acquisition.in_plane_mm),
            "echo time (ms)": acquisition.echo_time_ms,
            "repetition time (ms)": acquisition.repetition_time_ms,
            **traits_of_codes(codes),
        },
        tuple(
            VisitFinding(finding.severity, f"{SEVERITY_WORDS[finding.severity]}: {finding.message}")
            for finding in worst_first(prediction)
            if finding.severity != "note"
        ),
        FindingCode.OTHER_SEQUENCE not in codes,
    )


def _sequence_of(prediction: Prediction) -> str:
    """Return as which sequence a scan was read, or what is seen of one that was forced.

    Records of before other sequences were read do not say it: what has an age there is a T1.
    """
    for finding in prediction.quality.findings:
        if finding.code == FindingCode.OTHER_SEQUENCE:
            return str(finding.value)
    seen = prediction.sequence
    return T1 if seen is None or seen in T1_LIKE else seen


def traits_of_codes(codes: Collection[str]) -> dict[str, Trait]:
    """Return the traits that the codes of a scan's findings tell."""
    return {
        AGENT_TRAIT: "yes" if FindingCode.CONTRAST_AGENT in codes else "no",
        "covered part": "part of the brain" if FindingCode.PART_OF_BRAIN in codes else "brain",
        "head by its header": "turned" if FindingCode.HEAD_TURNED in codes else "upright",
    }


def person_of(
    name: str,
    visits: Sequence[Visit],
    notes: Sequence[str] = (),
    told_by: str = AGES,
    how_to_say: str = HOW_TO_SAY_OF_SCANS,
) -> Person:
    """Return a person with visits in the order of their times, which begin at 0.

    ``told_by``: what the times were taken from, and ``how_to_say`` other ones, for people. Raises
    InputError for a single visit, when all are of one time, or farther apart than a life is long.
    """
    ordered = sorted(visits, key=lambda visit: visit.time_years)
    if len(ordered) < 2:
        raise InputError(f"{name} has a single scan", "give two or more scans of one person")
    require_times(name, [visit.time_years for visit in ordered], told_by, how_to_say)
    first = ordered[0].time_years
    moved = [replace(one, time_years=one.time_years - first) for one in ordered]
    return Person(name, tuple(moved), tuple(notes))


def require_times(
    name: str,
    times_years: Sequence[float],
    told_by: str,
    how_to_say: str = HOW_TO_SAY_OF_SCANS,
) -> None:
    """Raise InputError for scans that are all of one time, or farther apart than a life is long."""
    between = max(times_years) - min(times_years)
    if between < LEAST_YEARS:
        raise InputError(
            f"the scans of {name} are of one time, as far as {told_by} tell",
            f"say how many years after the first each scan is: {how_to_say}",
        )
    if between > OLDEST_AGE_YEARS:
        raise InputError(
            f"by {told_by} the scans of {name} are {between:g} years apart, longer than a life",
            f"give years since the first scan: {how_to_say}",
        )


def repeated_scans(records: Sequence[Prediction], names: Sequence[str]) -> list[str]:
    """Return a sentence on each scan that was given before: the same file or series."""
    said = []
    for later, name in enumerate(names):
        for earlier in range(later):
            one, other = records[earlier].input, records[later].input
            same_file = one.sha256 is not None and one.sha256 == other.sha256
            same_series = one.series_uid is not None and one.series_uid == other.series_uid
            if same_file or same_series:
                said.append(
                    f"{names[earlier]} and {name} are the same scan (the same "
                    f"{'file' if same_file else 'series'}): no change can be read from them."
                )
                break
    return said


def unknown_times() -> InputError:
    """Return the error of scans whose times nothing tells."""
    return InputError(
        "the time between the scans is not known: a scan has neither a date nor an age",
        "give --years 0 1.5, the years since the first scan, or --ages",
    )


def times_of_ages(ages_years: Sequence[float | None]) -> tuple[list[float], list[str]]:
    """Return the years since the first visit as ages tell them, and what to know of them.

    Raises InputError when an age is missing.
    """
    known = [age for age in ages_years if age is not None]
    if len(known) < len(ages_years):
        raise unknown_times()
    notes = []
    if np.allclose(known, np.round(known)):
        notes.append(
            "All ages are whole years, so the time between the scans is known to a year only and "
            "the change a year is as rough. Give the years since the first scan."
        )
    return [age - min(known) for age in known], notes
