"""One number of an analysis, with all that it must not stand without."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

from BrainAgeLib.cohort.table import Exclusion


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval.

    ``subset``: the people it is about. ``p_adjusted``: after Holm's correction within its family.
    A p-value without an interval is refused with a ValueError.
    """

    analysis: str
    outcome: str
    subset: str
    figure: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    people: int | None = None
    p: float | None = None
    p_adjusted: float | None = None
    method: str = ""

    def __post_init__(self) -> None:
        """No p-value without its interval."""
        if self.p is not None and (self.low is None or self.high is None):
            raise ValueError(f"{self.figure}: a p-value needs an interval beside it")


@dataclass(frozen=True)
class Table:
    """Rows of cells below the names of their columns, for a report."""

    kind: ClassVar[str] = "table"
    names: Sequence[str]
    rows: Sequence[Sequence[str]]


def numbers_csv(estimates: Sequence[Estimate]) -> bytes:
    """Return every estimate as CSV; what is not known is empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [entry.name for entry in fields(Estimate)], lineterminator="\n")
    writer.writeheader()
    for estimate in estimates:
        writer.writerow({name: _cell(value) for name, value in asdict(estimate).items()})
    return text.getvalue().encode("utf-8", "backslashreplace")


def exclusions_csv(exclusions: Sequence[Exclusion]) -> bytes:
    """Return the scans that were left out, with the reasons, as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = ["line", "person", "session", "group", "reason"]
    writer.writerow(names)
    writer.writerows([getattr(item, name) for name in names] for item in exclusions)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return "" if value is None else value


def shown(value: float | None, unit: str = "") -> str:
    """Return a number for people: three digits that count, a count as it is, or a dash."""
    if isinstance(value, int):
        return str(value)
    if value is None or not math.isfinite(value):
        return "-"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 or unit == "years" else 3
    return f"{value:.{digits}f}"


def with_interval(estimate: Estimate) -> str:
    """Return '1.23 (0.45 to 2.01)'; of an interval without ends, that there is none."""
    text = shown(estimate.value, estimate.unit)
    if estimate.low is None or estimate.high is None:
        return text
    if math.isnan(estimate.low) and math.isnan(estimate.high):
        return f"{text} (too few for an interval)"
    ends = " to ".join(shown(end, estimate.unit) for end in (estimate.low, estimate.high))
    return f"{text} ({ends})"


def p_words(p: float | None) -> str:
    """Return a p-value for people."""
    if p is None or not math.isfinite(p):
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def estimates_table(estimates: Sequence[Estimate]) -> Table:
    """Return the estimates as a table for a report; columns that nobody fills are left out."""
    tested = any(estimate.p is not None for estimate in estimates)
    adjusted = any(estimate.p_adjusted is not None for estimate in estimates)
    with_unit = any(estimate.unit for estimate in estimates)
    names = ["outcome", "people", "figure", "n", "estimate (95 % interval)"]
    names += ["unit"] * with_unit + ["p"] * tested + ["p (Holm)"] * adjusted
    rows = [
        [
            item.outcome,
            item.subset,
            item.figure,
            "-" if item.people is None else str(item.people),
            with_interval(item),
            *([item.unit] if with_unit else []),
            *([p_words(item.p)] if tested else []),
            *([p_words(item.p_adjusted)] if adjusted else []),
        ]
        for item in estimates
    ]
    return Table(names, rows)
