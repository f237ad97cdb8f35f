"""The index page: everything in one file, nothing from elsewhere, nothing that breaks out."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from BrainAgeLib.batch.index_page import index_html, write_index
from BrainAgeLib.batch.results_table import ResultRow
from BrainAgeLib.batch.scan_entry import ScanEntry
from BrainAgeLib.records import NOTICE, Pictures, SlicePicture
from BrainAgeLib.report.thumbnail import write_thumbnail
from Testing.library.phantoms import coarse_brain

ROWS = [
    ResultRow(
        "/data/DOE^JANE/a.nii", "p1", "v1", "patients", 60.0, "F", 66.5, 55.0, 78.0, 6.5, 5.25,
        80.0, "warn", ("brain_cut",), 6.0, "thick-slice 2", 0, None, 5.0,
    ),
    ResultRow("b.nii", "p<2>", age=70.0, verdict="refuse", findings=("no_brain",), exit_code=3),
    ResultRow("/x/c.nii", "p3", exit_code=2, error="/x/c.nii does not exist (check the path)"),
]  # fmt: skip
ENTRIES = [ScanEntry(row.path, row.path, row.id, folder=f"f {n}") for n, row in enumerate(ROWS)]


@pytest.fixture
def page(tmp_path):
    """Return the page of three scans, the first of which has a report and a thumbnail."""
    folder = tmp_path / "f 0"
    folder.mkdir()
    (folder / "report.html").touch()
    grey = coarse_brain().voxels[20] / 255
    picture = SlicePicture(grey, (4.0, 4.0), grey > 0.1)
    write_thumbnail(Pictures((picture,), (), ()), folder / "thumbnail.png")
    write_index(ENTRIES, ROWS, tmp_path)
    return (tmp_path / "index.html").read_text("utf-8")


class Cells(HTMLParser):
    """Collects the text of the cells of the table of scans."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[str]] = []
        self.is_inside = False

    def handle_starttag(self, tag, attributes):
        self.is_inside |= tag == "tbody"
        if self.is_inside and tag == "tr":
            self.lines.append([])
        if self.is_inside and tag == "td":
            self.lines[-1].append("")

    def handle_data(self, data):
        if self.is_inside and self.lines and self.lines[-1]:
            self.lines[-1][-1] += data

    def handle_endtag(self, tag):
        self.is_inside &= tag != "tbody"


def test_every_scan_is_a_line(page):
    cells = Cells()
    cells.feed(page)

    assert cells.lines == [
        [
            *("", "p1", "v1", "patients", "60.0", "F", "66.5", "55.0 to 78.0", "+6.5", "+5.2"),
            *("Passed with warnings", "brain cut"),
        ],
        ["", "p<2>", "", "", "70.0", "", "", "", "", "", "Refused", "no brain"],
        [*("", "p3", *[""] * 8), "Failed", "c.nii does not exist (check the path)"],
    ]


def test_it_loads_nothing_and_names_no_path_above(page):
    assert re.findall(r'(?:src|href)="([^"]*)"', page)[1:] == ["f%200/report.html"]
    assert re.search(r'src="data:image/png;base64,', page)
    assert "default-src 'none'" in unescape(page)
    assert not re.search(r"https?:|url\(|@import|DOE|/x/", page)
    assert "<p<2>" not in page


def test_notice_gaps_and_quality_are_there(page):
    assert NOTICE in page
    assert "1 scan with a chronological age: mean +6.5 years." in page
    for words, count in (("Refused", 1), ("Failed", 1), ("brain cut", 1)):
        assert f'<th scope="row">{words}</th><td>{count}</td>' in page


def test_columns_that_nobody_fills_are_left_out(page, tmp_path):
    without = [replace(row, session="") for row in ROWS]

    lines = Cells()
    lines.feed(index_html(ENTRIES, without, tmp_path))

    assert "<button>session</button>" in page
    assert "<button>session</button>" not in index_html(ENTRIES, without, tmp_path)
    assert lines.lines[0][1:4] == ["p1", "patients", "60.0"]


def test_a_huge_batch_stays_light(tmp_path):
    rows = [ResultRow(f"{n}.nii", str(n), exit_code=2, error="gone") for n in range(6000)]
    entries = [ScanEntry(row.path, row.path, row.id, folder=row.id) for row in rows]

    page = index_html(entries, rows, tmp_path)

    assert "1000 more scans stand in results.csv only." in page
    assert len(page) < 2_000_000
