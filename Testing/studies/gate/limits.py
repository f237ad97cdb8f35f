"""How often the gate is wrong: sound scans that it refuses, and faulty ones that it lets pass.

    make study NAME=gate/limits ARGS="DATA --heads FOLDER... --work DIR --json FILE --docs FILE"

DATA is a BIDS dataset of brain-extracted 3D T1 scans of healthy people; each FOLDER holds scans of
whole heads and a participants.tsv with a column file; the bundled sample is always among the heads.
Sound scans are cut from the volumes by the simulator of the training. Faults of graded strength are
put into routine thick-slice scans, each into those of a few people, all people taken in turn, and
into the heads. Every row is kept in DIR/facts.jsonl, so that a run that was stopped goes on, and
new limits are tried without measuring anew (--judge-only); another model or other code measures
anew, but registers only what it would place otherwise. --minutes ends a run early: what is there
is judged. --run RUN, a training run on DATA, adds how the shape of all heads that it registered
would have been judged under wrong headers, and what single slices are worth by their height. The
files that are kept of it are Testing/studies/results/gate_limits.json and the tables in
docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import torch

from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.orphans import end_with_parent
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import write_part
from Testing.studies.gate._facts import Bench
from Testing.studies.gate._faults import named
from Testing.studies.gate._figures import summary
from Testing.studies.gate._heights import heights
from Testing.studies.gate._novelty import moves_by_novelty
from Testing.studies.gate._plan import Size, Task, tasks
from Testing.studies.gate._rows import Rows
from Testing.studies.gate._shapes import shapes
from Testing.studies.gate._tables import markdown

Places = dict[str | None, list[float] | None]
bench: Bench


def begin(model: str | None, masks: Path) -> None:
    """Make a worker ready: one thread, one model."""
    global bench  # a process of its own
    end_with_parent()
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    bench = Bench(model, masks)


def work(task: Task, places: Places, is_known: bool) -> list[dict[str, Any]]:
    """Return the rows of one task; ``places``: where a run before found the brain, by fault."""
    case = bench.sound_case(task.source, is_known)
    return [bench.row(task.source, case, named(fault), places[fault]) for fault in task.faults]


def wanted(plan: list[Task], rows: Rows) -> Iterator[tuple[Task, Places, bool]]:
    """Yield what is not measured yet."""
    for task in plan:
        scan = task.source.name
        left = tuple(fault for fault in task.faults if not rows.has(scan, fault))
        if left:
            places = {fault: rows.place(scan, fault) for fault in left}
            yield Task(task.source, left), places, rows.place(scan, None) is not None


def measure(rows: Rows, plan: list[Task], options: argparse.Namespace) -> None:
    """Measure what is not there yet, until the time is over."""
    end = time.monotonic() + 60 * options.minutes
    left = list(wanted(plan, rows))
    running: set[Future[list[dict[str, Any]]]] = set()
    masks = options.work / "masks"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, context, begin, (options.model, masks)) as pool:
        for number, task in enumerate(left, start=1):
            if time.monotonic() > end:
                print(f"the time is over, {len(left) - number + 1} tasks left", file=sys.stderr)
                break
            running.add(pool.submit(work, *task))
            if len(running) > options.workers:
                running = _keep(rows, running)
            print(f"{number} of {len(left)}: {task[0].source.name}", file=sys.stderr)
        while running:
            running = _keep(rows, running)


def _keep(rows: Rows, running: set[Future[list[dict[str, Any]]]]) -> Any:
    """Keep the rows of what is done, and return what still runs."""
    done, others = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        for row in future.result():
            rows.add(row)
    return others


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--heads", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--run", type=Path, metavar="RUN", help="output of brainage train")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    parser.add_argument("--people", type=int, default=36, help="default 36")
    parser.add_argument("--protocols", type=int, default=2, help="of each person, 1-6; default 2")
    parser.add_argument("--other-people", type=int, default=12, help="not used for the limits")
    parser.add_argument("--scans-per-fault", type=int, default=3, help="default 3")
    parser.add_argument("--fault-heads", type=int, default=1, help="with all faults; default 1")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--workers", type=int, default=2, help="processes; default 2")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="default: no end")
    parser.add_argument("--judge-only", action="store_true", help="measure nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the tables into that page")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, judge, write."""
    options = options_of()
    if options.run and not (options.run / "work" / "slices-0.safetensors").exists():
        sys.exit(f"{options.run} holds no slice model of a training run")
    options.work.mkdir(parents=True, exist_ok=True)
    rows = Rows(options.work / "facts.jsonl", options.model)
    if not options.judge_only:
        size = Size(
            options.people,
            options.protocols,
            options.other_people,
            options.scans_per_fault,
            options.fault_heads,
        )
        measure(rows, tasks(options.data, options.heads, size), options)
    ensemble = load_ensemble(options.model)
    record = ensemble.record
    found = summary(rows.current)
    found["model"] = {"name": record.name, "version": record.version, "sha256": record.sha256}
    found["unlike training"] = moves_by_novelty(rows.current, ensemble.card)
    if options.run:
        found["shapes"] = shapes(options.run / "work" / "registrations")
        found["heights"] = heights(options.run, options.data, ensemble.card)
        found["heights model"] = f"{record.name} {record.version}"
    print(markdown(found))
    if options.json:
        write_atomically(options.json, (json.dumps(found, indent=1) + "\n").encode())
    if options.docs:
        write_part(options.docs, "gate limits", markdown(found))


if __name__ == "__main__":
    main()
