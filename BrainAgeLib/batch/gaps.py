"""The raw gaps of a batch for its page: a histogram, and a sentence for each sequence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from BrainAgeLib.batch.table import ResultRow
from BrainAgeLib.report.wording import scans_in_words, signed, typeset

T1 = "T1w"  # what nobody saw a sequence of counts as one, too
BIN_YEARS = 2.5
BINS_A_TICK = 4


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram, in drawing units."""

    words: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A word below the histogram."""

    words: str
    x: float


@dataclass(frozen=True)
class Histogram:
    """How the raw gaps are distributed, in drawing units; ``tallest``: what the height means."""

    scans: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    zero_x: float
    tallest: str
    width: int = 640
    height: int = 240
    left: int = 20
    right: int = 620
    top: int = 28
    floor: int = 192


def gap_histogram(gaps_years: Sequence[float]) -> Histogram | None:
    """Return the histogram of gaps in bins of 2.5 years, 0 at an edge; None without gaps."""
    if not gaps_years:
        return None
    bins = [math.floor(gap / BIN_YEARS) for gap in gaps_years]
    # A whole number of ticks on both sides of 0, which is always shown.
    low = BINS_A_TICK * math.floor(min(*bins, -1) / BINS_A_TICK)
    high = BINS_A_TICK * math.ceil((max(*bins, 0) + 1) / BINS_A_TICK)
    counts = [bins.count(number) for number in range(low, high)]
    tallest = max(counts)
    frame = Histogram(len(gaps_years), (), (), 0.0, scans_in_words(tallest))
    width = (frame.right - frame.left) / len(counts)
    highest = frame.floor - frame.top

    def x(number: int) -> float:
        return round(frame.left + (number - low) * width, 1)

    bars = [
        Bar(
            f"{_edge(number)} to {_edge(number + 1)} years: {count}",
            x(number),
            round(frame.floor - count / tallest * highest, 1),
            round(max(width - 1, 0.5), 1),
            round(count / tallest * highest, 1),
        )
        for number, count in enumerate(counts, low)
        if count
    ]
    ticks = [Tick(_edge(number), x(number)) for number in range(low, high + 1, BINS_A_TICK)]
    return Histogram(frame.scans, tuple(bars), tuple(ticks), x(0), frame.tallest)


def gaps_by_sequence(rows: Sequence[ResultRow]) -> dict[str, list[float]]:
    """Return the gaps of each sequence, T1 first: they err differently, so no figure mixes them."""
    gaps: dict[str, list[float]] = {T1: []}
    for row in rows:
        if row.gap_years is not None:
            gaps.setdefault(row.sequence or T1, []).append(row.gap_years)
    return {sequence: years for sequence, years in gaps.items() if years}


def gaps_in_words(gaps: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Return a sentence for each sequence; the first one's gaps are those of the histogram."""
    if list(gaps) == [T1]:
        return (_distribution(gaps[T1]),)
    return tuple(
        f"{sequence}{'' if number else ', shown above'}: {_distribution(years)}"
        for number, (sequence, years) in enumerate(gaps.items())
    )


def _distribution(gaps: Sequence[float]) -> str:
    spread = f", standard deviation {statistics.stdev(gaps):.1f} years" if len(gaps) > 1 else ""
    mean = typeset(signed(statistics.fmean(gaps)))
    return f"{scans_in_words(len(gaps))} with a chronological age: mean {mean} years{spread}."


def _edge(number: int) -> str:
    return typeset(f"{number * BIN_YEARS:g}")
