"""A folder of results: a report of one self-contained page, numbers as CSV, charts as SVG."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from BrainAgeLib.cohort.estimates import (
    Estimate,
    exclusions_csv,
    numbers_csv,
    plain_table,
)
from BrainAgeLib.cohort.table import Exclusion, counted
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.files import make_output_folder
from BrainAgeLib.report.markup import Markup, element
from BrainAgeLib.report.page import CONTENT_POLICY
from BrainAgeLib.report.report_style import STYLE
from BrainAgeLib.whole_file import write_atomically

CHART_STYLE = """
.scrolling { margin-bottom: 1rem; }
.scrolling td { overflow-wrap: break-word; }
main img { background: #ffffff; max-width: 44rem; }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); }
"""
MOST_LISTED = 50


@dataclass
class Report:
    """What an analysis found, in the order in which a reader meets it."""

    title: str
    estimates: list[Estimate] = field(default_factory=list)
    charts: dict[str, bytes] = field(default_factory=dict)
    sections: list[Markup] = field(default_factory=list)
    exclusions: Sequence[Exclusion] = ()
    methods: str = ""

    def section(self, title: str, *content: str | None) -> None:
        """Add a section; strings that are no markup become paragraphs."""
        parts = [
            part if isinstance(part, Markup) else element("p", part)
            for part in content
            if part is not None
        ]
        self.sections.append(element("section", element("h2", title), *parts))

    def chart(self, name: str, svg: bytes, caption: str) -> Markup:
        """Keep a chart under a file name and return it for a section."""
        self.charts[name] = svg
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
        picture = element("img", src=source, alt=caption)
        return element("figure", picture, element("figcaption", caption))


def side_by_side(*charts: Markup) -> Markup:
    """Return charts beside each other where there is room."""
    return element("div", *charts, class_="charts")


def exclusions_section(report: Report, rows_read: int) -> None:
    """Add the section on what was left out."""
    left_out = report.exclusions
    rows = [[reason, str(count)] for reason, count in counted(left_out).items()]
    listed = [
        [str(item.line), item.person, item.session, item.reason] for item in left_out[:MOST_LISTED]
    ]
    more = len(left_out) - len(listed)
    report.section(
        "Exclusions",
        f"{rows_read} rows were read, {len(left_out)} left out.",
        plain_table(["reason", "scans"], rows) if rows else None,
        plain_table(["line", "person", "session", "reason"], listed) if rows else None,
        f"{more} more stand in exclusions.csv." if more > 0 else None,
    )


def page(report: Report) -> str:
    """Return the report as HTML; it loads nothing."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=CONTENT_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", report.title),
        element("style", Markup(STYLE + CHART_STYLE)),
    )
    main = element(
        "main",
        element("h1", report.title),
        element("p", NOTICE, class_="notice"),
        *report.sections,
    )
    body = element("body", main, element("footer", NOTICE))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def write_report_folder(report: Report, folder: Path) -> Mapping[str, Path]:
    """Write everything into the folder, ``report.html`` last; return the files by name.

    Raises InputError when the folder cannot be used, BrainAgeError when writing fails.
    """
    make_output_folder(folder)
    contents = {
        **report.charts,
        "numbers.csv": numbers_csv(report.estimates),
        "exclusions.csv": exclusions_csv(report.exclusions),
    }
    if report.methods:
        contents["methods.txt"] = (report.methods + "\n").encode("utf-8", "backslashreplace")
    contents["report.html"] = page(report).encode("utf-8", "backslashreplace")
    (folder / "report.html").unlink(missing_ok=True)
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return {name: folder / name for name in contents}
