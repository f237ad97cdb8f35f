"""What the gate may look at, and how a family of checks is put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.field_of_view import FieldOfView, look_around
from BrainAgeLib.model.ensemble import RawAge
from BrainAgeLib.records import Acquisition, Finding, SequenceName, SequenceTags, Severity
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.template.template import Template

Record = TypeVar("Record")


@dataclass(frozen=True)
class Contrast:
    """Brightness of the tissues where the template expects them, the coil's field removed.

    ``grey_to_white``, ``csf_to_white``: brightness over white matter's. ``csf_to_white`` is of the
    ventricles. ``tissue_spread``: robust standard deviation of the logarithm of the brightness
    within a tissue. ``field_sd``: standard deviation of the logarithm of the smooth field.
    Fractions, 0-1: ``bright_fraction`` of the brain is much brighter than white matter;
    ``negative_fraction`` of the brain has values of zero or less; ``negative_image_fraction`` of
    the whole image is clearly below zero. ``background_to_brain``: what is darkest in the
    image over the median of the brain. ``pattern``: correlation of scan and template inside the
    brain alone. ``brain_age_years``: the raw age. ``bright_white_log_odds``: logarithm of the odds
    that what is brightest of grey and white matter is white, over those of any place of the two.
    ``around_to_brain``: of bone, where grey matter is brighter than white. ``read_as``, ``said``:
    the sequence as which it was read, and which the caller says that it is.
    """

    grey_to_white: float | None = None
    csf_to_white: float | None = None
    tissue_spread: float | None = None
    field_sd: float | None = None
    bright_fraction: float | None = None
    negative_fraction: float = 0.0
    negative_image_fraction: float = 0.0
    background_to_brain: float = 0.0
    pattern: float | None = None
    brain_age_years: float | None = None
    tags: SequenceTags = SequenceTags()
    bright_white_log_odds: float | None = None
    around_to_brain: float | None = None
    read_as: SequenceName = "T1w"
    said: SequenceName | None = None


@dataclass(frozen=True)
class Evidence:
    """One scan and what came of it; each family measures on it what its checks need.

    ``slices``: those that show brain, as the models see them. ``contrast``: what was measured of it
    to tell the sequence; None where it still has to be. ``sequence``: as which the scan was
    read. ``said_sequence``: what the caller says that it is; None lets the picture tell.
    ``tags``: what a DICOM header says of the sequence. ``is_extracted``: the caller says that the
    scan has no skull. ``raw``: None where no slice is in view.
    """

    placed: PlacedScan
    template: Template
    acquisition: Acquisition
    slices: SliceSet
    contrast: Contrast | None = None
    sequence: SequenceName = "T1w"
    said_sequence: SequenceName | None = None
    tags: SequenceTags = SequenceTags()
    is_extracted: bool = False
    raw: RawAge | None = None
    chronological_age_years: float | None = None
    trained_age_range_years: tuple[float, float] | None = None

    @cached_property
    def view(self) -> FieldOfView:
        """What the scan shows of the template's brain and of what lies around it."""
        return look_around(self.placed, self.template)


@dataclass(frozen=True)
class Family(Generic[Record]):
    """Checks that go together, and how what they need is measured.

    ``measure`` returns a ``record``, or None where none of the checks applies. A check returns a
    finding or None. What could not be measured is None in the record, and no check speaks of it.
    """

    record: type[Record]
    measure: Callable[[Evidence], Record | None]
    checks: tuple[Callable[[Record], Finding | None], ...]

    def judge(self, measured: Record | None) -> tuple[Finding, ...]:
        """Return what the checks find, in their order."""
        if measured is None:
            return ()
        said = (check(measured) for check in self.checks)
        return tuple(finding for finding in said if finding is not None)


def above(
    code: FindingCode,
    value: float | None,
    message: str,
    warn: float | None = None,
    refuse: float | None = None,
) -> Finding | None:
    """Return a finding when the value is over a limit; None when it is not or is not known.

    A value that is no number is over every limit.
    """
    limits: tuple[tuple[Severity, float | None], ...] = (("refuse", refuse), ("warn", warn))
    for severity, limit in limits:
        if value is not None and limit is not None and not value <= limit:
            return Finding(code, severity, message, round(value, 3), limit)
    return None


def below(
    code: FindingCode,
    value: float | None,
    limit: float,
    message: str,
    severity: Severity = "refuse",
) -> Finding | None:
    """Return a finding when the value is under a limit; one that is no number is."""
    if value is None or value >= limit:
        return None
    return Finding(code, severity, message, round(value, 3), limit)


def outside(
    code: FindingCode, value: float, allowed: tuple[float, float], message: str
) -> Finding | None:
    """Return a refusal when the value is outside a range."""
    low, high = allowed
    if low <= value <= high:
        return None
    return Finding(code, "refuse", message, round(value, 3), f"{low} to {high}")
