"""Errors reach people as one line, programs as one event, and never as a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from BrainAgeLib import __version__, resources
from BrainAgeLib.command_line.main import COMMANDS
from BrainAgeLib.errors import BrainAgeError, InputError, InstallationError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.records import NOTICE
from Testing.library.commands import run_brainage, start_brainage


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes the command ``models`` fail."""

    def fail_with(error):
        def fail():
            raise error

        monkeypatch.setattr(resources, "installed_models", fail)

    return fail_with


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["predictt", "scan.nii"],
        ["predict"],
        ["predict", "scan.nii"],
        ["predict", "scan.nii", "other.nii", "--output", "out"],
        ["predict", "scan.nii", "--output", "out", "--unknown"],
        ["predict", "scan.nii", "--output", "out", "--age", "old"],
        ["predict", "scan.nii", "--output", "out", "--sex", "X"],
        ["predict", "scan.nii", "--output", "out", "--threads", "many"],
        ["predict", "scan.nii", "--output"],
        ["predict", "scan.nii", "--output", "out", "--json"],
        ["models", "--unknown"],
        ["train", "--data", "."],
        ["demo", "--sex", "unknown"],
    ],
)
def test_a_wrong_call_is_one_line_and_2(brainage, arguments):
    outcome = brainage(*arguments)

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("brainage: error: ")
    assert outcome.err.count("\n") == 1
    assert "--help)" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        *(["predict", "here.csv"], ["batch", "."], ["demo"], ["follow", "here.csv"]),
        *(["evaluate", "here.csv"], ["cohort", "here.csv"], ["calibrate", "here.csv"]),
        ["train", "--data", "."],
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_output_is_not_the_current_folder(
    brainage, tmp_path, monkeypatch, arguments, name
):
    monkeypatch.chdir(tmp_path)
    for file in ("here.csv", "report.html"):
        (tmp_path / file).write_text("mine", "utf-8")

    outcome = brainage(*arguments, "--output", name)

    assert outcome.code == 2
    assert "argument --output: an empty path" in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here.csv", "report.html"]


def test_a_wrong_call_reaches_programs_too(brainage):
    outcome = brainage("predict", "scan.nii", "--json-lines")

    (event,) = map(json.loads, outcome.out.splitlines())
    assert outcome.code == 2
    assert event["event"] == "error"
    assert "--output" in event["message"]
    assert event["hint"] == "see brainage predict --help"


def test_an_unknown_option_is_told_with_the_help_of_its_command(brainage):
    outcome = brainage("models", "--treads=2")

    assert outcome.code == 2
    assert "unrecognized arguments: --treads=2 (see brainage models --help)" in outcome.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("this cannot be read", "try another"), 2, "this cannot be read (try another)"),
        (InputError("this cannot be read"), 2, "this cannot be read"),
        (InstallationError("it is damaged", "mend it"), 4, "it is damaged (mend it)"),
        (BrainAgeError("the disk\nis full"), 4, "the disk is full"),
        (KeyboardInterrupt(), 130, "interrupted (run the same command again)"),
        (MemoryError(), 4, "there is too little memory for this scan (close other programs)"),
        (
            RuntimeError("a fault of ours\nin two lines"),
            4,
            "internal error: RuntimeError: a fault of ours "
            "(please report this; BRAINAGE_DEBUG=1 shows where it happened)",
        ),
        (
            ValueError(),
            4,
            "internal error: ValueError:  "
            "(please report this; BRAINAGE_DEBUG=1 shows where it happened)",
        ),
    ],
)
def test_every_error_is_one_line_with_its_code(brainage, failing, error, code, line):
    failing(error)

    outcome = brainage("models")

    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err == f"brainage: error: {' '.join(line.split())}\n"


def test_details_follow_indented(brainage, failing):
    failing(InputError("there are two series", "pick one", ("1.2.3  T1 axial", "1.2.4  T2")))

    outcome = brainage("models")

    assert outcome.err.splitlines() == [
        "brainage: error: there are two series (pick one)",
        "  1.2.3 T1 axial",
        "  1.2.4 T2",
    ]


def test_the_traceback_is_for_those_who_ask(brainage, failing, monkeypatch):
    failing(RuntimeError("a fault of ours"))
    monkeypatch.setenv("BRAINAGE_DEBUG", "1")

    outcome = brainage("models")

    assert "Traceback (most recent call last)" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("brainage: error: internal error")


def test_signal_handlers_and_threads_are_given_back(brainage):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = threading.active_count()

    brainage("models")

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert threading.active_count() <= threads


@pytest.mark.parametrize("arguments", [["--help"], *[[c] for c in ("predict", "demo", "models")]])
def test_help_says_that_it_is_for_research(brainage, arguments):
    outcome = brainage(*arguments, *([] if arguments == ["--help"] else ["--help"]))

    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.startswith("usage: brainage")
    if arguments[0] in ("--help", "predict"):
        assert NOTICE in " ".join(outcome.out.split())


def test_help_lists_the_values_of_an_option(brainage):
    words = " ".join(brainage("predict", "--help").out.split())

    card = read_card(resources.models_folder() / resources.installed_models()[0])
    named = {one.method for line in card.calibration.classes for one in line.corrections}
    assert named
    assert all(name in words for name in (*named, "none"))


def test_help_lists_every_command(brainage):
    shown = brainage("--help").out

    names = {command.__name__.split(".")[-1].removesuffix("_command") for command in COMMANDS}
    assert {"predict", "demo", "models", "train"} <= names
    assert all(re.search(rf"^    {name}$|^    {name} ", shown, re.MULTILINE) for name in names)


def test_version_names_program_and_dependencies(brainage):
    outcome = brainage("--version")

    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[0] == f"SlicerBrainAge {__version__}"
    for name in ("torch", "numpy", "SimpleITK", "deepbet", "safetensors"):
        assert any(line.startswith(f"{name} ") for line in lines)


def test_the_module_is_the_command():
    done = run_brainage("predict", "nowhere.nii")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("brainage: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("arguments", [["--version"], ["models"]])
def test_a_reader_that_is_gone_gets_no_traceback(arguments):
    process = start_brainage(*arguments)
    process.stdout.close()

    complaint = process.stderr.read()

    assert process.wait() == 4
    assert complaint == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_complete_commands_and_options(brainage, shell):
    pytest.importorskip("shtab")

    outcome = brainage("--print-completion", shell)

    assert (outcome.code, outcome.err) == (0, "")
    assert "participant" in outcome.out and "retry-failed" in outcome.out


def test_bash_takes_what_completes_it(brainage):
    pytest.importorskip("shtab")
    bash = shutil.which("bash") or pytest.skip("there is no bash")
    script = brainage("--print-completion", "bash").out

    done = subprocess.run(
        [bash, "-c", f"{script}\ncomplete -p brainage"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("line", ["predict", "predict x --site", "demo --model", "batch"])
def test_bash_completes_files(brainage, tmp_path, line):
    pytest.importorskip("shtab")
    bash = shutil.which("bash") or pytest.skip("there is no bash")
    script = brainage("--print-completion", "bash").out
    (tmp_path / "head.nii.gz").write_text("")
    words = ["brainage", *line.split(), "he"]
    script += f"\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _shtab_brainage"

    done = subprocess.run(
        [bash, "-c", f"{script}\necho ${{COMPREPLY[@]}}"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip

    assert done.stdout.strip() == "head.nii.gz"


def test_without_the_library_it_says_how_to_get_it(brainage, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)

    outcome = brainage("--print-completion", "bash")

    assert outcome.code == 2
    assert 'pip install "slicerbrainage[completion]"' in outcome.err
