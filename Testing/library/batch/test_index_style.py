"""The index in a real browser, where one is installed: it sorts, and fits a phone and a sheet."""

from __future__ import annotations

import re

import pytest

from BrainAgeLib.batch.index_page import write_index
from BrainAgeLib.batch.results_table import ResultRow
from BrainAgeLib.batch.scan_entry import ScanEntry
from Testing.library.browser import after_script, needs_browser, pages_on_paper

pytestmark = needs_browser
# By age as numbers: as text 9 would come last.
AGES = {"p1": 70.5, "p2": 9.0, "p10": None, "p3": 60.0}
PRESS = "[...document.querySelectorAll('.scans button')].find(b => b.textContent === '{}').click();"


@pytest.fixture
def page(tmp_path):
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


@pytest.mark.parametrize(
    ("head", "presses", "order"),
    [
        ("age", 1, ["p2", "p3", "p1", "p10"]),
        ("age", 2, ["p1", "p3", "p2", "p10"]),
        ("id", 1, ["p1", "p2", "p3", "p10"]),
    ],
)
def test_a_pressed_heading_sorts_and_empty_cells_come_last(page, head, presses, order):
    text = after_script(page, PRESS.format(head) * presses)

    assert order_in(text) == order
    direction = "ascending" if presses == 1 else "descending"
    assert re.search(rf'aria-sort="{direction}"><button>{head}</button>', text)


def test_only_the_table_scrolls_sideways(page):
    """As narrow as a phone: the page itself is not wider than its window."""
    narrow = (
        "document.body.style.width = '390px';"
        "const main = document.querySelector('main');"
        "document.title = [main.scrollWidth, main.clientWidth,"
        " document.querySelector('.scrolling').scrollWidth].join(' ');"
    )

    inside, window, table = map(
        int, re.search(r"<title>([\d ]+)</title>", after_script(page, narrow))[1].split()
    )

    assert inside <= window <= 390 < table


def test_a_few_scans_print_on_one_sheet(page):
    assert pages_on_paper(page) == 1
