"""The command ``brainage`` as people and programs start it: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


def command_line(*arguments: object) -> list[str]:
    """Return the command with its arguments."""
    return [sys.executable, "-m", "BrainAgeLib", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return the environment in which a new process finds this library."""
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if name != "BRAINAGE_DEBUG"}
    return kept | {"PYTHONPATH": path} | changes


NO_NETWORK = """
import os, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        os.write(2, f"network: {event} {arguments}\\n".encode())
        os._exit(99)

sys.addaudithook(refuse)
"""


def without_network(folder: Path) -> dict[str, str]:
    """Return an environment in which a Python program that touches a socket ends with 99.

    ``folder``: an empty one, that takes the file which Python reads at its start.
    """
    (folder / "sitecustomize.py").write_text(NO_NETWORK, "utf-8")
    return environment(PYTHONPATH=os.pathsep.join([str(folder), environment()["PYTHONPATH"]]))


def run_brainage(
    *arguments: object, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command_line(*arguments),
        env=env or environment(),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def start_brainage(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command; what it says can be read line by line."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    if os.name != "nt":
        # These tests may run in the background of a shell script, which ignores it.
        pipes["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command_line(*arguments), env=environment(), text=True, **pipes)
