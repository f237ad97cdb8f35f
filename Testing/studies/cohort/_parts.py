"""The parts of a long study: what an earlier call finished is not repeated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from BrainAgeLib.whole_file import write_atomically


def part(name: str, work: Path, make: Callable[[Path], Any]) -> Any:
    """Return what a part found, as plain values; ``make`` gets an empty place WORK/NAME."""
    found = work / f"{name}.json"
    if not found.is_file():
        shutil.rmtree(work / name, ignore_errors=True)
        write_atomically(found, json.dumps(make(work / name)).encode())
    print(f"{name}: done", flush=True)
    return json.loads(found.read_text())
