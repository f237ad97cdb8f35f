"""The rules of the layout as data, and the readers of source code that hold them.

Everything here takes source text or paths and returns complaints, so that a test can show it a
violation and see it found.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LIBRARY = PROJECT / "BrainAgeLib"

LONGEST_FILE = 280
LONGEST_FUNCTION = 45

# What a part of the library may import beside itself. A part is a module or package directly in
# BrainAgeLib. First the words, then the way of a scan, then its users; nothing looks downstream.
WORDS = {"errors", "findings", "records", "options", "codec", "whole_file", "run_folder"}
UP_TO_MODEL = WORDS | {"resources", "scan", "template", "model"}
UP_TO_PIPELINE = UP_TO_MODEL | {"gate", "report", "software", "stages", "case", "pipeline"}
MAY_IMPORT = {
    "errors": set(),
    "findings": set(),
    "records": {"findings"},
    "options": {"errors", "records"},
    "codec": {"errors"},
    "whole_file": {"errors"},
    "run_folder": {"errors", "whole_file"},
    "resources": {"errors"},
    "software": WORDS,
    "stages": WORDS,
    "extras": {"errors"},
    "process": set(),
    "ahead": set(),
    "orphans": {"errors"},
    "statistics": set(),
    "tables": {"errors", "records"},
    "scan": {"errors", "extras", "findings", "records"},
    "template": WORDS | {"resources", "scan", "stages", "statistics", "ahead"},
    "model": WORDS | {"resources", "scan", "stages", "statistics", "template"},
    "gate": WORDS | {"scan", "template", "model", "statistics"},
    "report": WORDS | {"extras", "scan", "template"},
    "case": {"findings", "options", "records", "scan"},
    "pipeline": UP_TO_MODEL | {"case", "gate", "report", "software", "stages", "process", "ahead"},
    "delivery": WORDS | {"pipeline", "report", "scan"},
    "batch": WORDS
    | {
        "scan",
        "model",
        "report",
        "software",
        "pipeline",
        "delivery",
        "orphans",
        "extras",
        "tables",
    },
    "cohort": WORDS | {"model", "report", "software", "statistics", "batch", "tables"},
    "follow": WORDS | {"scan", "model", "report", "delivery", "cohort"},
    "training": UP_TO_MODEL | {"gate", "tables", "extras", "statistics", "orphans", "process"},
    "command_line": UP_TO_PIPELINE
    | {"delivery", "batch", "cohort", "follow", "training", "extras"},
    "__init__": WORDS | {"model", "pipeline", "delivery"},
    "__main__": {"command_line", "errors"},
}
# What BrainAgeLib itself offers, and where it comes from.
PUBLIC_NAMES = {
    "AgeTogether": "model",
    "BrainAgeError": "errors",
    "Options": "options",
    "Prediction": "records",
    "Result": "records",
    "predict": "pipeline",
    "predict_to_folder": "delivery",
    "run": "pipeline",
    "together": "model",
    "__version__": "__init__",
}


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below folders of the project."""
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def project_files() -> list[Path]:
    """Return the files that belong to the project: what git has or would add; none outside git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    names = sorted({name for name in listed.decode().split("\0") if name})
    return [PROJECT / name for name in names if (PROJECT / name).is_file()]


def part_of(path: Path) -> str:
    """Return the part of the library that a file belongs to."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imported_parts(source: str) -> set[str]:
    """Return the parts of BrainAgeLib that source text imports, wherever in it."""
    parts = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "BrainAgeLib":
            names = [f"BrainAgeLib.{PUBLIC_NAMES.get(a.name, a.name)}" for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith("BrainAgeLib.")}
    return parts


def imported_modules(source: str) -> set[str]:
    """Return the modules of BrainAgeLib that source text imports, wherever in it."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            there = [name for name in names if _is_module(name)]
            modules |= set(there or [node.module])
    return {name for name in modules if name.split(".")[0] == "BrainAgeLib"}


def _is_module(name: str) -> bool:
    path = PROJECT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def forbidden_imports(part: str, source: str, allowed: set[str] | None = None) -> set[str]:
    """Return what a file of a part imports of the library and may not."""
    if allowed is None:
        allowed = MAY_IMPORT[part]
    return imported_parts(source) - allowed - {part, "__init__"}


def long_functions(source: str, longest: int = LONGEST_FUNCTION) -> list[str]:
    """Return the functions that have more lines than that, with their lengths."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, functions)]
    lengths = [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in found]
    return [f"{name}: {length} lines" for name, length in lengths if length > longest]


def late_bases(source: str) -> list[str]:
    """Return bases in brackets that are not typing's: the oldest Python may not know them so.

    They are looked up when the class is made, other than annotations; mypy takes them for known.
    """
    classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    bases = [base for node in classes for base in node.bases if isinstance(base, ast.Subscript)]
    return [
        ast.unparse(base)
        for base in bases
        if ast.unparse(base.value) not in ("Generic", "Protocol")
    ]


def texts(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the contents of those files that are text."""
    found = {}
    for path in paths:
        content = path.read_bytes()
        if b"\0" not in content:
            found[path] = content.decode("utf-8")
    return found


def relative(path: Path) -> str:
    """Return a path as the reader of a failure knows it."""
    return path.relative_to(PROJECT).as_posix()
