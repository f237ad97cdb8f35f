"""Ctrl-C ends every command in every stage, with all that it started, and says how to go on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from BrainAgeLib.command_line.interruption import ANEW, ON
from BrainAgeLib.errors import ExitCode
from BrainAgeLib.resources import sample_scan
from Testing.library.commands import environment, start_brainage
from Testing.library.processes import left_of_session, patience, wait_until_it_listens

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="counts processes by /proc"
)

MOST_SECONDS = 5.0  # on a quiet machine
STUBBORN = """
import sys, threading, time
from BrainAgeLib.command_line import interruption
interruption.GRACE_SECONDS = 0.5

def report(error):
    print(error, file=sys.stderr)

def heedless():
    while True:
        try:
            print("working", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            pass

with interruption.Interruption(report) as context:
    if sys.argv[1] == "heedless":
        heedless()
    try:
        print("working", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        context.tell()
        threading.Thread(target=heedless).start()  # the interpreter waits for it at its end
"""


LOADING = """
import sys
from BrainAgeLib.command_line.interruption import Interruption

sys.path.insert(0, sys.argv[1])
with Interruption(lambda error: print(error, file=sys.stderr)) as context:
    try:
        import torch
        print("loaded", file=sys.stderr, flush=True)
        while True:
            pass
    except KeyboardInterrupt:
        context.tell()
"""
# As torch's native code does, which runs Python while it loads.
ABORTS = """
import os, time

try:
    print("working", flush=True)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        time.sleep(0.01)
except KeyboardInterrupt:
    os.abort()
"""


@pytest.fixture
def interrupted():
    """Return what interrupts a command's process group: its code, its words, what still runs."""

    def interrupt(process, *, times=1):
        try:
            for _ in range(times):
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.1)
            most_seconds = patience(MOST_SECONDS)
            code = process.wait(most_seconds)
            return code, process.stderr.read(), left_of_session(process.pid, most_seconds)
        finally:
            for left in left_of_session(process.pid, 0.0):
                os.kill(left, signal.SIGKILL)
            process.wait()
            process.stdout.close()
            process.stderr.close()

    return interrupt


def words(hint):
    return f"brainage: error: interrupted ({hint})\n"


def people(folder, count):
    """Write a dataset that is long in the making: copies of the sample."""
    lines = ["participant_id\tage\tsex"]
    for number in range(count):
        anat = folder / f"sub-{number:02}" / "anat"
        anat.mkdir(parents=True)
        shutil.copy(sample_scan(), anat / f"sub-{number:02}_T1w.nii.gz")
        lines.append(f"sub-{number:02}\t{30 + number}\tF")
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("after_seconds", [0.4, 2.0, 5.0])
@pytest.mark.parametrize("command", ["predict", "batch", "batch of two workers", "train", "demo"])
def test_one_interruption_ends_all_of_it(interrupted, tmp_path, command, after_seconds):
    out = tmp_path / "out"
    name, *_ = command.split()
    arguments = {
        "predict": [sample_scan()],
        "batch": [people(tmp_path / "data", 4)],
        "train": ["--data", people(tmp_path / "more", 20), "--threads", "2"],
        "demo": [],
    }[name]
    if name == "train":
        (tmp_path / "settings.json").write_text('{"folds": 2}')
        arguments += ["--config", tmp_path / "settings.json"]
    if command.endswith("workers"):
        arguments += ["--workers", "2"]
    process = start_brainage(name, *arguments, "--output", out, start_new_session=True)
    wait_until_it_listens(process.pid)
    time.sleep(after_seconds)

    code, said, left = interrupted(process)

    assert code == ExitCode.INTERRUPTED, said
    assert said.endswith(words(ON if name in ("batch", "train") else ANEW))
    assert "Traceback" not in said
    assert left == []


def test_whoever_is_impatient_disturbs_nothing(interrupted, tmp_path):
    process = start_brainage(
        "batch", people(tmp_path / "data", 3), "--output", tmp_path / "out", start_new_session=True
    )
    wait_until_it_listens(process.pid)
    time.sleep(3.0)

    code, said, left = interrupted(process, times=4)

    # The last of several may meet an interpreter that has nothing left but to end.
    assert code in (ExitCode.INTERRUPTED, -signal.SIGINT)
    assert left == []
    assert said.count("interrupted") == 1
    assert not list((tmp_path / "out").glob(".brainage-*"))


def interrupted_at_work(script, argument, number):
    """Return exit code and words of a script that gets a signal once it says that it works."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, argument],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        return process.wait(patience(30)), process.stderr.read()


@pytest.mark.parametrize("kind", ["heedless", "a thread of its own"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_that_does_not_heed_it_is_ended_and_tells_once(kind, number):
    code, said = interrupted_at_work(STUBBORN, kind, number)

    assert (code, said) == (ExitCode.INTERRUPTED, f"interrupted ({ANEW})\n")


def test_what_would_abort_while_it_loads_is_loaded_first(tmp_path):
    (tmp_path / "torch.py").write_text(ABORTS)

    code, said = interrupted_at_work(LOADING, tmp_path, signal.SIGINT)

    assert code == 0  # the script's own end: an abort would be -6
    assert said.endswith(f"interrupted ({ANEW})\n")


def test_who_ignores_it_in_the_background_is_left_alone(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "BrainAgeLib", "--version"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    with process:
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().startswith("SlicerBrainAge")
        assert process.wait(patience(30)) == 0
