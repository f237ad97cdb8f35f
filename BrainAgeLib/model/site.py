"""A site's own calibration: how far healthy local people are from the model's bias line.

It replaces the line of the age-bias correction and never touches the raw age. The file is read
strictly: it may come from anybody.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import OLDEST_AGE_YEARS, Correction, Finding, ModelRecord

SITE_SCHEMA_VERSION = "1"
KIND = "brainage site calibration"
KEYS = frozenset(
    ("schema_version", "kind", "notice", "site", "model", "people", "age_range_years")
    + ("mean_age_years", "classes", "applied", "estimated", "method", "software")
)
MOST_BYTES = 100_000
LONGEST_TEXT = 200
MOST_OFFSET_YEARS = 50.0
MOST_SLOPE = 0.75  # a line of predicted age on age stays rising
FEWEST_PEOPLE = 3


@dataclass(frozen=True)
class SiteCalibration:
    """The deviation of a site's gap line from the model's line, in years.

    gap = the model's line + ``offset_years`` + ``slope`` (age - ``mean_age_years``). ``classes``:
    the acquisition classes of the people that it was fitted on.
    """

    site: str
    model_name: str
    model_sha256: str
    people: int
    age_range_years: tuple[float, float]
    mean_age_years: float
    classes: tuple[str, ...]
    offset_years: float
    slope: float

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
            slope=correction.slope + self.slope,
            intercept=correction.intercept + self.offset_years - self.slope * self.mean_age_years,
            site=self.site,
        )

    def findings(self, age_years: float | None, acquisition_class: str) -> tuple[Finding, ...]:
        """Return what the calibration does not cover of one scan."""
        found = []
        low, high = self.age_range_years
        if age_years is not None and not low <= age_years <= high:
            found.append(
                Finding(
                    FindingCode.SITE_AGE_RANGE,
                    "warn",
                    "The person is younger or older than the people of the site calibration: "
                    "there is no corrected gap.",
                    age_years,
                    f"{low:.4g} to {high:.4g} years",
                )
            )
        if acquisition_class not in self.classes:
            found.append(
                Finding(
                    FindingCode.SITE_ACQUISITION,
                    "warn",
                    "The site calibration was fitted on scans of another slice spacing.",
                    acquisition_class,
                    ", ".join(self.classes),
                )
            )
        return tuple(found)


def read_site(path: str | Path, model: ModelRecord) -> SiteCalibration:
    """Read a site calibration that was made for this model.

    Raises InputError when it cannot be read, is none, is damaged, or belongs to another model.
    """
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {reason.lower()}", _HINT) from error
    try:
        if len(content) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        calibration = site_from_dict(json.loads(content, parse_constant=_refuse_constant))
    except KeyError as error:
        raise InputError(f"{path} is no site calibration: no {error.args[0]!r}", _HINT) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} is no site calibration: {_one_line(error)}", _HINT) from error
    if calibration.model_sha256 != model.sha256:
        raise InputError(
            f"the site calibration {path} was made for other weights than those of {model.name}",
            "run brainage calibrate again, on results of this model",
        )
    return calibration


_HINT = "give the file that brainage calibrate wrote"


def site_from_dict(document: Any) -> SiteCalibration:
    """Return the calibration of plain values; KeyError, TypeError or ValueError otherwise."""
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ValueError(f"its kind is not {KIND!r}")
    if document.get("schema_version") != SITE_SCHEMA_VERSION:
        raise ValueError(f"its schema_version is not {SITE_SCHEMA_VERSION!r}")
    if unknown := sorted(set(document) - KEYS):
        raise ValueError(f"it has the unknown field {unknown[0][:LONGEST_TEXT]!r}")
    low, high = (
        _number(value, "age_range_years", 0.0, OLDEST_AGE_YEARS)
        for value in _list(document["age_range_years"], "age_range_years", 2)
    )
    if not low < high:
        raise ValueError("age_range_years does not rise")
    people = document["people"]
    if type(people) is not int or people < FEWEST_PEOPLE:
        raise ValueError("people is no count of people")
    applied, model = document["applied"], document["model"]
    return SiteCalibration(
        _text(document["site"], "site"),
        _text(model["name"], "model.name"),
        _text(model["sha256"], "model.sha256"),
        people,
        (low, high),
        _number(document["mean_age_years"], "mean_age_years", low, high),
        tuple(_text(name, "classes") for name in _list(document["classes"], "classes")),
        _number(applied["offset_years"], "offset_years", -MOST_OFFSET_YEARS, MOST_OFFSET_YEARS),
        _number(applied["slope"], "slope", -MOST_SLOPE, MOST_SLOPE),
    )


def _number(value: Any, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is no number")
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} is not between {low:g} and {high:g}")
    return float(value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"{name} is no short text")
    return value


def _list(value: Any, name: str, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or not value or len(value) != (length or len(value)):
        raise ValueError(f"{name} is no list as it should be")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _one_line(error: Exception) -> str:
    return str(error).splitlines()[0][:LONGEST_TEXT] if str(error) else type(error).__name__
