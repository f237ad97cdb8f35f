"""Workers begin with what a process beside the batch has imported; Ctrl-C does not end that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from BrainAgeLib.batch import worker_process

pytestmark = pytest.mark.skipif(not worker_process.FORKS, reason="workers are forks on Linux only")

PROGRAM = """
import os, signal, sys
from BrainAgeLib.batch.worker_process import prepare_workers, worker_context
def tell(way):
    way.send(("torch" in sys.modules, os.getppid()))
if __name__ == "__main__":
    prepare_workers()
    assert "torch" not in sys.modules
    from multiprocessing import forkserver
    server = forkserver._forkserver._forkserver_pid
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
        [sys.executable, program], capture_output=True, text=True, env=environment, timeout=120
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
        lambda: during.append(signal.getsignal(signal.SIGINT)),
    )
    before = signal.getsignal(signal.SIGINT)

    worker_process.prepare_workers()

    assert during == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) is before
