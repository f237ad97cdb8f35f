"""Charts as SVG, fit for a paper: one style, text that stays text, nothing that changes by itself.

The library is matplotlib without its global state: figures are made and written, never shown.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito 2008
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "#666666"
SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "brainage",  # the same data give the same file
    "text.parse_math": False,  # a group may be called $
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
}
WIDTH_INCHES = 4.7
HEIGHT_INCHES = 3.5


def chart(
    draw: Callable[[Any], None],
    x_label: str,
    y_label: str,
    size_inches: tuple[float, float] = (WIDTH_INCHES, HEIGHT_INCHES),
) -> bytes:
    """Return what ``draw`` puts on a pair of axes, as SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(size_inches, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        draw(axes)
        handles, labels = axes.get_legend_handles_labels()
        if labels:
            axes.legend(handles, labels)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def forest(
    rows: Sequence[tuple[str, float, float, float]], x_label: str, line: float | None
) -> bytes:
    """Return estimates with their intervals, one below the other.

    ``rows``: label, estimate, low, high. ``line``: where nothing differs, or what is promised.
    """

    def draw(axes: Any) -> None:
        for place, (_, value, low, high) in enumerate(rows):
            axes.plot([low, high], [place, place], color=COLORS[0])
            axes.plot([value], [place], marker="s", color=COLORS[0], markersize=4)
        if line is not None:
            axes.axvline(line, color=GREY, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(rows)), [label for label, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)

    return chart(draw, x_label, "", (5.2, 0.9 + 0.27 * len(rows)))
