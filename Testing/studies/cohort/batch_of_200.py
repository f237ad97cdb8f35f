"""Run a batch of whole and broken simulated scans, kill it thrice, compare with a calm run.

    make study NAME=cohort/batch_of_200 ARGS="BIDS WORK [--scans 200] [--model FOLDER] [--write]"

BIDS is a dataset of brain-extracted 3D scans. The scans are cut thick from them; one in eight is
broken on purpose. WORK takes the scans and every output; started again, the study goes on there.
Measured are: whether the table of a batch that was killed three times with SIGKILL and resumed
equals that of an undisturbed one; how many scans were worked on twice; the memory of each worker
over the run; and, over some of the whole scans, the throughput of two workers of one thread each
against one. Figures go to WORK/batch.json, with ``--write`` also into docs/cohorts.md. Without
saliency maps and reports (the default) all of it takes some ten minutes on two free cores.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from Testing.studies._pages import PAGES, write_part
from Testing.studies.cohort._batch_figures import bars_of, draw_memory, figures_of, markdown
from Testing.studies.cohort._cut_scans import ONE_BROKEN_IN, write_scans
from Testing.studies.cohort._parts import part
from Testing.studies.cohort._two_loops import speed_up_of_two_loops
from Testing.studies.cohort._watched_batch import results_in, run_batch, table_of

KILLS = 3


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


def whole_scans(table: Path, count: int) -> Path:
    """Write a list of the first ``count`` scans that are not broken beside the list of all."""
    head, *lines = table.read_text().splitlines()
    whole = [line for n, line in enumerate(lines, 1) if n % ONE_BROKEN_IN]
    path = table.with_name(f"whole-{count}.csv")
    path.write_text("\n".join([head, *whole[:count]]) + "\n")
    return path


def main() -> None:
    """Run the batches and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--throughput-scans", type=int, default=64, help="for one worker and two")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument(
        "--options", default="--no-saliency --no-report", help="further options of the batch"
    )
    parser.add_argument("--write", action="store_true", help="into docs/cohorts.md")
    given = parser.parse_args()
    work = given.work
    table = write_scans(given.data, work / "scans", given.scans)
    some = whole_scans(table, given.throughput_scans)
    options = ["--brain-extracted", "--device", "cpu", "--threads", "1", *given.options.split()]
    if given.model:
        options += ["--model", given.model]

    def calm(scans: Path, output: Path, workers: int) -> dict[str, Any]:
        where = ["--output", str(output), "--workers", str(workers)]
        return asdict(run_batch([str(scans), *options, *where]))

    found = {
        "one": part("one-worker", work, lambda out: calm(some, out, 1)),
        "two": part("two-workers", work, lambda out: calm(some, out, 2)),
        "loops": part("two-loops", work, lambda _: speed_up_of_two_loops()),
        "calm": part("calm", work, lambda out: calm(table, out, 2)),
        "redone": part(
            "killed", work, lambda out: killed_and_resumed([str(table), *options], out, given.scans)
        ),
    }
    tables = {name: table_of(work / name) for name in ("killed", "calm", "one-worker")}
    tables["two-workers"] = table_of(work / "two-workers")
    figures = {"options": given.options, **figures_of(found, tables)}
    (work / "batch.json").write_text(json.dumps(figures, indent=1) + "\n")
    draw_memory(found["calm"]["memory_mib"], work / "memory.svg")
    print(json.dumps(figures, indent=1))
    for words, met in bars_of(figures).items():
        print(f"{'met   ' if met else 'MISSED'} {words}")
    if given.write:
        draw_memory(found["calm"]["memory_mib"], PAGES / "cohorts_memory.png")
        write_part(PAGES / "cohorts.md", "batch of 200", markdown(figures))


if __name__ == "__main__":
    main()
