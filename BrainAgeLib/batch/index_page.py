"""``index.html`` of a batch: one self-contained page over all scans."""

from __future__ import annotations

import base64
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from BrainAgeLib.batch.gap_histogram import gap_histogram
from BrainAgeLib.batch.index_style import SORT_SCRIPT, STYLE
from BrainAgeLib.batch.results_table import ResultRow
from BrainAgeLib.batch.scan_entry import ScanEntry
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.files import OutputFolder
from BrainAgeLib.report.markup import Markup, element
from BrainAgeLib.report.page import CONTENT_POLICY, html_page
from BrainAgeLib.report.wording import VERDICT_WORDS, scans_in_words
from BrainAgeLib.whole_file import write_atomically

FILE_NAME = "index.html"
INLINE = "'unsafe-inline'"  # the one script, which sorts
# About 3 kB each: with more the page would be too heavy for a browser.
MOST_THUMBNAILS = 1000
MOST_LINES = 5000
COLUMNS = (
    *("", "id", "session", "group", "age", "sex", "brain age", "90 % interval", "raw gap"),
    *("corrected gap", "quality", "findings or error"),
)
MAY_BE_LEFT_OUT = ("session", "group")  # when no scan has one
MINUS = "\u2212"


def write_index(entries: Sequence[ScanEntry], rows: Sequence[ResultRow], output: Path) -> None:
    """Write the page for scans and their rows, in the same order. Raises BrainAgeError."""
    page = index_html(entries, rows, output)
    write_atomically(output / FILE_NAME, page.encode("utf-8", errors="replace"))


def index_html(entries: Sequence[ScanEntry], rows: Sequence[ResultRow], output: Path) -> str:
    """Return the page; it names scans by their ids and shows no path above the output folder."""
    title = f"Brain age of {scans_in_words(len(rows))}"
    main = element(
        "main",
        element("h1", title),
        element("p", NOTICE, class_="notice", role="note"),
        _gaps(rows),
        _quality(rows),
        _scans(entries, rows, output),
    )
    script = element("script", Markup(SORT_SCRIPT))
    return html_page(title, STYLE, main, script, policy=f"{CONTENT_POLICY}; script-src {INLINE}")


def _gaps(rows: Sequence[ResultRow]) -> Markup | None:
    gaps = [row.gap_years for row in rows if row.gap_years is not None]
    plot = gap_histogram(gaps)
    if plot is None:
        return None
    spread = f", standard deviation {statistics.stdev(gaps):.1f} years" if len(gaps) > 1 else ""
    mean = _signed(statistics.fmean(gaps))
    words = f"{scans_in_words(len(gaps))} with a chronological age: mean {mean}"
    return element(
        "section", element("h2", "Raw gaps"), plot, element("p", f"{words} years{spread}.")
    )


def _quality(rows: Sequence[ResultRow]) -> Markup:
    states = Counter(_state(row) for row in rows)
    findings = Counter(code for row in rows for code in row.findings)
    lines = [(words, count) for words, count in states.most_common()]
    lines += [(code.replace("_", " "), count) for code, count in findings.most_common()]
    cells = [
        element("tr", element("th", words, scope="row"), element("td", str(count)))
        for words, count in lines
    ]
    return element(
        "section",
        element("h2", "Quality"),
        element("p", "Scans by verdict, then by what the quality gate noticed."),
        element("table", *cells, class_="counts"),
    )


def _scans(entries: Sequence[ScanEntry], rows: Sequence[ResultRow], output: Path) -> Markup:
    shown = list(zip(entries, rows, strict=True))[:MOST_LINES]
    empty = {name for name in MAY_BE_LEFT_OUT if not any(getattr(row, name) for row in rows)}
    names = [name for name in COLUMNS[1:] if name not in empty]
    lines = [
        _line(entry, row, output / entry.folder, number < MOST_THUMBNAILS, names)
        for number, (entry, row) in enumerate(shown)
    ]
    heads = [element("th", element("button", name), scope="col") for name in names]
    left_out = len(rows) - len(shown)
    table = element(
        "table",
        element("thead", element("tr", element("td", ""), *heads)),
        element("tbody", *lines),
        class_="scans",
    )
    return element(
        "section",
        element("h2", "Scans"),
        element("p", f"{left_out} more scans stand in results.csv only.") if left_out else None,
        element("p", "Press a heading to sort. An id leads to its report.", class_="on-screen"),
        element("div", table, class_="scrolling"),
    )


def _line(
    entry: ScanEntry, row: ResultRow, folder: Path, has_picture: bool, names: Sequence[str]
) -> Markup:
    """Return the line of a scan: a picture and the columns of those names."""
    outputs = OutputFolder(folder)
    name: str = row.id or Path(row.path).name
    if outputs.report.is_file():
        address = quote(f"{entry.folder}/{outputs.report.name}")
        name = element("a", name, href=address)
    interval = " to ".join(filter(None, (_years(row.interval_low), _years(row.interval_high))))
    cells = [
        element("td", name),
        element("td", row.session),
        element("td", row.group),
        _number(row.age, _years(row.age)),
        element("td", row.sex),
        _number(row.brain_age_years, _years(row.brain_age_years)),
        element("td", interval, class_="interval"),
        _number(row.gap_years, _signed(row.gap_years)),
        _number(row.corrected_gap_years, _signed(row.corrected_gap_years)),
        element("td", _state(row), class_=row.verdict or "refuse"),
        element("td", _why(entry, row), class_="why"),
    ]
    picture = _picture(outputs.thumbnail, row) if has_picture else None
    shown = [cell for name, cell in zip(COLUMNS[1:], cells, strict=True) if name in names]
    return element("tr", element("td", picture), *shown)


def _why(entry: ScanEntry, row: ResultRow) -> str:
    """Return the error without the folders above the scan, or the findings."""
    if row.error is None:
        return ", ".join(row.findings).replace("_", " ")
    return row.error.replace(entry.scan, Path(entry.scan).name)


def _state(row: ResultRow) -> str:
    if row.verdict is None:
        return "Failed"
    if row.verdict == "refuse" and row.has_age:
        return "Refused, but forced"
    return {str(verdict): words for verdict, words in VERDICT_WORDS.items()}[row.verdict]


def _number(value: float | None, shown: str) -> Markup:
    """Return a cell that sorts by its value; what is not known comes last."""
    return element("td", shown, data_value=None if value is None else f"{value:g}", class_="number")


def _picture(path: Path, row: ResultRow) -> Markup | None:
    try:
        content = base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError:
        return None
    return element("img", src=f"data:image/png;base64,{content}", alt=f"a slice of {row.id}")


def _years(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}".replace("-", MINUS)
