"""Workers begin with what a process beside the batch has imported; Ctrl-C does not end that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from BrainAgeLib.batch import worker_process
from Testing.library.processes import patience, wait_until_gone

pytestmark = pytest.mark.skipif(not worker_process.FORKS, reason="workers are forks on Linux only")

PROGRAM = """
import os, pathlib, signal, sys, time
from BrainAgeLib.batch.worker_process import prepare_workers, worker_context
def tell(way):
    way.send(("torch" in sys.modules, os.getppid()))
if __name__ == "__main__":
    prepare_workers()
    assert "torch" not in sys.modules
    from multiprocessing import forkserver
    server = forkserver._forkserver._forkserver_pid
    while "torch" not in pathlib.Path(f"/proc/{server}/maps").read_text():
        time.sleep(0.01)
    os.kill(server, signal.SIGINT)  # while it imports
    ours, theirs = worker_context().Pipe()
    process = worker_context().Process(target=tell, args=(theirs,))
    process.start()
    print(*ours.recv(), server)
    process.join()
"""


def test_a_worker_is_a_fork_of_what_has_imported_the_library(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, env=environment
    )

    assert done.returncode == 0, done.stderr
    has_torch, parent, server = done.stdout.split()
    assert (has_torch, parent) == ("True", server)
    assert done.stderr == ""


def test_the_own_handling_of_interruptions_stays(monkeypatch):
    import multiprocessing.forkserver

    during = []
    monkeypatch.setattr(
        multiprocessing.forkserver,
        "ensure_running",
        lambda: during.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    )
    before = signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, ())

    worker_process.prepare_workers()

    assert during == [before[1] | {signal.SIGINT}]
    assert (signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, ())) == before


def test_a_temporary_folder_with_a_name_too_long_for_a_socket(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", f"/scratch/{'x' * 90}")

    worker_process.prepare_workers()

    assert worker_process.worker_context().get_start_method() == "spawn"


def test_no_folder_for_temporary_files(monkeypatch):
    def nowhere():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)

    worker_process.prepare_workers()

    assert worker_process.worker_context().get_start_method() == "spawn"


BATCH = """
import sys, time
from BrainAgeLib.batch.worker_process import prepare_workers
if __name__ == "__main__":
    prepare_workers()
    from multiprocessing import forkserver
    print(forkserver._forkserver._forkserver_pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("after_seconds", [0.0, 0.3])
def test_what_workers_are_forked_from_ends_with_the_batch(tmp_path, how, after_seconds):
    program = tmp_path / "program.py"
    program.write_text(BATCH)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    batch = subprocess.Popen(
        [sys.executable, program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    server = int(batch.stdout.readline())
    time.sleep(after_seconds)

    os.killpg(batch.pid, how)

    batch.wait(patience(20))
    batch.stdout.close()
    assert wait_until_gone(server, patience(2.0))
