"""What came of the batches of ``batch_of_200``: figures, bars, a plot, a table for the page."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from Testing.studies._pages import machine

LEAST_SPEED_UP = 1.6
MOST_MEMORY_MIB = 2560.0
MOST_GROWTH_MIB = 100.0

Rows = list[dict[str, str]]


def figures_of(found: dict[str, Any], tables: dict[str, Rows]) -> dict[str, Any]:
    """Return the figures of all runs. ``tables``: of each run, without its seconds."""
    killed, one, two = tables["killed"], found["one"], found["two"]
    scans = len(tables["two-workers"])
    return {
        "machine": machine(),
        "rows": len(killed),
        "exit_codes": dict(Counter(row["exit_code"] for row in killed)),
        "killed_equals_calm": killed == tables["calm"],
        "duplicate_rows": len(killed) - len({row["path"] for row in killed}),
        "results_made_twice": found["redone"],
        "throughput_scans": scans,
        "one_worker_equals_two": tables["one-worker"] == tables["two-workers"],
        "seconds": {"one worker": one["seconds"], "two workers": two["seconds"]},
        "speed_up": round(one["seconds"] / two["seconds"], 2),
        "speed_up_of_two_loops": found["loops"],
        "cpu_seconds_a_scan": {
            words: round(sum(run["cpu_seconds"].values()) / scans, 2)
            for words, run in (("one worker", one), ("two workers", two))
        },
        "others_share": {
            words: run["others_share"]
            for words, run in (("one worker", one), ("two workers", two), ("calm", found["calm"]))
        },
        "calm_seconds": found["calm"]["seconds"],
        "peak_mib": list(found["calm"]["peak_mib"].values()),
        "growth_mib": [growth_mib(series) for series in found["calm"]["memory_mib"].values()],
    }


def bars_of(figures: dict[str, Any]) -> dict[str, bool]:
    """Return which of the bars were met."""
    return {
        "the killed batch equals the calm one": figures["killed_equals_calm"],
        "nothing was made twice, no row is there twice": figures["results_made_twice"] == 0
        and figures["duplicate_rows"] == 0,
        f"two workers are {LEAST_SPEED_UP} times as fast": figures["speed_up"] >= LEAST_SPEED_UP,
        f"memory under {MOST_MEMORY_MIB:.0f} MiB": max(figures["peak_mib"]) <= MOST_MEMORY_MIB,
        f"memory grows under {MOST_GROWTH_MIB:.0f} MiB": max(figures["growth_mib"])
        <= MOST_GROWTH_MIB,
    }


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
    axes.legend(loc="center right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def markdown(figures: dict[str, Any]) -> str:
    """Return the table for the page."""
    head = f"Measured on {figures['machine']}, options `{figures['options']}`.\n\n"
    rows = "\n".join(f"| {what} | {value} |" for what, value in _lines(figures))
    return f"{head}| what | measured |\n|---|---|\n{rows}"


def _lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    without_age = sum(count for code, count in figures["exit_codes"].items() if code != "0")
    codes = ", ".join(f"{n} with {code}" for code, n in sorted(figures["exit_codes"].items()))
    seconds, cpu = figures["seconds"], figures["cpu_seconds_a_scan"]
    others = figures["others_share"]
    memory = " and ".join(f"{mib:.0f}" for mib in figures["peak_mib"])
    growth = " and ".join(f"{mib:+.1f}" for mib in figures["growth_mib"])
    scans = figures["throughput_scans"]
    return [
        (
            "simulated scans; rows without an age",
            f"{figures['rows']}; {without_age} (exit codes: {codes})",
        ),
        (
            "table of the killed and resumed run against that of the undisturbed one, without the "
            "column `seconds`",
            "equal" if figures["killed_equals_calm"] else "**not equal**",
        ),
        (
            "results made twice; rows that are there twice",
            f"{figures['results_made_twice']}; {figures['duplicate_rows']}",
        ),
        (
            f"{scans} whole scans, one worker of one thread; two",
            f"{seconds['one worker']:.0f} s; {seconds['two workers']:.0f} s, start included",
        ),
        ("throughput of two workers against one", f"**{figures['speed_up']:.2f}**"),
        (
            "the same of two processes that only count, which is what the machine gives",
            f"{figures['speed_up_of_two_loops']:.2f}",
        ),
        (
            "CPU a scan, all processes and their start: one worker; two",
            f"{cpu['one worker']:.2f} s; {cpu['two workers']:.2f} s",
        ),
        (
            "share of the machine that other programs took: one worker; two; the undisturbed run",
            "; ".join(
                f"{100 * others[name]:.0f} %" for name in ("one worker", "two workers", "calm")
            ),
        ),
        ("memory of the two workers at most", f"{memory} MiB"),
        ("their growth from the second to the last quarter of the run", f"{growth} MiB"),
    ]
