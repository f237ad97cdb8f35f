"""Text from outside cannot become markup, and a page loads nothing."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from BrainAgeLib.report.pages import filled_in, write_page

ATTACK = "<script>alert('1')</script>\" onload=\"x"


def analysis(title):
    part = SimpleNamespace(kind="table", names=[title], rows=[[title]])
    chart = SimpleNamespace(kind="chart", source="data:,", caption=title)
    section = SimpleNamespace(title=title, parts=[title, part, chart])
    return SimpleNamespace(title=title, sections=[section])


def test_text_is_escaped_wherever_it_stands():
    page = filled_in("analysis.html.j2", report=analysis(ATTACK), notice=ATTACK)

    assert page.count("&lt;script&gt;") == 10
    assert "<script" not in page
    assert '" onload' not in page


def test_a_page_is_whole_and_loads_nothing():
    page = filled_in("analysis.html.j2", report=analysis("A"), notice="N")

    assert page.startswith("<!DOCTYPE html>\n<html")
    assert page.rstrip().endswith("</html>")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'\"" in page
    assert "main > *" not in page and ".charts { display: grid" in page


def test_a_value_that_nobody_gave_is_an_error():
    with pytest.raises(UndefinedError):
        filled_in("analysis.html.j2", report=analysis("A"))


def test_names_that_are_not_utf8_can_be_written(tmp_path):
    write_page(tmp_path / "a.html", "scan-\udcff")

    assert (tmp_path / "a.html").read_bytes() == b"scan-?\n"


def test_who_makes_no_page_does_not_wait_for_jinja2():
    program = (
        "import sys; import BrainAgeLib.batch.index, BrainAgeLib.report.view; "
        "sys.exit('jinja2' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
