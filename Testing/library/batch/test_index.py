"""The index page: everything in one file, nothing from elsewhere, nothing that breaks out."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from BrainAgeLib.batch.index import gap_histogram, index_html, write_index
from BrainAgeLib.batch.table import ResultRow, ScanEntry
from BrainAgeLib.records import NOTICE, Pictures, SlicePicture
from BrainAgeLib.report.pictures import write_thumbnail
from Testing.library.browser import after_script, needs_browser, pages_on_paper
from Testing.library.phantoms import coarse_brain

ROWS = [
    ResultRow(
        "/data/DOE^JANE/a.nii", "p1", "v1", "patients", 60.0, "F", 66.5, 55.0, 78.0, 6.5, 5.25,
        80.0, "warn", ("brain_cut",), 6.0, "thick-slice 2", 0, None, 5.0, "any scanner",
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
            self.lines[-1][-1] += data.strip()

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
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|url\(|@import|DOE|/x/", page)
    assert "<p<2>" not in page


def test_verdicts_and_what_was_noticed_are_two_tables(page, tmp_path):
    verdicts, findings = re.findall(r'<table class="counts">(.*?)</table>', page, re.DOTALL)

    assert "Refused" in verdicts and "brain cut" not in verdicts
    assert "brain cut" in findings and "Refused" not in findings
    assert index_html(ENTRIES[2:], ROWS[2:], tmp_path).count('<table class="counts">') == 1


def test_notice_gaps_and_quality_are_there(page):
    assert NOTICE in page
    assert "1 scan with a chronological age: mean +6.5 years." in page
    for words, count in (("Refused", 1), ("Failed", 1), ("brain cut", 1)):
        assert f'<th scope="row">{words}</th><td>{count}</td>' in page


@pytest.mark.parametrize(
    ("covers", "words"),
    [
        ("any scanner", "90 % interval: for scanners that the model never saw."),
        ("this site", "90 % interval: for this site&#39;s calibrated scanner."),
        (None, "90 % interval: known on the training&#39;s scanner alone."),
    ],
)
def test_it_says_which_scanners_the_intervals_speak_of(tmp_path, covers, words):
    rows = [replace(ROWS[0], interval_covers=covers), *ROWS[1:]]

    assert words in index_html(ENTRIES, rows, tmp_path)
    assert "90 % interval: " not in index_html(ENTRIES[1:], ROWS[1:], tmp_path)


def test_columns_that_nobody_fills_are_left_out(page, tmp_path):
    without = [replace(row, session="") for row in ROWS]

    lines = Cells()
    lines.feed(index_html(ENTRIES, without, tmp_path))

    assert "<button>session</button>" in page
    assert "<button>session</button>" not in index_html(ENTRIES, without, tmp_path)
    assert lines.lines[0][1:4] == ["p1", "patients", "60.0"]


def test_gaps_of_several_sequences_are_never_put_together(tmp_path):
    gaps = [("FLAIR", 20.0), ("T1w", 2.0), (None, 4.0), ("FLAIR", 10.0), ("T2w", -8.0)]
    rows = [replace(ROWS[0], gap_years=gap, sequence=sequence) for sequence, gap in gaps]

    def page_of(rows):
        entries = [ENTRIES[0]] * len(rows)
        return index_html(entries, rows, tmp_path)

    page = page_of(rows)
    for words in (
        "T1w, shown above: 2 scans with a chronological age: mean +3.0 years,",
        "<p>FLAIR: 2 scans with a chronological age: mean +15.0 years,",
        "<p>T2w: 1 scan with a chronological age: mean \u22128.0 years.",
        "<title>Raw gaps of 2 scans</title>",
        "<button>sequence</button>",
    ):
        assert words in page, words
    lines = Cells()
    lines.feed(page)
    assert [line[4] for line in lines.lines] == ["FLAIR", "T1w", "", "FLAIR", "T2w"]
    assert "FLAIR, shown above: 2 scans" in page_of([rows[0], rows[3]])
    plain = [replace(row, sequence=None) for row in rows[1:3]]
    assert page_of(rows[1:3]) == page_of(plain) and "sequence<" not in page_of(plain)


def test_a_huge_batch_stays_light(tmp_path):
    rows = [ResultRow(f"{n}.nii", str(n), exit_code=2, error="gone") for n in range(6000)]
    entries = [ScanEntry(row.path, row.path, row.id, folder=row.id) for row in rows]

    page = index_html(entries, rows, tmp_path)

    assert "1000 more scans stand in results.csv only." in page
    assert len(page) < 2_000_000


def test_gaps_are_counted_in_bins_with_an_edge_at_0():
    histogram = gap_histogram([-0.1, -2.4, 0.0, 2.4, 2.5, 11.0])

    assert [bar.words for bar in histogram.bars] == [
        "\u22122.5 to 0 years: 2",
        "0 to 2.5 years: 2",
        "2.5 to 5 years: 1",
        "10 to 12.5 years: 1",
    ]


@pytest.mark.parametrize("gaps", [[3.0], [-300.0, 300.0], [0.0] * 5])
def test_every_bar_is_inside_the_drawing_and_0_is_shown(gaps):
    histogram = gap_histogram(gaps)

    for bar in histogram.bars:
        assert bar.x >= histogram.left
        assert bar.x + bar.width <= histogram.right
        assert bar.y >= histogram.top
        assert bar.y + bar.height <= histogram.floor + 0.1
    assert histogram.left < histogram.zero_x < histogram.right


@pytest.mark.parametrize(("gaps", "words"), [([1.0], "1 scan"), ([1.0, 1.5, 9.0], "2 scans")])
def test_it_says_what_its_height_stands_for(gaps, words):
    assert gap_histogram(gaps).tallest == words


def test_without_gaps_there_is_nothing():
    assert gap_histogram([]) is None


# By age as numbers: as text 9 would come last.
AGES = {"p1": 70.5, "p2": 9.0, "p10": None, "p3": 60.0}
PRESS = "[...document.querySelectorAll('.scans button')].find(b => b.textContent === '{}').click();"


@pytest.fixture
def sortable(tmp_path):
    rows = [
        ResultRow(
            f"{name}.nii", name, "v1", "a group with a long name", age, "F", age, 1.0, 99.0, 0.0,
            0.0, 50.0, "warn", ("registration_weak", "brain_cut"), 6.0, "thick-slice 2", 0,
        )
        for name, age in AGES.items()
    ]  # fmt: skip
    entries = [ScanEntry(row.path, row.path, row.id, folder=row.id) for row in rows]
    write_index(entries, rows, tmp_path)
    return tmp_path / "index.html"


def order_in(text):
    body = text.rsplit("<tbody>", 1)[1]  # a browser gives every table one
    return re.findall(r"<tr><td></td><td>(p\d+)</td>", body)


@needs_browser
@pytest.mark.parametrize(
    ("head", "presses", "order"),
    [
        ("age", 1, ["p2", "p3", "p1", "p10"]),
        ("age", 2, ["p1", "p3", "p2", "p10"]),
        ("id", 1, ["p1", "p2", "p3", "p10"]),
    ],
)
def test_a_pressed_heading_sorts_and_empty_cells_come_last(sortable, head, presses, order):
    text = after_script(sortable, PRESS.format(head) * presses)

    assert order_in(text) == order
    direction = "ascending" if presses == 1 else "descending"
    assert re.search(rf'aria-sort="{direction}"><button>{head}</button>', text)


@needs_browser
def test_only_the_table_scrolls_sideways(sortable):
    """As narrow as a phone: the page itself is not wider than its window."""
    narrow = (
        "document.body.style.width = '390px';"
        "const main = document.querySelector('main');"
        "document.title = [main.scrollWidth, main.clientWidth,"
        " document.querySelector('.scrolling').scrollWidth].join(' ');"
    )

    inside, window, table = map(
        int, re.search(r"<title>([\d ]+)</title>", after_script(sortable, narrow))[1].split()
    )

    assert inside <= window <= 390 < table


@needs_browser
def test_a_few_scans_print_on_one_sheet(sortable):
    assert pages_on_paper(sortable) == 1


def test_a_scan_under_two_ids_is_told_of(tmp_path):
    rows = [replace(ROWS[0], sha256="one"), replace(ROWS[1], sha256="one"), ROWS[2]]

    page = index_html(ENTRIES, rows, tmp_path)

    assert "p1 v1 and p&lt;2&gt; are the same scan, file for file" in page
    assert "same scan" not in index_html(ENTRIES, ROWS, tmp_path)


@pytest.mark.parametrize(
    "place", ["/x/", "/data/DOE JANE/x/../y/", "D:\\x\\DOE^JANE\\", "//server/JANE/"]
)
def test_a_failure_that_was_found_by_another_way_names_no_path(tmp_path, place):
    rows = [*ROWS[:2], replace(ROWS[2], error=f"the file {place}c.nii does not exist (and/or)")]

    page = index_html(ENTRIES, rows, tmp_path)

    assert '<td class="why">the file c.nii does not exist (and/or)</td>' in page
