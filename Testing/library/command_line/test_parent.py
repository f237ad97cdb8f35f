"""A worker ends with the program that started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from BrainAgeLib.command_line.interruption import ANEW, GRACE_SECONDS
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
