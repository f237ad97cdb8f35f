"""Workers of a process that was killed or interrupted, or whose work failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.library.commands import environment
from Testing.library.processes import is_there, left_of_session, patience, wait_until_gone

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
        parent.wait(patience(10))
        assert wait_until_gone(worker, patience(10))
    finally:
        parent.kill()
        parent.wait()
        if is_there(worker):
            os.kill(worker, signal.SIGKILL)


POOL = """
import os, sys, time
from BrainAgeLib.orphans import as_ended, interruptions_held, worker_pool

def nothing():
    pass

if __name__ == "__main__":
    with worker_pool(2, nothing) as pool:
        with interruptions_held():
            jobs = [pool.submit(time.sleep, 0.3) for _ in range(2000)]
        if sys.argv[1] == "at once":
            print("started", flush=True)
        for number, job in enumerate(as_ended(jobs)):
            if number == 1:
                if sys.argv[1] == "error":
                    raise SystemExit("a job failed")
                print("working", flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("when", "interrupted", "said"),
    [("at once", True, "KeyboardInterrupt"), ("working", True, "KeyboardInterrupt")]
    + [("error", False, "a job failed")],
)
def test_an_interruption_or_an_error_ends_the_pool_at_once(tmp_path, when, interrupted, said):
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    process = subprocess.Popen(
        [sys.executable, str(script), when],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    if interrupted:
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=patience(30))  # all jobs take minutes

    assert said in complaint.splitlines()[-1]
    assert complaint.count("Traceback") == int(interrupted)  # the workers say nothing
    assert left_of_session(process.pid, patience(2.0)) == []


LOST = """
import os, sys
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.orphans import worker_pool

def nothing():
    pass

def killed():
    os.kill(os.getpid(), 9)

def without_memory():
    raise MemoryError

if __name__ == "__main__":
    try:
        with worker_pool(1, nothing) as pool:
            pool.submit(globals()[sys.argv[1]]).result()
    except BrainAgeError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("how", ["killed", "without_memory"])
def test_a_worker_that_was_killed_is_told_of_in_words(tmp_path, how):
    script = tmp_path / "lost.py"
    script.write_text(LOST)

    done = subprocess.run(
        [sys.executable, str(script), how], env=environment(), capture_output=True, text=True
    )

    assert done.stdout.startswith("a worker process was ended, as happens when memory is short")
    assert "it goes on where it stopped" in done.stdout
    assert done.stderr == ""
