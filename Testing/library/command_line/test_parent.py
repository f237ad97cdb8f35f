"""A worker ends with the program that started it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
import time

import pytest

from BrainAgeLib.command_line.interruption import ANEW, GRACE_SECONDS
from BrainAgeLib.command_line.parent import wait_for_end
from BrainAgeLib.errors import ExitCode
from Testing.library.commands import start_brainage
from Testing.library.processes import patience


@pytest.fixture
def worker(brain_file, small_model, tmp_path):
    """Return a function that starts a run that takes seconds, and waits for its first words."""
    started = []

    def start(*more, stdin=subprocess.PIPE):
        process = start_brainage(
            *("predict", brain_file, "--output", tmp_path / "out", "--brain-extracted"),
            *("--model", small_model, "--json-lines", *more),
            stdin=stdin,
        )
        started.append(process)
        while (line := process.stdout.readline()) and '"registration"' not in line:
            pass
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def events(process):
    """Return what a worker says until its end."""
    return [json.loads(line) for line in process.stdout.read().splitlines()]


def test_a_worker_ends_when_its_input_closes(worker, tmp_path):
    process = worker("--stop-with-parent")
    began = time.monotonic()

    process.stdin.close()

    assert process.wait(patience(60)) == ExitCode.INTERRUPTED
    assert time.monotonic() - began < patience(GRACE_SECONDS + 20)
    assert not (tmp_path / "out").exists()


def test_without_the_option_a_closed_input_means_nothing(worker):
    process = worker("--no-saliency", "--no-report")

    process.stdin.close()

    assert events(process)[-1]["event"] == "result"
    assert process.wait() == 0


def test_a_worker_that_is_told_something_goes_on(worker):
    process = worker("--stop-with-parent", "--no-saliency", "--no-report")

    process.stdin.write("hello\n")
    process.stdin.flush()

    assert events(process)[-1]["event"] == "result"
    assert process.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="select takes pipes on POSIX alone")
def test_no_read_waits_where_that_holds_up_others(monkeypatch):
    """On Windows a read of a pipe that waits holds up the loading of NumPy and torch."""
    ours, theirs = os.pipe()
    read, waits = os.read, []

    def can_be_read(stream):
        return bool(select.select([stream], [], [], 0)[0])

    def waiting(stream):
        # As PeekNamedPipe of Windows does: a count, and an error where the pipe is at its end.
        if can_be_read(stream) and theirs_is_closed.is_set():
            raise BrokenPipeError
        return int(can_be_read(stream))

    def watched_read(stream, count):
        waits.append(not can_be_read(stream))
        return read(stream, count)

    theirs_is_closed = threading.Event()
    monkeypatch.setattr(os, "read", watched_read)
    watcher = threading.Thread(target=wait_for_end, args=(ours, waiting))
    watcher.start()
    os.write(theirs, b"hello\n")
    watcher.join(0.5)
    assert watcher.is_alive()
    theirs_is_closed.set()
    os.close(theirs)
    watcher.join(patience(10))

    assert not watcher.is_alive()
    assert waits == [False, False]
    os.close(ours)


def test_what_cannot_be_looked_into_is_read():
    """A console of Windows, or its NUL, is no pipe."""
    ours, theirs = os.pipe()
    os.close(theirs)

    def no_pipe(_stream):
        raise OSError

    wait_for_end(ours, no_pipe)

    os.close(ours)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_half_written(worker, tmp_path, signal_):
    process = worker()

    process.send_signal(signal_)

    last = events(process)[-1]
    assert process.wait() == ExitCode.INTERRUPTED
    assert last == {"event": "error", "message": "interrupted", "hint": ANEW}
    assert process.stderr.read() == f"brainage: error: interrupted ({ANEW})\n"
    assert not (tmp_path / "out").exists()
