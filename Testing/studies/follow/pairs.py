"""The same person again: are changes of brain age right, and do their intervals hold?

    make study NAME=follow/pairs ARGS="BIDS --work DIR [--people 20] [--model MODEL] [--write]"

BIDS is the dataset that MODEL learnt from: brain-extracted 3D scans. Each person is predicted by
the member that has not seen that person, and is made to grow older by 0, 2 and 5 brain years, by
a warp that enlarges the lateral ventricles and moves the age of the very same routine scan by just
that. Both dates are then cut anew into thick slices of 3 to 7 mm, at another phase and tilt, with
noise, and go the whole way that scans of users go; all simulated. Rows are kept in DIR, so that a
run that was stopped goes on, with the same model. ``--write`` keeps the figures and writes
docs/cohort_statistics.md.

The interval is that of ``brainage follow``, with the error of the model's card, which was measured
on other people. Exact intervals of its coverage (Clopper and Pearson 1934) count each pair as
independent.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from BrainAgeLib.follow.change import change_of
from BrainAgeLib.follow.follow import scan_error_of
from BrainAgeLib.follow.visits import Visit, person_of
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.training.people import read_people
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES, PAGES, table, write_part
from Testing.studies.follow._growing import (
    GROWTHS_YEARS,
    LARGEST_WALL_MM,
    PAIRS,
    Row,
    scan_everybody,
)
from Testing.studies.follow._members import people_of_members

RESULTS = FIGURES / "follow_pairs.json"
YEARS_BETWEEN = 1.0  # the interval of a change of so many years is as wide at any time between


def changes_of(rows: list[Row], error: ScanError) -> dict[float, list[tuple[float, bool, bool]]]:
    """Return, by growth, the changes found: years, whether the interval holds the growth, and
    whether the change is told from scanning again."""
    ages = {(row.person, row.growth_years, row.cut): row.brain_age_years for row in rows}
    changes: dict[float, list[tuple[float, bool, bool]]] = {each: [] for each in GROWTHS_YEARS}
    for person in dict.fromkeys(row.person for row in rows):
        for growth, pairs in PAIRS.items():
            for first, later in pairs:
                keys = (person, 0.0, first), (person, growth, later)
                if all(key in ages for key in keys):
                    visits = [
                        Visit(str(time), time, None, ages[key], "pass", "", {})
                        for time, key in zip((0.0, YEARS_BETWEEN), keys, strict=True)
                    ]
                    change = change_of(person_of(person, visits), error)
                    low, high = change.total_interval
                    held = low <= growth <= high
                    changes[growth].append((change.total_years, held, change.is_more_than_error))
    return changes


def figures_of(rows: list[Row], error: ScanError) -> dict[str, Any]:
    """Return the figures that are kept: nothing of a single person.

    Raises ValueError for rows of several models.
    """
    models = sorted({(row.model, row.sha256) for row in rows})
    if len(models) != 1:
        raise ValueError(f"these rows are of {len(models)} models: {models}")
    ((model, sha256),) = models
    changes = changes_of(rows, error)
    lines = {
        f"{growth:g}": {
            "people": len({row.person for row in rows if row.growth_years == growth}),
            **_line(growth, found),
        }
        for growth, found in changes.items()
    }
    everything = [one for found in changes.values() for one in found]
    again = np.array([years for years, _, _ in changes[0.0]])
    return {
        "model": model,
        "sha256": sha256,
        "people": len({row.person for row in rows}),
        "largest_wall_mm": LARGEST_WALL_MM,
        "card_sd_years": error.sd_years,
        "sd_of_these_people_years": round(float(np.sqrt((again**2).mean() / 2)), 3),
        "by_growth": lines,
        "all": _coverage([held for _, held, _ in everything]),
    }


def _line(growth: float, found: list[tuple[float, bool, bool]]) -> dict[str, Any]:
    off = np.array([years - growth for years, _, _ in found])
    return {
        **_coverage([held for _, held, _ in found]),
        "bias_years": round(float(off.mean()), 3),
        "standard_error_years": round(float(off.std(ddof=1) / math.sqrt(len(off))), 3),
        "told": round(float(np.mean([told for _, _, told in found])), 3),
    }


def _coverage(held: list[bool]) -> dict[str, Any]:
    ends = binomtest(sum(held), len(held)).proportion_ci(0.95, method="exact")
    return {
        "pairs": len(held),
        "held": round(float(np.mean(held)), 3),
        "held_interval": [round(float(ends.low), 3), round(float(ends.high), 3)],
    }


def page_of(figures: dict[str, Any]) -> str:
    """Return what stands in the page."""
    rows = [
        [
            f"{growth} years",
            str(line["pairs"]),
            f"{line['bias_years']:+.2f} ({line['standard_error_years']:.2f})",
            _percent(line),
            f"{100 * line['told']:.0f} %",
        ]
        for growth, line in figures["by_growth"].items()
    ]
    rows.append(["all", str(figures["all"]["pairs"]), "", _percent(figures["all"]), ""])
    head = ["brain grown older by", "pairs", "bias in years (standard error)"]
    head += ["the 95 % interval holds (exact 95 % interval)", "told from scanning again"]
    return (
        f"{figures['people']} people, each by the member of {figures['model']} that has not seen "
        f"them. Error of one scan: {figures['card_sd_years']:.2f} years in the card, "
        f"{figures['sd_of_these_people_years']:.2f} in these people.\n\n"
        + table(head, rows)
        + "".join(f"\n\n{said}" for said in _left_out(figures))
    )


def _left_out(figures: dict[str, Any]) -> Iterator[str]:
    """Yield who could not be made to grow older by so much, and why: see ``scans_of``."""
    for growth, line in figures["by_growth"].items():
        without = figures["people"] - line["people"]
        if without:
            yield (
                f"Without {growth} years: {without} of {figures['people']} people. Moving the "
                f"walls of the ventricles by {figures['largest_wall_mm']:g} mm, the most that is "
                "tried, did not age their brains by so much."
            )


def _percent(line: dict[str, Any]) -> str:
    low, high = line["held_interval"]
    return f"{100 * line['held']:.1f} % ({100 * low:.0f}-{100 * high:.0f})"


def main() -> None:
    """Measure and, if asked, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--model")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    model = load_ensemble(options.model)
    people = people_of_members(
        read_people(options.data), model, options.people, options.work / "members"
    )
    rows = scan_everybody(people, options.work / "pairs.csv", model.record)
    figures = figures_of(rows, scan_error_of(model.card))
    print(page_of(figures))
    if options.write:
        write_atomically(RESULTS, (json.dumps(figures, indent=1) + "\n").encode())
        write_part(PAGES / "cohort_statistics.md", "follow pairs", page_of(figures))


if __name__ == "__main__":
    main()
