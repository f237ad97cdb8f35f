"""Made-up people who were scanned again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from BrainAgeLib.follow.visits import Person, Visit, person_of
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.records import Prediction
from BrainAgeLib.report.record import write_prediction
from Testing.library.report.conftest import person as made_prediction

OWN_ERROR = ("--scan-error", "1")  # the option of the command
ERROR = ScanError(1.0, 50, 10, "re-slicing, simulated")


def visit(time_years: float, brain_age_years: float, **traits: Any) -> Visit:
    """Return a visit at that time of somebody who was 60 at the first."""
    return Visit(
        f"scan at {time_years:g}",
        time_years,
        60.0 + time_years,
        brain_age_years,
        "pass",
        "small 1",
        {"slice spacing (mm)": 6.0, "contrast agent": "no", "scanner": None} | traits,
    )


def person(
    times_years: Sequence[float],
    brain_ages_years: Sequence[float],
    traits: Sequence[Mapping[str, Any]] | None = None,
) -> Person:
    """Return somebody with visits at those times."""
    each = traits or [{}] * len(times_years)
    visits = [
        visit(time, years, **own)
        for time, years, own in zip(times_years, brain_ages_years, each, strict=True)
    ]
    return person_of("sub-01", visits)


def prediction(
    brain_age_years: float, age_years: float | None = 60.0, **changes: Any
) -> Prediction:
    """Return a record with that brain age, of a scan of its own."""
    made = made_prediction()
    own = sha256(f"{brain_age_years} {age_years}".encode()).hexdigest()
    return replace(
        made,
        brain_age_years=brain_age_years,
        chronological_age_years=age_years,
        **{"input": replace(made.input, sha256=own, series_uid=None)} | changes,
    )


def record(
    folder: Path, brain_age_years: float, age_years: float | None = 60.0, **changes: Any
) -> Path:
    """Write a record with that brain age into a new folder; return the folder."""
    folder.mkdir()
    write_prediction(prediction(brain_age_years, age_years, **changes), folder / "prediction.json")
    return folder
