"""How the raw gaps of a batch are distributed, drawn as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from BrainAgeLib.report.markup import Markup, element

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 20, 20, 28, 48
BIN_YEARS = 2.5
BINS_A_TICK = 4


def gap_histogram(gaps_years: Sequence[float]) -> Markup | None:
    """Return the histogram of gaps in bins of 2.5 years, 0 at an edge; None without gaps."""
    if not gaps_years:
        return None
    bins = [math.floor(gap / BIN_YEARS) for gap in gaps_years]
    # A whole number of ticks on both sides of 0, which is always shown.
    low = BINS_A_TICK * math.floor(min(*bins, -1) / BINS_A_TICK)
    high = BINS_A_TICK * math.ceil((max(*bins, 0) + 1) / BINS_A_TICK)
    counts = [bins.count(number) for number in range(low, high)]
    width = (WIDTH - LEFT - RIGHT) / len(counts)
    tallest = max(counts)
    floor = HEIGHT - BOTTOM

    def x(number: int) -> float:
        return round(LEFT + (number - low) * width, 1)

    bars = [
        element(
            "rect",
            element("title", f"{_years(n)} to {_years(n + 1)} years: {count}"),
            x=x(n),
            y=round(floor - count / tallest * (floor - TOP), 1),
            width=round(max(width - 1, 0.5), 1),
            height=round(count / tallest * (floor - TOP), 1),
            class_="bar",
        )
        for n, count in enumerate(counts, low)
        if count
    ]
    return element(
        "svg",
        element("title", f"Raw gaps of {len(gaps_years)} scans"),
        *bars,
        _line(x(0), TOP, x(0), floor, "zero"),
        _line(LEFT, floor, WIDTH - RIGHT, floor, "grid"),
        *(_text(_years(n), x(n), floor + 18) for n in range(low, high + 1, BINS_A_TICK)),
        _text("Raw gap (years): predicted minus chronological age", WIDTH / 2, HEIGHT - 6),
        # In the corner, clear of the bars: what the height stands for.
        _text(f"tallest bar: {tallest} scan{'s' if tallest > 1 else ''}", WIDTH / 2, TOP - 10),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="histogram",
    )


def _years(number: int) -> str:
    return f"{number * BIN_YEARS:g}".replace("-", "\u2212")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def _text(words: str, x: float, y: float) -> Markup:
    return element("text", words, x=x, y=y, text_anchor="middle")
