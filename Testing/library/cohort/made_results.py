"""Results tables as ``brainage batch`` writes them, of made-up people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from BrainAgeLib.batch.table import COLUMNS

SLOPE, INTERCEPT = -0.2, 11.0  # of the gap on age


def row(number: int, age_years: float, brain_age_years: float, **changes: Any) -> dict[str, Any]:
    """Return one good row; the gap is corrected by the line above."""
    gap = brain_age_years - age_years
    return {
        "path": f"scans/{number}.nii.gz",
        "id": f"sub-{number:03}",
        "session": "1",
        "group": "",
        "age": age_years,
        "sex": "FM"[number % 2],
        "brain_age_years": brain_age_years,
        "interval_low": brain_age_years - 12,
        "interval_high": brain_age_years + 12,
        "gap_years": gap,
        "corrected_gap_years": gap - (SLOPE * age_years + INTERCEPT),
        "verdict": "pass",
        "slice_spacing_mm": 6.0,
        "model": "small 4",
        "exit_code": 0,
    } | changes


def healthy_rows(
    people: int, shift_years: float = 0.0, noise_years: float = 6.0, seed: int = 1
) -> list[dict[str, Any]]:
    """Return people of 20 to 80 years around the line, all of them shifted."""
    generator = np.random.default_rng(seed)
    ages = np.linspace(20.0, 80.0, people)
    noise = generator.normal(0, noise_years, people)
    return [
        row(number, float(age), float((1 + SLOPE) * age + INTERCEPT + shift_years + error))
        for number, (age, error) in enumerate(zip(ages, noise, strict=True))
    ]


def failed_row(number: int, error: str = "damaged") -> dict[str, Any]:
    """Return the row of a scan that could not be read."""
    return {"path": f"scans/{number}.nii.gz", "age": 50, "exit_code": 2, "error": error}


def write_table(rows: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """Write the rows; further columns follow those of the contract."""
    kept = list(rows)
    further = dict.fromkeys(name for entry in kept for name in entry if name not in COLUMNS)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*COLUMNS, *further], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    return path
