"""The module opens and finds its parts in each of the three ways in which it lies on a disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.library.test_cmake_lists import lay_out
from Testing.library.test_packaging import NO_CACHES, SOURCES
from Testing.library.walls import PROJECT

SCRIPT = Path(__file__).with_name("opened_from_disk.py")


def copied(folder: Path, *names: str) -> Path:
    """Return a folder with copies of parts of the project."""
    for path in (PROJECT / name for name in names):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=NO_CACHES)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(path, folder)
    return folder


def sourceCheckout(folder: Path) -> tuple[Path, list[Path]]:
    """Return the module's folder and the library's: the module finds it one up."""
    source = copied(folder / "checkout", "BrainAge", "BrainAgeLib", "Resources")
    return source, [source / "BrainAge"]


def installedTree(folder: Path) -> tuple[Path, list[Path]]:
    """Return the same for what Slicer's build installs."""
    tree = folder / "qt-scripted-modules"
    done = lay_out(PROJECT, tree)
    assert done.returncode == 0, done.stderr
    return tree, [tree]


def pipInstalled(folder: Path) -> tuple[Path, list[Path]]:
    """Return the same for the module alone, with the library among Slicer's own packages."""
    source, packages = copied(folder / "source", *SOURCES), folder / "site-packages"
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target"]
    command = [sys.executable, "-m", "pip", "install", *options, str(packages), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return packages, [copied(folder / "modules", "BrainAge") / "BrainAge", packages]


@pytest.mark.parametrize("way", [sourceCheckout, installedTree, pipInstalled])
def test_the_module_finds_library_resources_and_worker(way, tmp_path):
    holder, folders = way(tmp_path)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, str(SCRIPT), *map(str, folders)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for part in ("library", "sample", "template"):
        assert Path(found[part]).is_file() and Path(found[part]).is_relative_to(holder), part
    assert Path(found["requirements"]).is_relative_to(folders[0])
    assert found["version"].startswith("SlicerBrainAge ")
    assert len(found["models"]) >= 2
    older = "Brain Age needs 3D Slicer 5.12 or newer; this one is older."
    assert found["reason"] in ("Select the T1 volume to predict from.", older)
