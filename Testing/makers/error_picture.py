"""Draw how far off the shipped model is, other scanners first.

    python -m Testing.makers.error_picture

Writes ``docs/pictures/errors.svg``. Every figure comes from the yardstick on other scanners
(``Testing/studies/results/other_scanners.json``) and from the model's card.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from BrainAgeLib.cohort.charts import COLORS, GREY, SETTINGS
from BrainAgeLib.model.card import Card, read_card
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.resources import models_folder
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES, PAGES

PICTURE = PAGES / "pictures" / "errors.svg"
NEVER_SEEN = "Scanners never seen (people)"
TRAINED_ON = "Scanner of the training, held out"
OF_THE_CARD = ("axial 5+1 mm", "axial 7+2 mm", "3D 2 mm", "6 axial slices", "one axial slice")
LEAST_PEOPLE = 3
WORDS_YEARS = 5.0  # how wide the words of an error are, along the axis
YOUNG, ALL, OLD = "up to 30 years", "all", "from 60 years"
STYLE = {YOUNG: ("v", COLORS[0]), ALL: ("o", "black"), OLD: ("^", COLORS[1])}


@dataclass(frozen=True)
class Line:
    """One row of the picture, in years. ``mean_error_years``: by ``YOUNG``, ``ALL``, ``OLD``."""

    label: str
    mae_years: float
    interval_years: tuple[float, float]
    mean_age_mae_years: float
    mean_error_years: dict[str, float]

    def words(self) -> str:
        """Return the error with its interval."""
        low, high = self.interval_years
        return f"{self.mae_years:.1f} ({low:.1f}-{high:.1f})"


def of_other_scanners(groups: list[dict[str, Any]]) -> list[Line]:
    """Return the rows of people whose scanner the models never saw."""
    return [
        Line(
            f"{one['set'].split()[0]}, {one['strip']}, {one['cut']} ({one['people']})",
            one["mae_years"],
            tuple(one["mae_interval_years"]),
            one["mean_age_mae_years"],
            {
                YOUNG: one["young_years"],
                ALL: one["mean_error_years"],
                OLD: one["old_years"],
            },
        )
        for one in groups
        if one["people"] >= LEAST_PEOPLE
    ]


def of_the_training(card: Card) -> list[Line]:
    """Return the rows of people of the training's scanner whom no choice looked at."""
    lines = []
    for name in OF_THE_CARD:
        row = card.accuracy.held_out[name]
        if row is not None:
            low, high = row.mae_interval_years
            errors = {ALL: row.mean_error_years}
            lines.append(
                Line(
                    f"{name} ({row.people})",
                    row.mae_years,
                    (low, high),
                    row.mean_age_mae_years,
                    errors,
                )
            )
    return lines


def draw(groups: dict[str, list[Line]]) -> bytes:
    """Return the picture of headed rows as SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    rows: list[Line | str] = []
    for head, lines in groups.items():
        rows += [head, *lines]
    with matplotlib.rc_context(SETTINGS):
        figure = Figure((8.6, 1.3 + 0.26 * len(rows)), layout="constrained")
        error, lean = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1))
        labels = []
        for place, row in enumerate(rows):
            labels.append(row if isinstance(row, str) else row.label)
            if isinstance(row, Line):
                _draw_error(error, place, row)
                _draw_lean(lean, place, row)
        error.set_yticks(range(len(rows)), labels)
        for label in error.get_yticklabels():
            label.set_fontweight("bold" if label.get_text() in groups else "normal")
        _write_words(error, rows)
        _finish(error, lean, len(rows))
        figure.legend(loc="outside upper right", ncols=4)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def _draw_error(axes: Any, place: int, row: Line) -> None:
    axes.plot(row.interval_years, [place, place], color=COLORS[0], linewidth=2)
    axes.plot([row.mae_years], [place], "o", color=COLORS[0], markersize=6)
    axes.plot([row.mean_age_mae_years], [place], "|", color=GREY, markersize=9)


def _write_words(axes: Any, rows: list[Line | str]) -> None:
    """Write each error behind all that is drawn, so that no words lie on a mark."""
    lines = [(place, row) for place, row in enumerate(rows) if isinstance(row, Line)]
    behind = max(max(row.mean_age_mae_years, row.interval_years[1]) for _, row in lines) + 0.6
    for place, row in lines:
        axes.text(behind, place, row.words(), va="center", fontsize=8)
    axes.set_xlim(0, behind + WORDS_YEARS)
    axes.set_xticks(range(0, int(behind) + 1, 4))


def _draw_lean(axes: Any, place: int, row: Line) -> None:
    for name, value in row.mean_error_years.items():
        marker, color = STYLE[name]
        axes.plot([value], [place], marker, color=color, markersize=5)


def _finish(error: Any, lean: Any, count: int) -> None:
    error.set_ylim(count - 0.5, -0.5)
    error.tick_params(axis="y", length=0)
    error.set_xlabel("mean absolute error of the raw age, 95 % interval (years)")
    error.plot([], [], "|", color=GREY, markersize=9, label="guessing the mean age")
    lean.axvline(0, color=GREY, linewidth=0.8)
    lean.set_xlabel("mean error (years; right: too old)")
    lean.tick_params(axis="y", length=0)
    for name, (marker, color) in STYLE.items():
        lean.plot([], [], marker, color=color, label=name)


def lines_of() -> dict[str, list[Line]]:
    """Return all rows under their heads."""
    yardstick = json.loads((FIGURES / "other_scanners.json").read_text("utf-8"))
    return {
        NEVER_SEEN: of_other_scanners(yardstick["groups"]),
        TRAINED_ON: of_the_training(read_card(models_folder() / DEFAULT_MODEL)),
    }


def main() -> None:
    """Draw and write."""
    write_atomically(PICTURE, draw(lines_of()))


if __name__ == "__main__":
    main()
