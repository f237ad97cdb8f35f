"""One run at a time in a folder."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.report.folder_lock import LOCK_NAME, folder_lock
from Testing.library.commands import environment

HOLD = """
import sys, time
from pathlib import Path
from BrainAgeLib.report.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")


def test_nobody_else_gets_the_folder_meanwhile(tmp_path):
    with folder_lock(tmp_path):
        with pytest.raises(InputError, match="another run is writing into"), folder_lock(tmp_path):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
    assert not list(tmp_path.iterdir())
    with folder_lock(tmp_path):
        pass


def test_an_error_gives_it_back(tmp_path):
    with pytest.raises(KeyboardInterrupt), folder_lock(tmp_path):
        raise KeyboardInterrupt

    assert not list(tmp_path.iterdir())


def test_a_killed_run_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    other = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(InputError), folder_lock(tmp_path):
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    other.stdout.close()

    assert (tmp_path / LOCK_NAME).exists()
    with folder_lock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_disk_without_locks_has_none(tmp_path, monkeypatch):
    import fcntl

    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with folder_lock(tmp_path), folder_lock(tmp_path):
        pass
