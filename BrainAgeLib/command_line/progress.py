"""How a run speaks: a line that moves on a terminal, or one JSON object a line for programs."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import ProgressCallback

BAR_WIDTH = 30
STAGE_WORDS = {
    "read": "reading the scan",
    "brain_extraction": "extracting the brain",
    "registration": "registering to the template",
    "prediction": "predicting the age",
    "saliency": "mapping where the age comes from",
    "write": "writing the results",
}


class JsonLines:
    """Events for the program that started us; nothing else goes to stdout."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def stage(self, name: str, fraction: float) -> None:
        """Say how far the job is, 0-1."""
        self._write({"event": "stage", "name": name, "fraction": round(fraction, 4)})

    def result(self, path: Path, verdict: str) -> None:
        """Say where the result lies."""
        self._write({"event": "result", "path": str(path), "verdict": verdict})

    def row(self, row: Mapping[str, object], done: int, count: int) -> None:
        """Say what came of one scan of a batch, and how many are done."""
        self._write({"event": "scan", **row, "done": done, "count": count})

    def table(self, path: Path, scans: int, without_age: int) -> None:
        """Say where the results of a batch lie."""
        self._write(
            {"event": "result", "path": str(path), "scans": scans, "without_age": without_age}
        )

    def error(self, error: BrainAgeError) -> None:
        """Say what went wrong."""
        event: dict[str, object] = {"event": "error", "message": error.message, "hint": error.hint}
        if error.details:
            event["details"] = list(error.details)
        self._write(event)

    def _write(self, event: dict[str, object]) -> None:
        with self._lock:
            self._stream.write(json.dumps(event) + "\n")
            self._stream.flush()


class TerminalProgress:
    """One line on a terminal that is drawn anew and removed at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0

    def __call__(self, name: str, fraction: float) -> None:
        """Draw the bar."""
        filled = round(BAR_WIDTH * fraction)
        line = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {STAGE_WORDS.get(name, name)}"
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)

    def clear(self) -> None:
        """Remove the line."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0


def progress_for(json_lines: JsonLines | None) -> ProgressCallback | None:
    """Return what a run should report to, or None when nobody looks."""
    if json_lines is not None:
        return json_lines.stage
    return TerminalProgress(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else None


def announce_error(error: BrainAgeError, json_lines: JsonLines | None) -> None:
    """Say one line on stderr, details indented below it, and the event when programs listen."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    lines = [f"brainage: error: {' '.join(message.split())}"]
    lines += [f"  {' '.join(detail.split())}" for detail in error.details]
    # Either stream may be gone or full; the other one, or the exit code, still tells.
    with suppress(OSError):
        if json_lines is not None:
            json_lines.error(error)
    with suppress(OSError):
        print("\n".join(lines), file=sys.stderr)
