"""Run a batch of whole and broken simulated scans, kill it thrice, compare with a calm run.

    python Testing/studies/batch_of_200.py BIDS WORK [--scans 200] [--options "--no-saliency"]

BIDS is a dataset of brain-extracted 3D scans. The scans are cut thick from them; one in eight is
broken on purpose. WORK takes the scans and every output; started again, the study goes on there.
Four things are measured: whether the table of a batch that was killed three times with SIGKILL and
resumed equals that of an undisturbed one; how many scans were worked on twice; the throughput of
two workers of one thread each against one; the memory of each worker over the run. Figures go to
WORK/batch.json and WORK/memory.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
from pathlib import Path

from _cut_scans import write_scans
from _watched_batch import Watched, results_in, run_batch, table_of

KILLS = 3
LEAST_SPEED_UP = 1.6
MOST_MEMORY_MIB = 2560.0
MOST_GROWTH_MIB = 100.0


def times_of(output: Path) -> dict[str, int]:
    """Return when each result was written."""
    found = [*output.glob("*/prediction.json"), *output.glob("*/failure.json")]
    return {str(path): path.stat().st_mtime_ns for path in found}


def kill_and_resume(arguments: list[str], output: Path, scans: int) -> tuple[Watched, int]:
    """Kill a batch three times at random places, let it end; return also how many were redone."""
    shutil.rmtree(output, ignore_errors=True)
    places = sorted(random.Random(0).sample(range(1, scans - 1), KILLS))
    kept: dict[str, int] = {}
    redone = 0
    for place in [*places, None]:
        seen = run_batch([*arguments, "--output", str(output), "--workers", "2"], place)
        now = times_of(output)
        redone += sum(now.get(path) != when for path, when in kept.items())
        kept = now
        print(f"killed at {place}: {results_in(output)} results" if place else "resumed to its end")
    return seen, redone


def growth_mib(series: list[tuple[float, float]]) -> float:
    """Return by how much the memory of a worker grew from the second to the last quarter."""
    values = [mib for _, mib in series]
    quarter = max(1, len(values) // 4)
    early = sorted(values[quarter : 2 * quarter])
    late = sorted(values[-quarter:])
    return round(late[len(late) // 2] - early[len(early) // 2], 1) if early else 0.0


def draw_memory(seen: Watched, path: Path) -> None:
    """Plot the memory of every worker over the run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    for number, series in enumerate(seen.memory_mib.values(), 1):
        axes.plot(*zip(*series, strict=True), label=f"worker {number}", linewidth=1)
    axes.axhline(MOST_MEMORY_MIB, color="grey", linestyle="--", linewidth=1)
    axes.set(xlabel="seconds", ylabel="resident memory (MiB)", ylim=(0, 1.1 * MOST_MEMORY_MIB))
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Run the batches and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--options", default="", help="further options of the batch")
    given = parser.parse_args()
    table = write_scans(given.data, given.work / "scans", given.scans)
    arguments = [str(table), "--brain-extracted", "--threads", "1", *given.options.split()]
    runs = {}
    for workers in (2, 1):
        output = given.work / f"calm-{workers}"
        shutil.rmtree(output, ignore_errors=True)
        runs[workers] = run_batch([*arguments, "--output", str(output), "--workers", str(workers)])
        print(f"{workers} workers: {runs[workers].seconds:.0f} s")
    draw_memory(runs[2], given.work / "memory.svg")
    _, redone = kill_and_resume(arguments, given.work / "killed", given.scans)
    calm, killed = table_of(given.work / "calm-2"), table_of(given.work / "killed")
    figures = {
        "scans": given.scans,
        "rows": len(killed),
        "rows_without_age": sum(not row["brain_age_years"] for row in calm),
        "exit_codes": {code: [r["exit_code"] for r in calm].count(code) for code in "0234"},
        "killed_equals_calm": killed == calm,
        "one_worker_equals_two": table_of(given.work / "calm-1") == calm,
        "results_made_twice": redone,
        "seconds": {workers: round(run.seconds, 1) for workers, run in runs.items()},
        "speed_up": round(runs[1].seconds / runs[2].seconds, 2),
        "cpu_seconds_a_scan": {
            workers: round(sum(run.cpu_seconds.values()) / given.scans, 2)
            for workers, run in runs.items()
        },
        "peak_mib": list(runs[2].peak_mib.values()),
        "growth_mib": [growth_mib(series) for series in runs[2].memory_mib.values()],
        "load_average": os.getloadavg()[1],
    }
    (given.work / "batch.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    print_verdict(figures)


def print_verdict(figures: dict) -> None:
    """Say which of the bars were met."""
    bars = {
        "the killed batch equals the calm one": figures["killed_equals_calm"],
        "nothing was made twice": figures["results_made_twice"] == 0,
        f"two workers are {LEAST_SPEED_UP} times as fast": figures["speed_up"] >= LEAST_SPEED_UP,
        f"memory under {MOST_MEMORY_MIB:.0f} MiB": max(figures["peak_mib"]) <= MOST_MEMORY_MIB,
        f"memory grows under {MOST_GROWTH_MIB:.0f} MiB": max(figures["growth_mib"])
        <= MOST_GROWTH_MIB,
    }
    for words, met in bars.items():
        print(f"{'met   ' if met else 'MISSED'} {words}")


if __name__ == "__main__":
    main()
