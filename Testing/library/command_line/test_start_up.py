"""What needs no work is answered at once: nothing that takes seconds is loaded for it."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import product

import pytest

from BrainAgeLib.errors import ExitCode
from BrainAgeLib.resources import sample_scan
from Testing.library.commands import environment

SIMULATED = sample_scan().with_name("simulated_cohort.csv")
HEAVY = {"torch", "SimpleITK", "pandas", "scipy", "matplotlib", "jinja2", "PIL", "pydicom"}
CALL = """
import sys
from BrainAgeLib.command_line.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print("loaded", *sys.modules)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["predict", "--help"], 0),
        (["batch", "--help"], 0),
        (["train", "--help"], 0),
        (["models"], 0),
        (["predict"], 2),
        (["predict", "nowhere.nii", "--output", "out"], 2),
        (["predict", "nowhere.nii", "--output", "out", "--json-lines"], 2),
        (["batch", "nowhere", "--output", "out"], 2),
        (["train", "--data", "nowhere", "--output", "out"], 2),
        (["evaluate", "nowhere.csv", "--output", "out"], 2),
        (["calibrate", "nowhere.csv", "--output", "site.json"], 2),
        (["cohort", "nowhere.csv", "--output", "out"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_answer_without_work_loads_nothing_heavy(tmp_path, arguments, code):
    done = subprocess.run(
        [sys.executable, "-c", CALL, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    loaded = done.stdout.splitlines()[-1].split()
    assert done.returncode == code, done.stderr
    assert loaded[0] == "loaded"
    assert HEAVY.isdisjoint(loaded)
    assert list(tmp_path.iterdir()) == []


INTERRUPTED_AT = """
import signal, sys
moment = sys.argv.pop(1)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
from BrainAgeLib.__main__ import main  # as the script brainage does
sys.meta_path.insert(0, Finder())
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("command", "moment"),
    [
        *product(
            ("evaluate", "train", "--version"),
            (
                "BrainAgeLib.command_line",
                "BrainAgeLib.errors",
                "argparse",
                "BrainAgeLib.command_line.interruption",
                "BrainAgeLib.command_line.train_command",
            ),
        ),
        ("evaluate", "BrainAgeLib.cohort"),
        ("train", "torch"),
    ],
)
def test_whoever_interrupts_it_while_it_loads_gets_one_line(tmp_path, command, moment):
    arguments = {
        "evaluate": ["evaluate", SIMULATED, "--output", tmp_path / "out"],
        "train": ["train", "--data", SIMULATED.parent, "--output", tmp_path / "out"],
        "--version": ["--version"],
    }[command]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, moment, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    # Python ends by the signal itself where it interrupts what "exec" runs of a text.
    assert done.returncode in (ExitCode.INTERRUPTED, -signal.SIGINT)
    assert done.stderr.startswith("brainage: error: interrupted (run the same command again")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_until_somebody_listens_nothing_is_loaded():
    code = """
import sys
before = set(sys.modules)
import BrainAgeLib.__main__
print(*set(sys.modules) - before)
print(BrainAgeLib.__main__.INTERRUPTED)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )

    loaded, number = done.stdout.splitlines()
    assert set(loaded.split()) <= {"BrainAgeLib", "BrainAgeLib.__main__", "__future__"}
    assert int(number) == ExitCode.INTERRUPTED


SETTING = """
import os, sys
from BrainAgeLib.__main__ import main
try:
    main()
except SystemExit:
    print(os.environ[{name!r}])
"""


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("OMP_WAIT_POLICY", None, "passive"),  # threads that wait leave the cores to others
        ("OMP_WAIT_POLICY", "active", "active"),
        ("THP_MEM_ALLOC_ENABLE", None, "1"),  # large pages of memory
        ("THP_MEM_ALLOC_ENABLE", "0", "0"),
    ],
)
def test_torch_is_told_how_to_use_the_machine_unless_the_user_says_otherwise(name, before, after):
    own = {known: value for known, value in environment().items() if known != name}
    told = {} if before is None else {name: before}
    done = subprocess.run(
        [sys.executable, "-c", SETTING.format(name=name), "--help"],
        env=own | told,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == after


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("raise OSError('fbgemm.dll')", "fbgemm.dll (add the library of the system"),
        ("import no_such_package", "it needs no_such_package, which is not (pip install torch"),
    ],
)
def test_a_torch_that_cannot_be_loaded_is_no_fault_of_ours(tmp_path, lines, said):
    (tmp_path / "torch.py").write_text(lines)
    call = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{CALL}"

    done = subprocess.run(
        [sys.executable, "-c", call, "predict", sample_scan(), "--output", tmp_path / "out"],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == ExitCode.FAULT
    assert done.stderr.startswith(
        f"brainage: error: the package torch is installed but cannot be loaded: {said}"
    )
