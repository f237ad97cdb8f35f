"""A site's own calibration: how far healthy local people are from the model's bias line.

It replaces the line of the age-bias correction and gives the interval the width of one scanner,
widened by how far the site is off, for people of the site's ages; it never touches the raw age. The
file is read strictly: it may come from anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from BrainAgeLib.codec import Source, from_plain, read_json
from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import OLDEST_AGE_YEARS, Correction, Finding, ModelRecord, Severity

KIND = "brainage site calibration"
# Set by hand: what no site's file reaches.
MOST_BYTES = 100_000
LONGEST_TEXT = 200
MOST_OFFSET_YEARS = 50.0
MOST_SLOPE = 0.75  # a line of predicted age on age stays rising
FEWEST_PEOPLE = 3  # a line and its scatter need as many


@dataclass(frozen=True)
class SiteModel:
    """The model whose line a site deviates from."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class SiteLine:
    """How far a site's gap line is from the model's: at the people's mean age, and its slope."""

    offset_years: float
    slope: float


@dataclass(frozen=True)
class SiteCalibration:
    """The file of a site: the deviation of its gap line from the model's line, in years.

    gap = the model's line + ``applied.offset_years`` + ``applied.slope`` (age -
    ``mean_age_years``). ``classes``: the acquisition classes of the people that it was fitted on.
    ``brain_extracted``: whether their scans came without their skull, None where nobody knows or
    some did and some did not.
    ``estimated``, ``method`` and ``software`` are for readers alone.
    """

    schema_version: Literal["1"]
    kind: Literal["brainage site calibration"]
    notice: str
    site: str
    model: SiteModel
    people: int
    age_range_years: tuple[float, float]
    mean_age_years: float
    classes: tuple[str, ...]
    applied: SiteLine
    estimated: dict[str, Any]
    method: str
    software: dict[str, str]
    brain_extracted: bool | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what no calibration can say."""
        for text in (self.site, self.model.name, self.model.sha256, *self.classes):
            if not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
                raise ValueError(f"{text[:LONGEST_TEXT]!r} is no short text")
        low, high = self.age_range_years
        if not 0 <= low < high <= OLDEST_AGE_YEARS:
            raise ValueError(f"age_range_years cannot be {low:g} to {high:g}")
        if not low <= self.mean_age_years <= high:
            raise ValueError(f"mean_age_years cannot be {self.mean_age_years:g}")
        if self.people < FEWEST_PEOPLE or not self.classes:
            raise ValueError("it has too few people, or no class")
        if abs(self.applied.offset_years) > MOST_OFFSET_YEARS:
            raise ValueError(f"applied.offset_years is beyond {MOST_OFFSET_YEARS:g}")
        if abs(self.applied.slope) > MOST_SLOPE:
            raise ValueError(f"applied.slope is beyond {MOST_SLOPE:g}")

    def adapt(self, correction: Correction) -> Correction:
        """Return the correction with the site's line.

        A line of the gap and Cole's line of the predicted age differ by the age itself, so both
        take the same deviation.
        """
        return replace(
            correction,
            fitted_on=f"healthy people of {self.site}, shrunk towards the line of "
            f"{correction.people} people: {correction.fitted_on}",
            people=self.people,
            age_range_years=self.age_range_years,
            slope=correction.slope + self.applied.slope,
            intercept=correction.intercept
            + self.applied.offset_years
            - self.applied.slope * self.mean_age_years,
            site=self.site,
        )

    def deviation_years(self, age_years: float | None) -> float:
        """Return how far, in years, the site's line is from the model's at an age, up or down.

        None, an age that is not known: the most that it is at any age of the site's people.
        """
        ages_years = self.age_range_years if age_years is None else (age_years,)
        line = self.applied
        return max(
            abs(line.offset_years + line.slope * (years - self.mean_age_years))
            for years in ages_years
        )

    def covers(self, years: float | None) -> bool:
        """Say whether an age, chronological or raw, is among those of the site's people.

        None, an age that is not known, is.
        """
        low, high = self.age_range_years
        return years is None or low <= years <= high

    def findings(
        self,
        age_years: float | None,
        raw_age_years: float,
        acquisition_class: str,
        has_no_skull: bool | None = None,
    ) -> tuple[Finding, ...]:
        """Return what the calibration does not cover of one scan."""
        uncovered = []
        if not self.covers(age_years) or not self.covers(raw_age_years):
            uncovered.append(self._outside_ages(age_years))
        if acquisition_class not in self.classes:
            uncovered.append(
                Finding(
                    FindingCode.SITE_ACQUISITION,
                    "warn",
                    "The site calibration was fitted on scans of another slice spacing.",
                    acquisition_class,
                    ", ".join(self.classes),
                )
            )
        if {self.brain_extracted, has_no_skull} == {True, False}:
            uncovered.append(_other_kind(bool(has_no_skull)))
        return tuple(uncovered)

    def other_sequence(self, acquisition_class: str) -> Finding:
        """Return the finding of a scan of another sequence, of which the calibration says nothing.

        ``acquisition_class``: the name of its class of scans.
        """
        return Finding(
            FindingCode.SITE_ACQUISITION,
            "warn",
            "The site calibration was fitted on T1-weighted scans without contrast agent: nothing "
            "of it is used for this scan. Use such a series if there is one.",
            acquisition_class,
            ", ".join(self.classes),
        )

    def _outside_ages(self, age_years: float | None) -> Finding:
        """Return the finding of a person, or else of a raw age, unlike the site's people.

        It never tells the raw age, which a refused scan must not give.
        """
        low, high = self.age_range_years
        is_person = not self.covers(age_years)
        who = "The person is younger or older than"
        if not is_person:
            who = "The raw brain age is below or above the ages of"
        gap = "there is no corrected gap, and " if is_person else ""
        severity: Severity = "warn" if is_person or age_years is None else "note"
        return Finding(
            FindingCode.SITE_AGE_RANGE,
            severity,
            f"{who} the people of the site calibration: {gap}the interval is not this site's but "
            "as wide as without --site.",
            age_years if is_person else None,
            f"{low:.4g} to {high:.4g} years",
        )


def _other_kind(has_no_skull: bool) -> Finding:
    """Return the finding of a stripped brain at a site of whole heads, or the other way round."""
    scan, site = ("whole head", "brain without its skull")[:: -1 if has_no_skull else 1]
    return Finding(
        FindingCode.SITE_ACQUISITION,
        "warn",
        f"The site calibration was fitted on scans of another kind, each a {site}, and this is a "
        f"{scan}: raw ages of the two differ by years.",
        scan,
        site,
    )


def read_site(path: str | Path, model: ModelRecord) -> SiteCalibration:
    """Read a site calibration that was made for this model.

    Raises InputError when it cannot be read, is none, is damaged, or belongs to another model.
    """
    hint = "give the file that brainage calibrate wrote"
    source = Source(f"{path} is no site calibration", hint)
    document = read_json(Path(path), source, MOST_BYTES)
    if document.get("kind") != KIND:  # a prediction.json or batch.json: its fields tell nothing
        raise InputError(f"{path} is no site calibration of brainage calibrate", hint)
    calibration = from_plain(SiteCalibration, document, source)
    # Curves by age are no weights: ages may move where these stay.
    made_for, used = ((one.version, one.sha256) for one in (calibration.model, model))
    if made_for != used:
        own, theirs = (f"{one.name} {one.version}" for one in (model, calibration.model))
        of_whom = f"other weights of {own}" if own == theirs else f"{theirs}, not {own}"
        raise InputError(
            f"the site calibration {path} was made for {printable(of_whom)[:LONGEST_TEXT]}",
            "run brainage calibrate again, on results of this model",
        )
    return calibration
