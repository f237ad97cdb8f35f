"""One child process that predicts one scan: what it says while it works, and how it is ended.

PythonSlicer is a launcher: ending it alone leaves the real interpreter running, so the whole tree
of processes is ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainAgeLib.errors import ExitCode

GRACE_MILLISECONDS = 2000  # for the worker to end by itself once its standard input is closed
DONE_EXIT_CODES = (ExitCode.DONE, ExitCode.REFUSED)  # a refusal is a result too


@dataclass(frozen=True)
class Outcome:
    """How a worker ended. The exit code decides; the events only explain.

    ``message`` and ``hint`` are the worker's own words, or ours when it could not say any.
    """

    exitCode: int
    cancelled: bool = False
    message: str = ""
    hint: str = ""
    log: tuple[str, ...] = field(default=(), repr=False)

    @property
    def done(self) -> bool:
        """Whether there is a record to read."""
        return not self.cancelled and self.exitCode in DONE_EXIT_CODES


class Worker:
    """A child process under the event loop: nothing here waits, but ``stop``.

    ``onStage(name, fraction)`` and ``onLog(line)`` are called while it works, and
    ``onFinished(outcome)`` once, after the process is gone.
    """

    def __init__(
        self,
        command: Sequence[str],
        onFinished: Callable[[Outcome], None],
        onStage: Callable[[str, float], None] = lambda _name, _fraction: None,
        onLog: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._command = [str(part) for part in command]
        self._onFinished: Callable[[Outcome], None] | None = onFinished
        self._onStage = onStage
        self._onLog = onLog
        self._cancelled = False
        self._lines: list[str] = []
        self._error: dict[str, Any] = {}
        self._buffers = {"output": b"", "messages": b""}
        self._process = qt.QProcess()
        self._graceTimer = qt.QTimer()
        self._graceTimer.setSingleShot(True)
        self._graceTimer.setInterval(GRACE_MILLISECONDS)
        self._graceTimer.connect("timeout()", self._kill)

    def start(self) -> None:
        """Start the process."""
        process = self._process
        process.connect("readyReadStandardOutput()", self._readOutput)
        process.connect("readyReadStandardError()", self._readMessages)
        process.connect("finished(int,QProcess::ExitStatus)", self._onProcessFinished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._onProcessError)
        process.start(self._command[0], self._command[1:])

    def isRunning(self) -> bool:
        """Return whether the end has yet to be reported."""
        return self._onFinished is not None

    def processId(self) -> int:
        """Return the id of the process, 0 when there is none."""
        return int(self._process.processId())

    def cancel(self) -> None:
        """Ask the process to end, and make it end when it does not."""
        if not self.isRunning() or self._cancelled:
            return
        self._cancelled = True
        self._process.closeWriteChannel()
        self._graceTimer.start()

    def stop(self) -> None:
        """End the process now and wait until it is gone: the scene or the module is closing."""
        self.cancel()
        if self.isRunning() and not self._process.waitForFinished(GRACE_MILLISECONDS):
            self._kill()
            self._process.waitForFinished(GRACE_MILLISECONDS)
        if self.isRunning():
            self._finish(-1)

    def waitForFinished(self, milliseconds: int) -> None:
        """Let the process work on without an event loop of ours."""
        self._process.waitForFinished(milliseconds)

    def _kill(self) -> None:
        killTree(self.processId())
        self._process.kill()

    def _readOutput(self) -> None:
        self._buffers["output"] += _bytes(self._process.readAllStandardOutput())
        for line in self._completeLines("output"):
            self._takeEvent(line)

    def _readMessages(self) -> None:
        self._buffers["messages"] += _bytes(self._process.readAllStandardError())
        for line in self._completeLines("messages"):
            self._log(line)

    def _completeLines(self, channel: str) -> list[str]:
        *lines, self._buffers[channel] = self._buffers[channel].split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]

    def _takeEvent(self, line: str) -> None:
        try:
            event = json.loads(line)
            kind = event["event"]
            if kind == "stage":
                self._onStage(str(event["name"]), min(1.0, max(0.0, float(event["fraction"]))))
            elif kind == "error":
                self._error = event
        except (ValueError, KeyError, TypeError):
            self._log(line)  # something in the worker printed: worth reading, never worth a failure

    def _log(self, line: str) -> None:
        if line.strip():
            self._lines.append(line)
            self._onLog(line)

    def _onProcessError(self, error: Any) -> None:
        if error == qt.QProcess.FailedToStart:
            self._error = {
                "message": _("The worker process could not be started: {program}").format(
                    program=self._command[0]
                ),
                "hint": str(self._process.errorString()),
            }
            self._finish(-1)

    def _onProcessFinished(self, exitCode: int, exitStatus: Any) -> None:
        self._graceTimer.stop()
        self._readOutput()
        self._readMessages()
        for line in self._rest("output"):
            self._takeEvent(line)
        for line in self._rest("messages"):
            self._log(line)
        self._finish(exitCode if exitStatus == qt.QProcess.NormalExit else -1)

    def _rest(self, channel: str) -> list[str]:
        rest, self._buffers[channel] = self._buffers[channel], b""
        return [rest.decode(errors="replace")] if rest else []

    def _finish(self, exitCode: int) -> None:
        onFinished, self._onFinished = self._onFinished, None
        if onFinished is None:
            return
        message = str(self._error.get("message", ""))
        if not message and exitCode not in DONE_EXIT_CODES:
            message = _("The worker process ended unexpectedly (exit code {code}).").format(
                code=exitCode
            )
            self._error["hint"] = _(
                "memory may have run out: close other programs and try again; the log may say more"
            )
        self._process.deleteLater()
        hint = str(self._error.get("hint") or "")
        onFinished(Outcome(exitCode, self._cancelled, message, hint, tuple(self._lines)))


def _bytes(data: Any) -> bytes:
    return bytes(data.data())


def killTree(processId: int) -> None:
    """End a process and all that descend from it, at once. One that is gone is no error."""
    if processId <= 0:
        return
    if sys.platform == "win32":
        command = ["taskkill", "/PID", str(processId), "/T", "/F"]
        subprocess.run(command, capture_output=True, check=False, creationflags=0x08000000)
        return
    for each in [processId, *descendants(processId)]:
        try:
            os.kill(each, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def descendants(processId: int) -> list[int]:
    """Return the ids of all that descend from a process, nearest first."""
    children: dict[int, list[int]] = defaultdict(list)
    for each, parent in _parents():
        children[parent].append(each)
    descending: list[int] = []
    waiting = [processId]
    while waiting:
        below = children.get(waiting.pop(0), [])
        descending += below
        waiting += below
    return descending


def _parents() -> list[tuple[int, int]]:
    """Return (process, parent) of every process that can be seen."""
    if sys.platform.startswith("linux"):  # a bare Debian has no ps
        return [pair for path in Path("/proc").glob("[0-9]*/stat") if (pair := _fromStat(path))]
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return [(int(row[0]), int(row[1])) for row in rows if len(row) == 2]


def _fromStat(path: Path) -> tuple[int, int] | None:
    try:
        text = path.read_text(errors="replace")
    except OSError:  # it ended while we looked
        return None
    # The name in brackets may hold spaces and brackets itself.
    return int(text.split(maxsplit=1)[0]), int(text.rsplit(")", 1)[1].split()[1])
