"""How many healthy people does a site calibration need? Simulated site shifts.

    make study NAME=site_people ARGS="[--runs 2000]"

Writes the table into docs/site_calibration.md. A simulated site has its own offset
and slope; healthy people scatter around its line as the bundled model's do around its own. The
error is how far the corrected gaps of new people of 60 to 85 years are off on average (root mean
square over ages and runs): 0 would be a perfect line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from BrainAgeLib.cohort.site_fit import fit_deviation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "site_calibration.md"
BEGIN, END = "<!-- site people: begin -->", "<!-- site people: end -->"
SCATTER_YEARS = 7.3  # RMSE of the bundled model's raw ages at 5 mm slices
YOUNGEST, OLDEST = 60.0, 85.0
PEOPLE = (5, 10, 20, 30, 50, 100, 200)
SHIFTS = ((0.0, 0.0), (1.0, 0.0), (3.0, 0.0), (6.0, 0.0), (3.0, 0.1))  # offset, slope
JUDGED_AGES = np.linspace(YOUNGEST, OLDEST, 26)


def errors(people: int, offset: float, slope: float, runs: int) -> tuple[float, float, float]:
    """Return the error without a site line, with the plain fit and with the shrunk one."""
    generator = np.random.default_rng([people, int(10 * offset), int(100 * slope)])
    middle = (YOUNGEST + OLDEST) / 2
    truth = offset + slope * (JUDGED_AGES - middle)
    squares = np.zeros(3)
    for _ in range(runs):
        ages = generator.uniform(YOUNGEST, OLDEST, people)
        seen = offset + slope * (ages - middle) + generator.normal(0, SCATTER_YEARS, people)
        level, tilt, _ = fit_deviation(ages, seen)
        centred = JUDGED_AGES - ages.mean()
        plain = level.value + tilt.value * centred
        shrunk = level.applied + tilt.applied * centred
        squares += [((line - truth) ** 2).mean() for line in (0.0, plain, shrunk)]
    return tuple(np.sqrt(squares / runs))  # type: ignore[return-value]


def table(runs: int) -> str:
    """Return the table in Markdown."""
    lines = [
        f"Error of the line in years, {runs:,} simulated sites a cell; people of {YOUNGEST:.0f} to "
        f"{OLDEST:.0f} years who scatter by {SCATTER_YEARS} years. In each cell: least squares "
        "alone, then shrunk as `brainage calibrate` does.",
        "",
        "| site shift | model's line | " + " | ".join(f"{n} people" for n in PEOPLE) + " |",
        "|---|---|" + "---|" * len(PEOPLE),
    ]
    for offset, slope in SHIFTS:
        cells, without = [], 0.0
        for people in PEOPLE:
            without, plain, shrunk = errors(people, offset, slope, runs)
            cells.append(f"{plain:.1f} / {shrunk:.1f}")
        name = f"{offset:g} years" + (f", slope {slope:+g}" if slope else "")
        lines.append(f"| {name} | {without:.1f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    found = table(parser.parse_args().runs)
    print(found)
    text = PAGE.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{found}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
