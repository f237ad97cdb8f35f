"""From the constants of ``cohort_constants`` to the part of the page on 100,000 scans."""

from __future__ import annotations

from typing import Any

from BrainAgeLib.batch.dask_workers import SCANS_PER_THREAD
from BrainAgeLib.batch.index import MOST_LINES, MOST_THUMBNAILS
from BrainAgeLib.batch.tables_so_far import MOST_FRACTION_OF_TIME

SCANS = 100_000
WORKERS_A_NODE = 32
OPTIONAL = ("report.html", "saliency.nii.gz")


def markdown(constants: dict[str, Any]) -> str:
    """Return the table of what was measured and the paragraph of what follows from it."""
    head, disk, dask = constants["head"], constants["disk"], constants["dask"]
    files = head["files"]
    small = {name: size for name, size in files.items() if name not in OPTIONAL}
    of_files = " / ".join(f"{files.get(name, 0) / 1e6:.1f} MB" for name in reversed(OPTIONAL))
    lines = [
        (
            "a whole head with saliency map and report, one thread, loading of the model included",
            f"{head['cpu_seconds']:.1f} s of CPU, {head['peak_mib']:.0f} MiB of memory at most",
        ),
        (
            "files of a scan: record, mask, transform, thumbnail / saliency map / report",
            f"{len(small)} of {sum(small.values()) / 1e3:.0f} kB together / {of_files}",
        ),
        ("finding a finished scan when started again", f"{disk['found_ms']:.2f} ms"),
        (
            f"writing `results.csv` of {SCANS:,} rows",
            f"{disk['table_seconds']:.1f} s, {disk['table_bytes'] / 1e6:.0f} MB",
        ),
        ("a line of `index.html`, without thumbnail", f"{disk['page_ms']:.2f} ms"),
        (
            "a scan through Dask: scheduler and client, workers on the same machine",
            f"{dask['cpu_ms']:.1f} ms of CPU",
        ),
        (
            f"memory of scheduler and client over {constants['copies']:,} scans",
            f"{dask['growth_mib']:+.1f} MiB",
        ),
    ]
    rows = "\n".join(f"| {what} | {value} |" for what, value in lines)
    return (
        f"Measured on {constants['machine']}.\n\n| what | measured |\n|---|---|\n{rows}\n\n"
        f"{_paragraph(constants, small)}"
    )


def _paragraph(constants: dict[str, Any], small: dict[str, int]) -> str:
    head, disk, dask = constants["head"], constants["disk"], constants["dask"]
    hours = SCANS * head["cpu_seconds"] / 3600
    node_gib = WORKERS_A_NODE * head["peak_mib"] / 1024
    scheduler_minutes = SCANS * dask["cpu_ms"] / 1000 / 60
    workers = round(1000 * head["cpu_seconds"] / dask["cpu_ms"], -2)
    scheduler_gib = SCANS / constants["copies"] * max(dask["growth_mib"], 0.0) / 1024
    files = head["files"]
    all_gb, small_gb = (SCANS * sum(which.values()) / 1e9 for which in (files, small))
    restart_minutes = SCANS * disk["found_ms"] / 1000 / 60
    return (
        f"Multiplied out, not run: {SCANS:,} whole heads are {hours:.0f} hours of one thread, so "
        f"{hours / WORKERS_A_NODE:.1f} hours divided by N on N nodes of {WORKERS_A_NODE} workers "
        f"each, which need {node_gib:.0f} GiB of memory a node. The scheduler knows of "
        f"{SCANS_PER_THREAD} scans for each thread at a time, not of {SCANS:,}; it and the client "
        f"spend {scheduler_minutes:.0f} minutes of CPU over the whole run, so that they would "
        f"limit the rate from some {workers:,.0f} workers on, and would need "
        f"{scheduler_gib:.1f} GiB more even if their memory grew in proportion to the scans. All "
        f"outputs are {SCANS * len(files):,} files of {all_gb:.0f} GB, almost all of it reports "
        f"and saliency maps; with `--no-report --no-saliency` they are {SCANS * len(small):,} "
        f"files of {small_gb:.1f} GB, and few file systems like {SCANS:,} folders in one folder, "
        "so split the list by site or year where that is a problem. `results.csv` is "
        f"{disk['table_bytes'] / 1e6:.0f} MB and is written anew only so often that it takes at "
        f"most {100 * MOST_FRACTION_OF_TIME:.0f} % of the time. A start after a kill takes "
        f"{restart_minutes:.1f} minutes to see what is done. `index.html` lists {MOST_LINES:,} "
        f"scans, {MOST_THUMBNAILS:,} of them with a thumbnail. For this many scans give a CSV "
        "list: a DICOM tree is read header by header at every start."
    )
