"""How many healthy people does a site calibration need? Simulated site shifts.

    make study NAME=cohort/site_people ARGS="[--runs 2000]"

Writes the table into docs/site_calibration.md. A simulated site has its own offset
and slope; healthy people scatter around its line as the bundled model's do around its own. The
error is how far the corrected gaps of new people of 60 to 85 years are off on average (root mean
square over ages and runs): 0 would be a perfect line.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

import numpy as np

from BrainAgeLib.cohort.site import fit_deviation
from BrainAgeLib.resources import models_folder
from Testing.studies._pages import PAGES, write_part

MODEL = "thick-slice"
PROTOCOL = "axial 5+1 mm"
YOUNGEST, OLDEST = 60.0, 85.0
PEOPLE = (5, 10, 20, 30, 50, 100, 200)
SHIFTS = (  # offset, slope
    *((0.0, 0.0), (1.0, 0.0), (3.0, 0.0), (6.0, 0.0)),
    *((3.0, 0.1), (12.0, -0.2)),
)
WORDED, WORDED_PEOPLE = SHIFTS[1:4], (20, 50, 100)
JUDGED_AGES = np.linspace(YOUNGEST, OLDEST, 26)


def scatter_of_model() -> float:
    """Return the root mean square error in years of the bundled model's raw ages."""
    card = json.loads((models_folder() / MODEL / "card.json").read_text("utf-8"))
    return float(card["accuracy"]["validation"][PROTOCOL]["rmse_years"])


SCATTER_YEARS = scatter_of_model()


@dataclass(frozen=True)
class Cell:
    """How sites of so many people did. Errors in years; the rest are shares of the sites.

    ``applied_held``: the offset that is applied lies in the printed interval.
    """

    without: float
    plain: float
    shrunk: float
    offset_held: float
    slope_held: float
    applied_held: float


def simulated_sites(people: int, offset: float, slope: float, runs: int) -> Cell:
    """Fit so many sites of one truth."""
    generator = np.random.default_rng([people, int(10 * offset), abs(int(100 * slope))])
    middle = (YOUNGEST + OLDEST) / 2
    truth = offset + slope * (JUDGED_AGES - middle)
    squares, held = np.zeros(3), np.zeros(3)
    for _ in range(runs):
        ages = generator.uniform(YOUNGEST, OLDEST, people)
        seen = offset + slope * (ages - middle) + generator.normal(0, SCATTER_YEARS, people)
        level, tilt, _ = fit_deviation(ages, seen)
        centred = JUDGED_AGES - ages.mean()
        plain = level.value + tilt.value * centred
        shrunk = level.applied + tilt.applied * centred
        squares += [((line - truth) ** 2).mean() for line in (0.0, plain, shrunk)]
        at_mean = offset + slope * (ages.mean() - middle)
        held += [
            level.low <= at_mean <= level.high,
            tilt.low <= slope <= tilt.high,
            level.low <= level.applied <= level.high,
        ]
    return Cell(*map(float, np.sqrt(squares / runs)), *map(float, held / runs))


def table(runs: int) -> str:
    """Return the table in Markdown."""
    lines = [
        f"Error of the line in years, {runs:,} simulated sites a cell; people of {YOUNGEST:.0f} to "
        f"{OLDEST:.0f} years who scatter by {SCATTER_YEARS:.1f} years, as the bundled model's "
        f"raw ages of {PROTOCOL} scans do. In each cell: least squares alone, then shrunk as "
        "`brainage calibrate` does.",
        "",
        "| site shift | model's line | " + " | ".join(f"{n} people" for n in PEOPLE) + " |",
        "|---|---|" + "---|" * len(PEOPLE),
    ]
    found: list[Cell] = []
    worded: list[str] = []
    for offset, slope in SHIFTS:
        cells = [simulated_sites(people, offset, slope, runs) for people in PEOPLE]
        found += cells
        name = f"{offset:g} years" + (f", slope {slope:+g}" if slope else "")
        texts = [f"{cell.plain:.1f} / {cell.shrunk:.1f}" for cell in cells]
        lines.append(f"| {name} | {cells[0].without:.1f} | " + " | ".join(texts) + " |")
        if (offset, slope) in WORDED:
            worded.append(_in_words(offset, cells))
    return "\n".join([*lines, "", *worded, "", _coverage(found, runs)])


def _in_words(offset: float, cells: list[Cell]) -> str:
    off = [f"{cells[PEOPLE.index(people)].shrunk:.1f} with {people}" for people in WORDED_PEOPLE]
    return (
        f"- Site shift {offset:g}: the corrected gaps are off by {offset:.1f} years without a "
        f"calibration, by {', '.join(off)} people."
    )


def _coverage(cells: list[Cell], runs: int) -> str:
    """Return in words how often the printed intervals held the truth, least to most."""

    def words(shares: list[float]) -> str:
        return f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %"

    return (
        f"Over these {len(cells)} cells of {runs:,} sites each the 95 % interval held the true "
        f"offset in {words([cell.offset_held for cell in cells])} of the sites and the true slope "
        f"in {words([cell.slope_held for cell in cells])}; the applied offset lay in its printed "
        f"interval in at least {100 * min(cell.applied_held for cell in cells):.1f} %."
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    found = table(parser.parse_args().runs)
    print(found)
    write_part(PAGES / "site_calibration.md", "site people", found)


if __name__ == "__main__":
    main()
