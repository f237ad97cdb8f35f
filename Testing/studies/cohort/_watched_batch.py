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
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """What was seen of a run.

    ``memory_mib``: for each worker's process id (seconds, MiB). ``cpu_seconds``: of all processes
    of the batch, up to the last look. ``others_share``: how much of the machine other programs
    took meanwhile, 0-1.
    """

    seconds: float = 0.0
    code: int | None = None
    peak_mib: dict[int, float] = field(default_factory=dict)
    memory_mib: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    cpu_seconds: dict[int, float] = field(default_factory=dict)
    others_share: float = 0.0


def run_batch(arguments: list[str], kill_after_results: int | None = None) -> Watched:
    """Run a batch; kill -9 it when its folder holds so many results, or watch it to its end."""
    output = Path(arguments[arguments.index("--output") + 1])
    command = [sys.executable, "-m", "BrainAgeLib", "batch", *arguments]
    seen = Watched()
    began, machine_before = time.monotonic(), _machine_seconds()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    children: set[int] = set()
    while process.poll() is None:
        _look(process.pid, children, time.monotonic() - began, seen)
        if kill_after_results is not None and results_in(output) >= kill_after_results:
            process.kill()
            process.wait()
            _wait_for_workers(process.pid)
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    seen.seconds = round(time.monotonic() - began, 1)
    busy, all_there_was = (
        now - before for now, before in zip(_machine_seconds(), machine_before, strict=True)
    )
    ours = sum(seen.cpu_seconds.values())
    seen.others_share = round(max(0.0, busy - ours) / max(all_there_was, 1e-9), 3)
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


def _look(leader: int, children: set[int], seconds: float, seen: Watched) -> None:
    """Note CPU of all processes of the batch, and memory of its workers.

    These are forks of one of its ``children``, which are remembered: they outlive it by a moment.
    """
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            facts = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue  # it ended meanwhile
        if int(facts[3]) == leader:
            process = int(folder.name)
            parents[process] = int(facts[1])
            seen.cpu_seconds[process] = (int(facts[11]) + int(facts[12])) / TICKS_PER_SECOND
    children |= {process for process, parent in parents.items() if parent == leader}
    for process, parent in parents.items():
        if parent in children:
            _note_memory(process, seconds, seen)


def _note_memory(process: int, seconds: float, seen: Watched) -> None:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return
    sizes = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if "VmRSS" in sizes and "VmHWM" in sizes:
        now, peak = (int(sizes[name].split()[0]) / KIB_IN_A_MIB for name in ("VmRSS", "VmHWM"))
        seen.memory_mib.setdefault(process, []).append((round(seconds, 1), round(now, 1)))
        seen.peak_mib[process] = round(peak, 1)


def _machine_seconds() -> tuple[float, float]:
    """Return for how long all CPUs together were busy, and how long they were there."""
    line = Path("/proc/stat").read_text().split("\n", 1)[0]
    ticks = [int(word) for word in line.split()[1:9]]  # user nice system idle iowait irq soft steal
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / TICKS_PER_SECOND, sum(ticks) / TICKS_PER_SECOND


def _wait_for_workers(session: int) -> None:
    """Wait until the workers have noticed that they are alone."""
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    os.killpg(session, signal.SIGKILL)
