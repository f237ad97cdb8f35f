"""Which processes there are, as tests of interruptions ask; by ``/proc``, or by signals alone."""

from __future__ import annotations

import os
import time
from pathlib import Path


def patience(seconds: float) -> float:
    """Return how long may take, while others use the machine, what takes so long on a quiet one."""
    return seconds * (1.0 + os.getloadavg()[0] / (os.cpu_count() or 1))


def is_there(process: int) -> bool:
    """Say whether a process runs; one that nobody has collected yet does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = _status(process)
    if status is None:  # gone just now, or a system without that folder
        return not Path("/proc/self").exists()
    return status[0] != "Z"


def wait_until_it_listens(process: int, seconds: float = 60.0) -> None:
    """Wait until a command has the thread that hears signals; a busy machine is slow to get there.

    Raises AssertionError where it has none after so long.
    """
    end = time.monotonic() + seconds
    while len(list(Path(f"/proc/{process}/task").glob("*"))) < 2:
        assert time.monotonic() < end, "the command has not begun"
        time.sleep(0.01)


def wait_until_gone(process: int, seconds: float) -> bool:
    """Wait for the end of a process, so long at most; say whether it came."""
    end = time.monotonic() + seconds
    while is_there(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not is_there(process)


def left_of_session(leader: int, seconds: float) -> list[int]:
    """Return what still runs, after so long at most, of the session that a process leads."""
    end = time.monotonic() + seconds
    while (members := _session(leader)) and time.monotonic() < end:
        time.sleep(0.05)
    return members


def _session(leader: int) -> list[int]:
    members = []
    for folder in Path("/proc").glob("[0-9]*"):
        status = _status(int(folder.name))
        if status is not None and status[0] != "Z" and int(status[3]) == leader:
            members.append(int(folder.name))
    return sorted(members)


def _status(process: int) -> list[str] | None:
    """Return the fields of ``/proc/PID/stat`` from the state on, or None without one."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return text.rsplit(")", 1)[1].split()
