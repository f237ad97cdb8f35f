"""Fixtures of the scene tests; they need slicer-core, which has no wheel for every Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
for folder in (str(HERE), str(ROOT / "BrainAge"), str(ROOT)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

try:
    import slicer  # noqa: F401
except ImportError:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    """Say so when these tests cannot run."""
    if "slicer" in sys.modules:
        return "scene tests: on slicer-core"
    return "scene tests: skipped, slicer-core (requirements/slicer_test.txt) is not installed"


@pytest.fixture
def world():
    """The scene and its views, empty."""
    import offscreen

    made = offscreen.world()
    made.clear()
    yield made
    made.clear()


@pytest.fixture
def pictures(tmp_path_factory) -> Path:
    """Where pictures of this run go, to be looked at; BRAINAGE_PICTURES keeps them."""
    import os

    kept = os.environ.get("BRAINAGE_PICTURES")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
