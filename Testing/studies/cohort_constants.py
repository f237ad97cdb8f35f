"""What one scan of a batch costs beside the prediction, and what 100,000 would: disk, table, Dask.

    python Testing/studies/cohort_constants.py RESULT [--copies 2000]

RESULT is the output folder of ``brainage predict`` of one scan. It is copied as the results of so
many scans of a batch that is then started again: everything of a batch but the work itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from BrainAgeLib.cohort.batch_settings import BatchSettings
from BrainAgeLib.cohort.dask_workers import DaskWorkers
from BrainAgeLib.cohort.index_page import write_index
from BrainAgeLib.cohort.results_table import write_results
from BrainAgeLib.cohort.scan_entry import ScanEntry
from BrainAgeLib.cohort.scan_work import finished_row
from BrainAgeLib.options import Options

SCANS = 100_000


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long something took and what it returned."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def through_dask(entries: list[ScanEntry], settings: BatchSettings) -> tuple[float, float, float]:
    """Return seconds, the scheduler's CPU seconds and its growth in MiB for finished scans."""
    import psutil
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        scheduler = psutil.Process(os.getpid())  # a local cluster's scheduler is in this process
        with DaskWorkers(cluster.scheduler_address, settings) as workers:
            next(workers.rows(entries[:1]))  # the workers import the library
            before = scheduler.cpu_times().user, scheduler.memory_info().rss
            seconds, _ = seconds_of(lambda: list(workers.rows(entries)))
            after = scheduler.cpu_times().user, scheduler.memory_info().rss
    return seconds, after[0] - before[0], (after[1] - before[1]) / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--copies", type=int, default=2000)
    given = parser.parse_args()
    record = json.loads((given.result / "prediction.json").read_text("utf-8"))
    for file in sorted(given.result.iterdir()):
        print(f"{file.name:22} {file.stat().st_size / 1e3:10.1f} kB")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        scan = record["input"]["path"]
        entries = [ScanEntry(scan, scan, f"{n}", folder=f"p{n}") for n in range(given.copies)]
        for entry in entries:
            (output / entry.folder).mkdir()
            shutil.copy(given.result / "prediction.json", output / entry.folder)
        settings = BatchSettings(output, Options())
        found, rows = seconds_of(lambda: [finished_row(entry, settings) for entry in entries])
        all_rows = (rows * (SCANS // len(rows) + 1))[:SCANS]
        table, _ = seconds_of(lambda: write_results(all_rows, output / "results.csv"))
        size = (output / "results.csv").stat().st_size
        page, _ = seconds_of(lambda: write_index(entries, rows, output))
        dask, cpu, growth = through_dask(entries, settings)
    print(f"finding a finished scan       {1000 * found / given.copies:8.2f} ms")
    print(f"the table of {SCANS} scans  {table:8.2f} s, {size / 1e6:.1f} MB")
    print(f"the index page of {given.copies} scans {page:8.2f} s")
    print(f"a scan through Dask           {1000 * dask / given.copies:8.2f} ms of time")
    print(f"  of the scheduler and client {1000 * cpu / given.copies:8.2f} ms of CPU")
    print(f"  their memory over the run   {growth:+8.1f} MiB")


if __name__ == "__main__":
    main()
