"""What one scan of a batch costs, beside the prediction too, and what 100,000 would: disk, Dask.

    make study NAME=cohort/constants ARGS="WORK [--scan FILE] [--copies 2000] [--write]"

One whole head (default: the bundled sample) is worked on with every output, in one thread. Its
record is then copied as the results of so many scans of a batch that is started again: everything
of a batch but the work itself. WORK keeps what is done; with ``--write`` the table and the
paragraph go into docs/cohorts.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from BrainAgeLib.batch.dask_workers import DaskWorkers
from BrainAgeLib.batch.index import write_index
from BrainAgeLib.batch.table import ScanEntry, write_results
from BrainAgeLib.batch.work import BatchSettings, finished_row
from BrainAgeLib.options import Options
from Testing.studies._pages import PAGES, PROJECT, machine, write_part
from Testing.studies.cohort._constants_page import SCANS, markdown
from Testing.studies.cohort._parts import part
from Testing.studies.cohort._watched_batch import run_batch

SAMPLE = PROJECT / "Resources" / "SampleData" / "colin27_axial_5mm.nii.gz"
RESULT = "head"


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long something took and what it returned."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def one_head(scan: Path, model: str | None, output: Path) -> dict[str, Any]:
    """Work on one whole head with all outputs; return its CPU, memory and files."""
    table = output.with_name("one.csv")
    table.write_text(f"path,id\n{scan.resolve()},{RESULT}\n")
    options = ["--output", str(output), "--threads", "1", "--device", "cpu"]
    seen = run_batch([str(table), *options, *(["--model", model] if model else [])])
    files = {file.name: file.stat().st_size for file in sorted((output / RESULT).iterdir())}
    return {
        # Of the worker: what the batch itself and the imports take is spent once, not for each.
        "cpu_seconds": sum(seen.cpu_seconds[worker] for worker in seen.peak_mib),
        "peak_mib": max(seen.peak_mib.values()),
        "files": files,
    }


def copied(result: Path, output: Path, copies: int) -> tuple[list[ScanEntry], BatchSettings]:
    """Give so many scans the record of one; return them."""
    record = json.loads((result / "prediction.json").read_text("utf-8"))
    scan = record["input"]["path"]
    entries = [ScanEntry(scan, scan, f"{n}", folder=f"p{n}") for n in range(copies)]
    for entry in entries:
        (output / entry.folder).mkdir(parents=True)
        shutil.copy(result / "prediction.json", output / entry.folder)
    return entries, BatchSettings(output, Options())


def on_disk(result: Path, output: Path, copies: int) -> dict[str, float]:
    """Return what finding results, the table and the page cost."""
    entries, settings = copied(result, output, copies)
    found, rows = seconds_of(lambda: [finished_row(entry, settings) for entry in entries])
    all_rows = (rows * (SCANS // len(rows) + 1))[:SCANS]
    table, _ = seconds_of(lambda: write_results(all_rows, output / "results.csv"))
    page, _ = seconds_of(lambda: write_index(entries, rows, output))
    return {
        "found_ms": 1000 * found / copies,
        "table_seconds": table,
        "table_bytes": (output / "results.csv").stat().st_size,
        "page_ms": 1000 * page / copies,
    }


def through_dask(result: Path, output: Path, copies: int) -> dict[str, float]:
    """Return time, the scheduler's CPU and its growth for a scan that is done already."""
    import psutil
    from distributed import LocalCluster

    entries, settings = copied(result, output, copies)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        scheduler = psutil.Process(os.getpid())  # a local cluster's scheduler is in this process

        def spent() -> tuple[float, int]:
            times = scheduler.cpu_times()
            return times.user + times.system, scheduler.memory_info().rss

        with DaskWorkers(cluster.scheduler_address, settings) as workers:
            next(workers.rows(entries[:1]))  # the workers import the library
            before = spent()
            seconds, _ = seconds_of(lambda: list(workers.rows(entries)))
            after = spent()
    return {
        "ms": 1000 * seconds / copies,
        "cpu_ms": 1000 * (after[0] - before[0]) / copies,
        "growth_mib": (after[1] - before[1]) / 2**20,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--scan", type=Path, default=SAMPLE)
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--copies", type=int, default=2000)
    parser.add_argument("--write", action="store_true", help="into docs/cohorts.md")
    given = parser.parse_args()
    work: Path = given.work
    work.mkdir(parents=True, exist_ok=True)
    head = part("one-head", work, lambda out: one_head(given.scan, given.model, out))
    result = work / "one-head" / RESULT
    constants = {
        "machine": machine(),
        "copies": given.copies,
        "head": head,
        "disk": part("disk", work, lambda out: on_disk(result, out, given.copies)),
        "dask": part("dask", work, lambda out: through_dask(result, out, given.copies)),
    }
    (work / "constants.json").write_text(json.dumps(constants, indent=1) + "\n")
    page = markdown(constants)
    print(page)
    if given.write:
        write_part(PAGES / "cohorts.md", "cohort constants", page)


if __name__ == "__main__":
    main()
