"""The tables of a card: raw error by scan, group and acquisition, and the interval's coverage."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from BrainAgeLib.statistics import accuracy, exact_interval
from BrainAgeLib.training.interval_classes import CLASSES, SCALE_AGES_YEARS, columns, fit_interval
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, RANDOM_PROTOCOL, Row

SPACING_EDGES_MM = (2.0, 4.0, 6.0, 8.0, 12.0)
TILT_EDGES_DEGREES = (0.0, 5.0, 10.0, 15.0)


def parts(rows: list[Row]) -> dict[str, Any]:
    """Return the raw error of network and regional model alone, for the people not locked."""
    judged = [row for row in rows if row.protocol == MAIN_PROTOCOL and not row.locked]
    return {
        "network": _accuracy([replace(r, predicted_years=r.network_years) for r in judged]),
        "regional": _accuracy(
            [
                replace(r, predicted_years=r.regional_years)
                for r in judged
                if not math.isnan(r.regional_years)
            ]
        ),
    }


def accuracy_tables(rows: list[Row]) -> dict[str, Any]:
    """Return raw accuracy by protocol, for the people that choices saw and the locked fifth."""
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    tables: dict[str, Any] = {}
    for group, locked in (("open", False), ("locked", True)):
        mine = [row for row in rows if row.locked == locked]
        tables[group] = {
            protocol: _accuracy([row for row in mine if row.protocol == protocol])
            for protocol in protocols
        }
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    tables["by_decade"] = _split(main, lambda row: f"{int(row.age_years // 10 * 10)}s")
    tables["by_sex"] = _split(main, lambda row: row.sex)
    random = [row for row in rows if row.protocol == RANDOM_PROTOCOL]
    tables["by_tilt"] = _split(main, lambda row: _bin(row.tilt_degrees, TILT_EDGES_DEGREES, "°"))
    tables["by_spacing"] = _split(random, lambda row: _bin(row.spacing_mm, SPACING_EDGES_MM, " mm"))
    tables["by_coverage"] = _split(random, lambda row: _coverage_of_brain(row))
    tables["interval"] = {name: _coverage(rows, protocol) for name, _, _, protocol in CLASSES}
    return tables


def _split(rows: list[Row], key: Callable[[Row], str]) -> dict[str, Any]:
    names = sorted({key(row) for row in rows}, key=_by_number)
    return {name: _accuracy([row for row in rows if key(row) == name]) for name in names}


def _accuracy(rows: list[Row]) -> dict[str, Any] | None:
    ages = [row.age_years for row in rows]
    if len(set(ages)) < 3:
        return None
    figures = asdict(accuracy(ages, [row.predicted_years for row in rows]))
    return {
        name: [round(v, 3) for v in value] if isinstance(value, tuple) else round(value, 3)
        for name, value in figures.items()
    }


def _by_number(name: str) -> tuple[int, str]:
    """Order names that begin with a number by it."""
    number = re.match(r"\d+", name)
    return (int(number[0]) if number else 0, name)


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """Return the name of the bin that a value lies in."""
    low = max(edge for edge in edges[:-1] if edge <= max(value, edges[0]))
    return f"{low:g}-{edges[edges.index(low) + 1]:g}{unit}"


def _coverage_of_brain(row: Row) -> str:
    whole = not math.isnan(row.regional_years)
    return "slices cover the brain" if whole else "slices leave part of the brain out"


def _coverage(rows: list[Row], protocol: str) -> dict[str, Any]:
    """Return how often the interval holds the age when the other folds' people fit it."""
    chosen = [row for row in rows if row.protocol == protocol]
    folds = np.array([row.fold for row in chosen])
    ages, predicted = columns(chosen)
    errors = predicted - ages
    half_widths = np.zeros(len(chosen))
    for fold in np.unique(folds):
        others = folds != fold
        scales, factor = fit_interval(ages[others], predicted[others])
        half_widths[~others] = factor * np.interp(predicted[~others], SCALE_AGES_YEARS, scales)
    covered = np.abs(errors) <= half_widths
    low, high = exact_interval(int(covered.sum()), len(covered))
    by_decade = {}
    decades = np.array([int(row.age_years // 10 * 10) for row in chosen])
    for decade in np.unique(decades):
        mine = covered[decades == decade]
        limits = exact_interval(int(mine.sum()), len(mine))
        by_decade[f"{decade}s"] = {
            "people": len(mine),
            "coverage": round(float(mine.mean()), 3),
            "exact_interval": [round(limits[0], 3), round(limits[1], 3)],
        }
    return {
        "people": len(chosen),
        "coverage": round(float(covered.mean()), 3),
        "exact_interval": [round(low, 3), round(high, 3)],
        "mean_width_years": round(float(2 * half_widths.mean()), 2),
        "by_decade": by_decade,
    }
