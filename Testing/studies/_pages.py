"""What studies write: the parts of documentation pages, and the figures that are kept."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from BrainAgeLib.whole_file import write_atomically

PROJECT = Path(__file__).resolve().parents[2]
PAGES = PROJECT / "docs"
FIGURES = PROJECT / "Testing" / "studies" / "results"


def write_part(page: Path, mark: str, text: str) -> None:
    """Replace what stands between two marks of a page. Raises ValueError when it has none."""
    before, _, after = _split(page, mark)
    begin, end = _marks(mark)
    write_atomically(page, f"{before}{begin}\n{text}\n{end}{after}".encode())


def read_part(page: Path, mark: str) -> str:
    """Return what stands between two marks of a page. Raises ValueError when it has none."""
    return _split(page, mark)[1].strip("\n")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Return the machine in a few words."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{len(os.sched_getaffinity(0))} cores of {name}"


def _split(page: Path, mark: str) -> tuple[str, str, str]:
    """Return what stands before, between and after two marks."""
    begin, end = _marks(mark)
    before, has_begin, rest = page.read_text("utf-8").partition(begin)
    between, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"{page} has no marks {begin} and {end}")
    return before, between, after


def _marks(mark: str) -> tuple[str, str]:
    return f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
