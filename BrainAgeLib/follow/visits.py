"""The visits of one person: brain age, age and time of each, and how it was scanned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Prediction, Severity
from BrainAgeLib.report.wording import SEVERITY_WORDS, worst_first

LEAST_YEARS = 1 / 365.25
Trait = str | float | None


# One head, whole and stripped, differs by more than a scan that is repeated.
_SKULL = {None: None, False: "whole head", True: "removed before"}


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
    refusals and warnings of the gate.
    """

    name: str
    time_years: float
    age_years: float | None
    brain_age_years: float
    verdict: str
    model: str
    traits: Mapping[str, Trait]
    findings: tuple[VisitFinding, ...] = ()


@dataclass(frozen=True)
class Person:
    """Two or more visits, the first one first.

    ``notes``: what to know of their times, and of scans that are left out.
    """

    name: str
    visits: tuple[Visit, ...]
    notes: tuple[str, ...] = ()


def visit_of(prediction: Prediction, name: str, time_years: float) -> Visit:
    """Return the visit that a record tells of. Raises InputError for one without a brain age."""
    if prediction.brain_age_years is None:
        reasons = [one.message for one in prediction.quality.findings if one.severity == "refuse"]
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
        f"{prediction.model.name} {prediction.model.version}",
        {
            "skull": _SKULL[prediction.input.brain_extracted],
            "scanner": acquisition.scanner,
            "plane": acquisition.plane,
            "slice spacing (mm)": acquisition.slice_spacing_mm,
            "slice thickness (mm)": acquisition.slice_thickness_mm,
            "pixel size (mm)": max(acquisition.in_plane_mm),
            "echo time (ms)": acquisition.echo_time_ms,
            "repetition time (ms)": acquisition.repetition_time_ms,
            "contrast agent": "yes" if FindingCode.CONTRAST_AGENT in codes else "no",
            "covered part": "part of the brain" if FindingCode.PART_OF_BRAIN in codes else "brain",
            "head by its header": "turned" if FindingCode.HEAD_TURNED in codes else "upright",
        },
        tuple(
            VisitFinding(finding.severity, f"{SEVERITY_WORDS[finding.severity]}: {finding.message}")
            for finding in worst_first(prediction)
            if finding.severity != "note"
        ),
    )


def person_of(name: str, visits: Sequence[Visit], notes: Sequence[str] = ()) -> Person:
    """Return a person with visits in the order of their times, which begin at 0.

    Raises InputError for a single visit, or when all are of one time.
    """
    ordered = sorted(visits, key=lambda visit: visit.time_years)
    if len(ordered) < 2:
        raise InputError(f"{name} has a single scan", "give two or more scans of one person")
    first = ordered[0].time_years
    if ordered[-1].time_years - first < LEAST_YEARS:
        raise InputError(
            f"the scans of {name} are of one time, as far as their ages tell",
            "say how many years after the first each scan is: --years 0 1.5",
        )
    moved = [replace(one, time_years=one.time_years - first) for one in ordered]
    return Person(name, tuple(moved), tuple(notes))


def times_of_ages(ages_years: Sequence[float | None]) -> tuple[list[float], list[str]]:
    """Return the years since the first visit as ages tell them, and what to know of them.

    Raises InputError when an age is missing.
    """
    known = [age for age in ages_years if age is not None]
    if len(known) < len(ages_years):
        raise InputError(
            "the time between the scans is not known: a scan has neither a date nor an age",
            "give --years 0 1.5, the years since the first scan, or --ages",
        )
    notes = []
    if np.allclose(known, np.round(known)):
        notes.append(
            "All ages are whole years, so the time between the scans is known to a year only and "
            "the change a year is as rough. Give the years since the first scan."
        )
    return [age - min(known) for age in known], notes
