"""A folder of results: a report of one page, numbers as CSV, charts as SVG.

How the page looks says ``analysis.html.j2`` among the report's templates.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from BrainAgeLib.cohort.estimates import (
    Estimate,
    Table,
    exclusions_csv,
    numbers_csv,
)
from BrainAgeLib.cohort.table import Exclusion, counted
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.pages import filled_in, write_page
from BrainAgeLib.report.wording import scans_in_words
from BrainAgeLib.run_folder import make_output_folder, refuse_to_overwrite, tell_of_others
from BrainAgeLib.whole_file import write_atomically

PAGE_NAME = "report.html"
NUMBERS_NAME, EXCLUSIONS_NAME, METHODS_NAME = "numbers.csv", "exclusions.csv", "methods.txt"
MOST_LISTED = 50
READ_FIRST = "Read first"


@dataclass(frozen=True)
class Chart:
    """A chart as SVG, with the name of its file and its caption."""

    kind: ClassVar[str] = "chart"
    name: str
    svg: bytes
    caption: str

    @property
    def source(self) -> str:
        """The chart as a ``data:`` address."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode('ascii')}"


class Charts:
    """Charts beside each other where there is room."""

    kind: ClassVar[str] = "charts"

    def __init__(self, *charts: Chart) -> None:
        self.charts = charts


Part = str | Table | Chart | Charts


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; a string is a paragraph."""

    title: str
    parts: Sequence[Part]


@dataclass
class Report:
    """What an analysis found, in the order in which a reader meets it.

    ``not_compared``: why groups are not compared, where they are not.
    """

    title: str
    estimates: list[Estimate] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    exclusions: Sequence[Exclusion] = ()
    methods: str = ""
    not_compared: str = ""

    def section(self, title: str, *parts: Part | None) -> None:
        """Add a section; parts that are None are left out."""
        self.sections.append(Section(title, [part for part in parts if part is not None]))

    def say_first(self, said: Sequence[str]) -> None:
        """Add the section on what to know before the figures, if there is anything."""
        if said:
            self.section(READ_FIRST, *said)

    def chart(self, name: str, svg: bytes, caption: str) -> Chart:
        """Keep a chart under a file name and return it for a section."""
        self.charts.append(Chart(name, svg, caption))
        return self.charts[-1]


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
        Table(["reason", "scans"], rows) if rows else None,
        Table(["line", "person", "session", "reason"], listed) if rows else None,
        f"{more} more stand in exclusions.csv." if more > 0 else None,
    )


def left_out_in_words(exclusions: Sequence[Exclusion]) -> str:
    """Return how many scans were left out, and how many for which reason."""
    reasons = ", ".join(f"{n} {reason}" for reason, n in counted(exclusions).items())
    return f"{scans_in_words(len(exclusions))} left out{f': {reasons}' if reasons else ''}"


def read_first(report: Report) -> list[str]:
    """Return what is to be read before the figures as a line for the terminal, if anything is."""
    said = [part for one in report.sections if one.title == READ_FIRST for part in one.parts]
    return [f"{READ_FIRST}: {' '.join(' '.join(map(str, said)).split())}"] if said else []


def page(report: Report) -> str:
    """Return the report as HTML; it loads nothing."""
    return filled_in("analysis.html.j2", report=report, notice=NOTICE)


def refuse_own_output(table: Path, folder: Path) -> None:
    """Raise InputError where the table is a file that ``write_report_folder`` writes.

    Asked before the work.
    """
    names = (PAGE_NAME, NUMBERS_NAME, EXCLUSIONS_NAME, METHODS_NAME)
    refuse_to_overwrite(table, [folder / name for name in names])


def write_report_folder(report: Report, folder: Path) -> Mapping[str, Path]:
    """Write everything into the folder, its page last; return the files by name.

    Raises InputError when the folder cannot be used, BrainAgeError when writing fails.
    """
    make_output_folder(folder)
    contents = {
        **{chart.name: chart.svg for chart in report.charts},
        NUMBERS_NAME: numbers_csv(report.estimates),
        EXCLUSIONS_NAME: exclusions_csv(report.exclusions),
    }
    if report.methods:
        contents[METHODS_NAME] = (report.methods + "\n").encode("utf-8", "backslashreplace")
    html = page(report)
    tell_of_others(folder, (*contents, PAGE_NAME), (PAGE_NAME, NUMBERS_NAME, EXCLUSIONS_NAME))
    (folder / PAGE_NAME).unlink(missing_ok=True)
    for name, content in contents.items():
        write_atomically(folder / name, content)
    write_page(folder / PAGE_NAME, html)
    return {name: folder / name for name in (*contents, PAGE_NAME)}
