"""The API pages are built from the docstrings, and nothing is fetched for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

import BrainAgeLib
from Testing.library.commands import without_network
from Testing.library.walls import LIBRARY, PROJECT

pytest.importorskip("pdoc")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the folder of the pages, built where a socket is the end."""
    folder = tmp_path_factory.mktemp("api")
    done = subprocess.run(
        [sys.executable, "-m", "Testing.makers.api_pages", str(folder)],
        cwd=PROJECT,
        env=without_network(tmp_path_factory.mktemp("offline")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_every_public_name_is_on_the_first_page(pages):
    text = (pages / "BrainAgeLib.html").read_text("utf-8")

    assert not [name for name in BrainAgeLib.__all__ if f'id="{name}"' not in text]


def test_every_room_has_a_page(pages):
    rooms = {path.parent.name for path in LIBRARY.glob("*/__init__.py")} - {"command_line"}

    assert not [name for name in rooms if not (pages / "BrainAgeLib" / f"{name}.html").is_file()]


def test_a_page_shows_signature_and_docstring(pages):
    text = (pages / "BrainAgeLib" / "scan" / "geometry.html").read_text("utf-8")

    assert 'id="apply_affine"' in text
    assert "affine" in text
