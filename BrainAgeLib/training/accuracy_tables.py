"""How good ages are that were predicted out of fold: the figures of a model's card."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from BrainAgeLib.model.calibration import IntervalCoverage
from BrainAgeLib.model.card import AccuracyTables, Table
from BrainAgeLib.training.calibration import CLASSES
from BrainAgeLib.training.figures import accuracy_of, coverage_of
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    RANDOM_PROTOCOL,
    SEQUENCE_PROTOCOLS,
    Row,
)
from BrainAgeLib.training.simulate import TIGHT_PROTOCOL

SPACING_EDGES_MM = (2.0, 4.0, 6.0, 8.0, 12.0)  # bins of the tables alone, like the next
TILT_EDGES_DEGREES = (0.0, 5.0, 10.0, 15.0)


def ablation(rows: list[Row]) -> Table:
    """Return the raw error of each kind of model alone, for the validation people."""
    validation = [row for row in rows if row.protocol == MAIN_PROTOCOL and not row.held_out]
    kinds = dict.fromkeys(kind for row in validation for kind in row.by_kind)
    return {
        kind: accuracy_of(
            replace(row, predicted_years=row.by_kind[kind])
            for row in validation
            if kind in row.by_kind
        )
        for kind in kinds
    }


def accuracy_tables(
    rows: list[Row],
    other_intervals: Mapping[str, IntervalCoverage] | None = None,
    left_out: Mapping[str, list[Row]] | None = None,
) -> AccuracyTables:
    """Return raw accuracy of T1 scans by protocol, of validation and held-out people, by group.

    ``other_intervals``: of other sequences. ``left_out``: as for :func:`write_model`.
    """
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    random = [row for row in rows if row.protocol == RANDOM_PROTOCOL]
    others = SEQUENCE_PROTOCOLS.values()
    protocols = [name for name in dict.fromkeys(row.protocol for row in rows) if name not in others]
    by_protocol = [
        {
            protocol: accuracy_of(
                row for row in rows if row.protocol == protocol and row.held_out == held_out
            )
            for protocol in protocols
        }
        for held_out in (False, True)
    ]
    return AccuracyTables(
        validation=by_protocol[0],
        held_out=by_protocol[1],
        by_decade=_split(main, lambda row: f"{int(row.age_years // 10 * 10)}s"),
        by_sex=_split(main, lambda row: row.sex),
        by_tilt=_split(main, lambda row: _bin(row.tilt_degrees, TILT_EDGES_DEGREES, "°")),
        by_spacing=_split(random, lambda row: _bin(row.spacing_mm, SPACING_EDGES_MM, " mm")),
        by_coverage=_split(random, _coverage_of_brain),
        interval={name: coverage_of(rows, protocol) for name, _, _, protocol in CLASSES}
        | dict(other_intervals or {}),
        left_out=left_out_tables(left_out or {}),
    )


def left_out_tables(left_out: Mapping[str, list[Row]]) -> Table:
    """Return the raw accuracy of each site by a member that saw nobody of it, by protocol."""
    return {
        f"{site}, {protocol}": accuracy_of(row for row in rows if row.protocol == protocol)
        for site, rows in left_out.items()
        for protocol in (MAIN_PROTOCOL, TIGHT_PROTOCOL)
    }


def _split(rows: list[Row], key: Callable[[Row], str]) -> Table:
    names = sorted({key(row) for row in rows}, key=_by_number)
    return {name: accuracy_of(row for row in rows if key(row) == name) for name in names}


def _by_number(name: str) -> tuple[int, str]:
    """Order names that begin with a number by it."""
    number = re.match(r"\d+", name)
    return (int(number[0]) if number else 0, name)


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """Return the name of the bin that a value lies in."""
    low = max(edge for edge in edges[:-1] if edge <= max(value, edges[0]))
    return f"{low:g}-{edges[edges.index(low) + 1]:g}{unit}"


def _coverage_of_brain(row: Row) -> str:
    return "slices cover the brain" if row.covers_brain else "slices leave part of the brain out"
