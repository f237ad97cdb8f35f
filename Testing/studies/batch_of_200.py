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
import random
import shutil
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from _cut_scans import write_scans
from _watched_batch import results_in, run_batch, table_of

KILLS = 3
LEAST_SPEED_UP = 1.6
MOST_MEMORY_MIB = 2560.0
MOST_GROWTH_MIB = 100.0


def times_of(output: Path) -> dict[str, int]:
    """Return when each result was written."""
    found = [*output.glob("*/prediction.json"), *output.glob("*/failure.json")]
    return {str(path): path.stat().st_mtime_ns for path in found}


def killed_and_resumed(arguments: list[str], output: Path, scans: int) -> int:
    """Kill a batch three times at random places, let it end; return how many were done twice."""
    places = sorted(random.Random(0).sample(range(1, scans - 1), KILLS))
    kept: dict[str, int] = {}
    redone = 0
    for place in [*places, None]:
        run_batch([*arguments, "--output", str(output), "--workers", "2"], place)
        now = times_of(output)
        redone += sum(now.get(path) != when for path, when in kept.items())
        kept = now
        print(f"{results_in(output)} results when killed" if place else "resumed to its end")
    return redone


def part(name: str, work: Path, make: Callable[[Path], Any]) -> Any:
    """Return what a part of the study found; one that an earlier call finished is not repeated."""
    found = work / f"{name}.json"
    if not found.is_file():
        shutil.rmtree(work / name, ignore_errors=True)
        content = make(work / name)
        found.write_text(json.dumps(content))
    print(f"{name}: done", flush=True)
    return json.loads(found.read_text())


def growth_mib(series: list[tuple[float, float]]) -> float:
    """Return by how much the memory of a worker grew from the second to the last quarter."""
    values = [mib for _, mib in series]
    quarter = max(1, len(values) // 4)
    early, late = values[quarter : 2 * quarter] or values, values[-quarter:]
    return round(statistics.median(late) - statistics.median(early), 1)


def draw_memory(memory_mib: dict[str, list[tuple[float, float]]], path: Path) -> None:
    """Plot the memory of every worker over the run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    for number, series in enumerate(memory_mib.values(), 1):
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
    work = given.work
    table = write_scans(given.data, work / "scans", given.scans)
    arguments = [str(table), "--brain-extracted", "--threads", "1", *given.options.split()]

    def calm(output: Path, workers: int) -> dict[str, Any]:
        return asdict(run_batch([*arguments, "--output", str(output), "--workers", str(workers)]))

    redone = part("killed", work, lambda out: killed_and_resumed(arguments, out, given.scans))
    two = part("two-workers", work, lambda out: calm(out, 2))
    one = part("one-worker", work, lambda out: calm(out, 1))
    draw_memory(two["memory_mib"], work / "memory.svg")
    tables = [table_of(work / name) for name in ("killed", "two-workers", "one-worker")]
    figures = {
        "scans": given.scans,
        "options": given.options,
        "rows": len(tables[0]),
        "exit_codes": Counter(row["exit_code"] for row in tables[0]),
        "killed_equals_calm": tables[0] == tables[1],
        "one_worker_equals_two": tables[2] == tables[1],
        "results_made_twice": redone,
        "seconds": {"two workers": two["seconds"], "one worker": one["seconds"]},
        "speed_up": round(one["seconds"] / two["seconds"], 2),
        "cpu_seconds_a_scan": {
            words: round(sum(run["cpu_seconds"].values()) / given.scans, 2)
            for words, run in (("two workers", two), ("one worker", one))
        },
        "peak_mib": list(two["peak_mib"].values()),
        "growth_mib": [growth_mib(series) for series in two["memory_mib"].values()],
        "load_average": two["load_average"],
    }
    (work / "batch.json").write_text(json.dumps(figures, indent=1) + "\n")
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
