"""The parts of a long study: what an earlier call finished is not repeated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def part(name: str, work: Path, make: Callable[[Path], Any]) -> Any:
    """Return what a part found, as plain values; ``make`` gets an empty place WORK/NAME."""
    found = work / f"{name}.json"
    if not found.is_file():
        shutil.rmtree(work / name, ignore_errors=True)
        temporary = found.with_suffix(".part")
        temporary.write_text(json.dumps(make(work / name)))
        temporary.replace(found)
    print(f"{name}: done", flush=True)
    return json.loads(found.read_text())
