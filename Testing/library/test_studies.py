"""The studies and makers can be started, whatever moved in the library that they measure."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from Testing.library.walls import PROJECT

STUDIES = sorted(PROJECT.glob("Testing/studies/*/[!_]*.py"))
MAKERS = sorted(PROJECT.glob("Testing/makers/*.py"))
PARTS = sorted([*PROJECT.glob("Testing/studies/*/*.py"), *MAKERS])
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


def library_modules(tree):
    """Return the modules of the library that a script imports whole, by the name that it uses."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("BrainAgeLib"):
            package = importlib.import_module(node.module)
            for alias in node.names:
                if isinstance(getattr(package, alias.name, None), ModuleType):
                    found[alias.asname or alias.name] = getattr(package, alias.name)
    return found


@pytest.mark.parametrize("path", PARTS, ids=module_name)
def test_what_a_script_takes_of_a_module_is_there(path):
    """An import does not find what is only asked for on the way."""
    tree = ast.parse(path.read_text("utf-8"))
    modules = library_modules(tree)
    missing = [
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and not hasattr(modules[node.value.id], node.attr)
    ]

    assert missing == []


@pytest.mark.parametrize("path", STUDIES, ids=module_name)
def test_a_study_names_its_command(path):
    name = f"{path.parent.name}/{path.stem}"

    assert f"make study NAME={name}" in path.read_text("utf-8")


@pytest.mark.parametrize("path", MAKERS, ids=module_name)
def test_a_maker_names_its_command(path):
    assert f"python -m {module_name(path)}" in path.read_text("utf-8")
