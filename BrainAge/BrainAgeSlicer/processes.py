"""Ending a process together with everything that it started.

PythonSlicer is a launcher: ending it alone leaves the real interpreter running.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def killTree(processId: int) -> None:
    """End a process and all that descend from it, at once. One that is gone is no error."""
    if processId <= 0:
        return
    if sys.platform == "win32":
        command = ["taskkill", "/PID", str(processId), "/T", "/F"]
        subprocess.run(command, capture_output=True, check=False, creationflags=0x08000000)
        return
    for each in [processId, *descendants(processId)]:
        try:
            os.kill(each, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def descendants(processId: int) -> list[int]:
    """Return the ids of all that descend from a process, nearest first."""
    children: dict[int, list[int]] = defaultdict(list)
    for each, parent in _parents():
        children[parent].append(each)
    found: list[int] = []
    waiting = [processId]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found


def _parents() -> list[tuple[int, int]]:
    """Return (process, parent) of every process that can be seen."""
    if sys.platform.startswith("linux"):  # a bare Debian has no ps
        return [pair for path in Path("/proc").glob("[0-9]*/stat") if (pair := _fromStat(path))]
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return [(int(row[0]), int(row[1])) for row in rows if len(row) == 2]


def _fromStat(path: Path) -> tuple[int, int] | None:
    try:
        text = path.read_text(errors="replace")
    except OSError:  # it ended while we looked
        return None
    # The name in brackets may hold spaces and brackets itself.
    return int(text.split(maxsplit=1)[0]), int(text.rsplit(")", 1)[1].split()[1])
