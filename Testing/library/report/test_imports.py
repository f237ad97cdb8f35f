"""Writing outputs needs neither torch nor anything of Slicer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import BrainAgeLib.report

BLOCKED = ("torch", "slicer", "qt", "ctk", "vtk")


def test_imports_with_torch_and_slicer_blocked() -> None:
    folder = Path(BrainAgeLib.report.__file__).parent
    modules = [f"BrainAgeLib.report.{path.stem}" for path in folder.glob("[!_]*.py")]
    program = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    root = folder.parent.parent
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, timeout=120)
