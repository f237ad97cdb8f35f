"""Workers of a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STARTER = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from BrainAgeLib.orphans import end_with_parent

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, end_with_parent) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600)
        time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_a_worker_ends_with_a_parent_that_was_killed(tmp_path, how):
    script = tmp_path / "starter.py"
    script.write_text(STARTER)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    try:
        assert is_there(worker)
        parent.send_signal(getattr(signal, how))
        parent.wait(10)
        end = time.monotonic() + 10
        while is_there(worker) and time.monotonic() < end:
            time.sleep(0.05)
        assert not is_there(worker)
    finally:
        parent.kill()
        parent.wait()
        if is_there(worker):
            os.kill(worker, signal.SIGKILL)


def is_there(process: int) -> bool:
    """Say whether a process runs; one that nobody has collected yet does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:  # gone just now, or a system without that folder
        return not Path("/proc/self").exists()
    return status.rsplit(")", 1)[1].split()[0] != "Z"
