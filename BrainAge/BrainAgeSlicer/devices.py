"""Where the model can run, found without torch: it never enters Slicer's own process."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

QUERY = ["--query-gpu=index,name", "--format=csv,noheader"]


@dataclass(frozen=True)
class Device:
    """``name`` is what the worker is told, ``label`` what the user reads."""

    name: str
    label: str


def alwaysThere() -> list[Device]:
    """Return the devices that need no asking."""
    found = [Device("auto", _("Automatic")), Device("cpu", _("CPU"))]
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        found.append(Device("mps", _("GPU (Apple, untested)")))
    return found


class GraphicsCards:
    """Asks the driver for its cards, in the background: it can take a second."""

    def __init__(self, onFound: Callable[[list[Device]], None]) -> None:
        self._onFound = onFound
        self._process = qt.QProcess()

    def find(self) -> None:
        """Call back with the cards, if there are any."""
        program = shutil.which("nvidia-smi")
        if program is None:
            return
        self._process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        self._process.start(program, QUERY)

    def stop(self) -> None:
        """Stop asking."""
        self._onFound = lambda _devices: None
        self._process.kill()
        self._process.waitForFinished(1000)

    def _onFinished(self, exitCode: int, _exitStatus: object) -> None:
        if exitCode == 0:
            text = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
            self._onFound(devicesFrom(text))


def devicesFrom(text: str) -> list[Device]:
    """Return the devices in the driver's answer: lines of ``index, name``."""
    rows = [line.split(",", 1) for line in text.splitlines() if "," in line]
    return [
        Device(
            f"cuda:{int(index)}", _("GPU {index}: {name}").format(index=index, name=name.strip())
        )
        for index, name in rows
        if index.strip().isdigit()
    ]
