"""A process of its own for each run of a part, and the machine that it runs on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


class BenchmarkError(Exception):
    """A part could not be run."""


def run_process(
    command: list[str], threads: int, codes: tuple[int, ...] = (0, 3)
) -> tuple[str, float, float]:
    """Return standard output, seconds and peak memory (MB) of a process.

    ``codes``: how it may end; 3 is a scan that the quality gate refuses, timed all the same.
    """
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads),
        "PYTHONPATH": str(PROJECT),
    }
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode not in codes:
            raise BenchmarkError(f"{' '.join(command)}\n{errors.read().strip()[-2000:]}")
        # Linux counts in KiB, macOS in bytes.
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
        return output.read(), seconds, peak


def processor() -> str:
    """Return the processor's name as far as the system tells."""
    known = Path("/proc/cpuinfo")
    if known.is_file():
        for entry in known.read_text("utf-8").splitlines():
            if entry.startswith("model name"):
                return entry.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def warn_when_busy() -> float:
    """Return the load average of the last minute; say so when the machine is not idle."""
    load = os.getloadavg()[0]
    if load > 0.3 * (os.cpu_count() or 1):
        print(
            f"The load of this machine is {load:.1f}: timings are not valid when it is busy.",
            file=sys.stderr,
        )
    return load
