"""``brainage batch`` in processes of its own: watched, and killed when asked. Linux only."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

KIB_IN_A_MIB = 1024
SECONDS_BETWEEN_LOOKS = 0.5


@dataclass
class Watched:
    """What was seen of a run. ``memory_mib``: for each worker's process id (seconds, MiB)."""

    seconds: float = 0.0
    code: int | None = None
    peak_mib: dict[int, float] = field(default_factory=dict)
    memory_mib: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    cpu_seconds: dict[int, float] = field(default_factory=dict)
    load_average: float = 0.0


def run_batch(arguments: list[str], kill_after_results: int | None = None) -> Watched:
    """Run a batch; kill -9 it when its folder holds so many results, or watch it to its end."""
    output = Path(arguments[arguments.index("--output") + 1])
    command = [sys.executable, "-m", "BrainAgeLib", "batch", *arguments]
    seen = Watched()
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None:
        _look(process.pid, time.monotonic() - began, seen)
        if kill_after_results is not None and results_in(output) >= kill_after_results:
            process.kill()
            process.wait()
            _wait_for_workers(process.pid)
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    seen.seconds = round(time.monotonic() - began, 1)
    seen.load_average = os.getloadavg()[1]
    seen.code = process.returncode
    return seen


def results_in(output: Path) -> int:
    """Return how many scans have a result."""
    return sum(1 for name in ("prediction", "failure") for _ in output.glob(f"*/{name}.json"))


def table_of(output: Path) -> list[dict[str, str]]:
    """Return the table of results without its column of seconds, which no two runs share."""
    with (output / "results.csv").open(newline="") as lines:
        return [
            {name: cell for name, cell in row.items() if name != "seconds"}
            for row in csv.DictReader(lines)
        ]


def _look(parent: int, seconds: float, seen: Watched) -> None:
    for worker in _children(parent):
        try:
            status = Path(f"/proc/{worker}/status").read_text()
            times = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile
        facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if "VmRSS" not in facts or "VmHWM" not in facts:
            continue
        now, peak = (int(facts[name].split()[0]) / KIB_IN_A_MIB for name in ("VmRSS", "VmHWM"))
        seen.memory_mib.setdefault(worker, []).append((round(seconds, 1), round(now, 1)))
        seen.peak_mib[worker] = round(peak, 1)
        ticks = int(times[11]) + int(times[12])
        seen.cpu_seconds[worker] = ticks / os.sysconf("SC_CLK_TCK")


def _children(parent: int) -> list[int]:
    """Return the worker processes: the children but multiprocessing's own helper."""
    try:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [
            int(child)
            for child in found
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    except OSError:
        return []


def _wait_for_workers(session: int) -> None:
    """Wait until the workers have noticed that they are alone."""
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    os.killpg(session, signal.SIGKILL)
