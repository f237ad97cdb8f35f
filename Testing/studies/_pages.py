"""The parts of a documentation page that a study writes."""

from __future__ import annotations

import os
import platform
from pathlib import Path

PAGES = Path(__file__).resolve().parents[2] / "docs"


def write_part(page: Path, mark: str, text: str) -> None:
    """Replace what stands between two marks of a page. Raises ValueError when it has none."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"{page} has no marks {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def machine() -> str:
    """Return the machine in a few words."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{len(os.sched_getaffinity(0))} cores of {name}"
