"""The studies and makers can be started, whatever moved in the library that they measure."""

from __future__ import annotations

import subprocess
import sys

import pytest

from Testing.library.walls import PROJECT

STUDIES = sorted(PROJECT.glob("Testing/studies/*/[!_]*.py"))
MAKERS = sorted(PROJECT.glob("Testing/makers/*.py"))
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    assert callable(importlib.import_module(name).main), name
"""


def module_name(path):
    """Return the name that a script is started by."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts)


def test_every_script_finds_what_it_imports():
    names = [module_name(path) for path in [*STUDIES, *MAKERS]]
    command = [sys.executable, "-c", IMPORT_ALL, *names]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", STUDIES, ids=module_name)
def test_a_study_names_its_command(path):
    name = f"{path.parent.name}/{path.stem}"

    assert f"make study NAME={name}" in path.read_text("utf-8")


@pytest.mark.parametrize("path", MAKERS, ids=module_name)
def test_a_maker_names_its_command(path):
    assert f"python -m {module_name(path)}" in path.read_text("utf-8")
