"""Simulated cohorts with a known truth: are estimates unbiased, do intervals hold?

    make study NAME=cohort/simulated ARGS="STORE [--runs 1000] [--jobs N] [--stored]"

Runs the analyses of ``brainage cohort`` on simulated cohorts and writes
Testing/studies/results/simulated_cohorts.json and the table of docs/cohort_statistics.md. STORE is
a folder outside the project that keeps what is done: started again, it goes on. A run costs a tenth
of a second of one core, with mixed models up to half a second. ``--stored`` runs nothing: it judges
the rows that the store has. Rows that it has not in full stay as they were judged before.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.cohort.cohort_data import read_cohort
from BrainAgeLib.whole_file import write_atomically
from Testing.library.cohort.made_results import write_table
from Testing.library.cohort.simulated_cohorts import simulated_rows
from Testing.studies._pages import FIGURES, PAGES, write_part
from Testing.studies.cohort._simulated_scenarios import SCENARIOS, Scenario

RESULTS = FIGURES / "simulated_cohorts.json"
LEAST, MOST = 0.93, 0.97  # coverage of a 95 % interval that is right
LEAST_SHARE = 0.9  # of the runs that can be estimated, for a row
PART = 50  # runs that are stored together


def run(scenario: Scenario, number: int, folder: Path) -> list[float] | None:
    """Return estimate, interval and p (NaN without) of one simulated cohort."""
    generator = np.random.default_rng([SCENARIOS.index(scenario), number])
    path = write_table(simulated_rows(scenario.truth, generator), folder / "results.csv")
    found = scenario.analysis(read_cohort(path, scenario.plan))
    if found is None or found.low is None or found.high is None:
        return None
    return [found.value, found.low, found.high, math.nan if found.p is None else found.p]


def stored_runs(
    scenario: Scenario, runs: int, store: Path | None, only_stored: bool = False
) -> np.ndarray:
    """Return (run, 4) of those that could be estimated, from the store where they are in it."""
    found: list[list[float] | None] = []
    for start in range(0, runs, PART):
        if not only_stored or (store and part_file(scenario, start, runs, store).is_file()):
            found += part_of(scenario, start, runs, store)
    return np.array([entry for entry in found if entry is not None])


def part_of(
    scenario: Scenario, start: int, runs: int, store: Path | None
) -> list[list[float] | None]:
    """Return the runs from ``start`` on that are stored together."""
    file = part_file(scenario, start, runs, store) if store else None
    if file and file.is_file():
        return list(json.loads(file.read_text("utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        numbers = range(start, min(start + PART, runs))
        part = [run(scenario, number, Path(folder)) for number in numbers]
    if file:
        write_atomically(file, json.dumps(part).encode())
    return part


def part_file(scenario: Scenario, start: int, runs: int, store: Path) -> Path:
    """Return where these runs are kept."""
    count = min(start + PART, runs) - start
    return store / f"{SCENARIOS.index(scenario):02}-{start:05}-{count}.json"


def fill(runs: int, store: Path, jobs: int) -> None:
    """Run what the store lacks in so many processes."""
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [
            pool.submit(part_of, scenario, start, runs, store)
            for scenario in SCENARIOS
            for start in range(0, runs, PART)
        ]
        for part in waiting:
            part.result()


@dataclass(frozen=True)
class Verdict:
    """How an estimator did. ``coverage`` and ``rejected`` (None without p) are shares of runs."""

    runs: int
    truth: float
    mean: float
    standard_error: float
    coverage: float
    rejected: float | None


def judge(scenario: Scenario, found: np.ndarray) -> Verdict:
    """Return bias, coverage and rejections of a scenario's runs."""
    value, low, high, p = found.T
    center, error = value.mean(), value.std(ddof=1) / math.sqrt(len(value))
    if scenario.is_ratio:
        center = math.exp(np.log(value).mean())
        error = center * np.log(value).std(ddof=1) / math.sqrt(len(value))
    return Verdict(
        len(found),
        scenario.value,
        float(center),
        float(error),
        float(((low <= scenario.value) & (scenario.value <= high)).mean()),
        float((p < 0.05).mean()) if np.isfinite(p).all() else None,
    )


def judged(runs: int, store: Path | None, only_stored: bool) -> dict[str, Verdict]:
    """Return the verdicts of the scenarios that are there in full, and those of before."""
    found: dict[str, Verdict] = {}
    if RESULTS.is_file():
        before = json.loads(RESULTS.read_text("utf-8"))
        truths = {scenario.name: scenario.value for scenario in SCENARIOS}
        found = {
            name: Verdict(**entry)
            for name, entry in before.items()
            if entry["truth"] == truths.get(name)  # else it is of another scenario
        }
    for scenario in SCENARIOS:
        values = stored_runs(scenario, runs, store, only_stored)
        known = found[scenario.name].runs if scenario.name in found else 1
        if len(values) >= LEAST_SHARE * max(runs, known):
            found[scenario.name] = judge(scenario, values)
            print(f"{scenario.name}: {found[scenario.name]}", flush=True)
    return {scenario.name: found[scenario.name] for scenario in SCENARIOS if scenario.name in found}


def table(found: dict[str, Verdict]) -> str:
    """Return the table in Markdown."""
    lines = [
        "| simulated cohort | runs | truth | mean estimate (standard error) | coverage of the 95 % "
        "interval | p < 0.05 | 93 to 97 % held |",
        "|---|---|---|---|---|---|---|",
    ]
    missing = [scenario.name for scenario in SCENARIOS if scenario.name not in found]
    for scenario in SCENARIOS:
        if scenario.name in found:
            lines.append(_row(scenario, found[scenario.name]))
    if missing:
        lines += ["", f"Not run yet: {'; '.join(missing)}."]
    return "\n".join(lines)


def _row(scenario: Scenario, found: Verdict) -> str:
    rejected = "-" if found.rejected is None else f"{100 * found.rejected:.1f} %"
    digits = 3 if found.standard_error >= 0.0005 else 4
    return (
        f"| {scenario.name} | {found.runs} | {found.truth:.3g} | {found.mean:.{digits}f} "
        f"({found.standard_error:.{digits}f}) | {100 * found.coverage:.1f} % | {rejected} | "
        f"{'yes' if LEAST <= found.coverage <= MOST else 'no'} |"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--stored", action="store_true", help="run nothing")
    options = parser.parse_args()
    options.store.mkdir(parents=True, exist_ok=True)
    if options.jobs > 1 and not options.stored:
        fill(options.runs, options.store, options.jobs)
    found = judged(options.runs, options.store, options.stored)
    rows = {name: asdict(verdict) for name, verdict in found.items()}
    write_atomically(RESULTS, (json.dumps(rows, indent=1) + "\n").encode())
    write_part(PAGES / "cohort_statistics.md", "simulated cohorts", table(found))


if __name__ == "__main__":
    main()
