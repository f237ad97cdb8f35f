"""What needs no work is answered at once: nothing that takes seconds is loaded for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from Testing.library.commands import environment

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
