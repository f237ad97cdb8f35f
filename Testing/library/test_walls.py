"""The walls of the design: who imports whom, what needs what, how long, how large."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.library.walls import (
    LIBRARY,
    LONGEST_FILE,
    MAY_IMPORT,
    PROJECT,
    forbidden_imports,
    imported_modules,
    late_bases,
    long_functions,
    part_of,
    project_files,
    python_files,
    relative,
    texts,
)

MEBIBYTE = 2**20
LARGEST_PROJECT = 20 * MEBIBYTE
LARGEST_MODELS = 12 * MEBIBYTE
NOT_IN_SLICERS_PROCESS = {  # numpy and pydicom are there: Slicer comes with them
    "torch", "SimpleITK", "deepbet", "safetensors", "PIL", "ancpbids", "filelock", "jinja2",
    "scipy", "pandas", "statsmodels", "matplotlib", "highdicom", "dask", "distributed",
}  # fmt: skip
# A path of somebody's machine: it works there and nowhere else.
LOCAL_PATH = re.compile(
    r"(?<![\w.~}])/(?:home|root|Users|work|mnt|media)/\w|\b[A-Z]:\\{1,2}Users\b"
)

IMPORT_ALL = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is behind a wall")

sys.meta_path.insert(0, Blocker())
failed = False
for name in NAMES:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed = True
        print(f"{name}: {type(error).__name__}: {error}")
sys.exit(failed)
"""


def complaints_of_imports(names: list[str], blocked: set[str], folder: Path = PROJECT) -> str:
    """Import modules in a fresh interpreter that lacks some packages; return what failed."""
    script = f"BLOCKED = {blocked!r}\nNAMES = {names!r}\n{IMPORT_ALL}"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def module_name(path: Path) -> str:
    """Return the name that a file of the library is imported by."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def test_library_imports_without_slicer():
    names = [module_name(path) for path in python_files("BrainAgeLib")]

    assert not complaints_of_imports(names, {"slicer", "qt", "ctk", "vtk"})


def test_words_and_output_import_without_torch():
    words = [LIBRARY / f"{name}.py" for name in ("__init__", "records", "errors")]
    names = [module_name(path) for path in words + python_files("BrainAgeLib/report")]

    assert not complaints_of_imports(names, {"torch"})


def test_blocked_import_is_noticed(tmp_path):
    (tmp_path / "heavy.py").write_text("import torch.nn")

    assert "heavy: ImportError" in complaints_of_imports(["heavy"], {"torch"}, tmp_path)


@pytest.mark.parametrize("path", python_files("BrainAgeLib"), ids=relative)
def test_imports_point_upstream(path):
    part = part_of(path)

    assert part in MAY_IMPORT, f"give {part} a place in the order: MAY_IMPORT in walls.py"
    assert not forbidden_imports(part, path.read_text("utf-8"))


def test_slicer_side_imports_nothing_heavy_of_the_library():
    """Neither torch nor SimpleITK in Slicer's process, nor what is missing there before Apply."""
    sources = [path.read_text("utf-8") for path in python_files("BrainAge")]
    names = sorted(set().union(*map(imported_modules, sources)))

    assert names
    assert not complaints_of_imports(names, NOT_IN_SLICERS_PROCESS)


@pytest.mark.parametrize(
    ("part", "source", "found"),
    [
        ("scan", "from BrainAgeLib.model.network import Network", {"model"}),
        ("scan", "def read():\n    import BrainAgeLib.pipeline", {"pipeline"}),
        ("report", "from BrainAgeLib import gate", {"gate"}),
        ("model", "from BrainAgeLib import predict", {"pipeline"}),
        ("pipeline", "from BrainAgeLib.training import fit", {"training"}),
        ("cohort", "from BrainAgeLib import __version__, records\nimport numpy", set()),
    ],
)
def test_forbidden_import_is_noticed(part, source, found):
    assert forbidden_imports(part, source) == found


SOURCES = python_files("BrainAgeLib", "BrainAge", "Testing")


def test_files_are_short():
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}

    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_functions_are_short():
    found = {relative(path): long_functions(path.read_text("utf-8")) for path in SOURCES}

    assert not {path: functions for path, functions in found.items() if functions}


def test_long_function_is_noticed():
    source = "class A:\n    def short(self): ...\n    def long(self):\n" + "        x = 1\n" * 45

    assert long_functions(source) == ["long: 46 lines"]


def test_bases_are_known_to_the_oldest_python():
    found = {relative(path): late_bases(path.read_text("utf-8")) for path in SOURCES}

    assert not {path: bases for path, bases in found.items() if bases}


def test_late_base_is_noticed():
    source = "class A(Generic[T]): ...\nclass B(logging.StreamHandler[TextIO]): ..."

    assert late_bases(source) == ["logging.StreamHandler[TextIO]"]


def test_no_local_path_in_the_project():
    found = {
        f"{relative(path)}:{number}": line.strip()
        for path, text in texts(project_files()).items()
        for number, line in enumerate(text.splitlines(), 1)
        if LOCAL_PATH.search(line)
    }

    assert not found


@pytest.mark.parametrize(
    ("line", "is_local"),
    [
        ("scan = '" + "/home" + "/anna/scan.nii.gz'", True),
        ("folder = r'C:" + "\\Users" + "\\anna'", True),
        ("open('" + "/mnt" + "/data')", True),
        ("see docs/home/page and folder/work/x", False),
    ],
)
def test_local_path_is_noticed(line, is_local):
    assert bool(LOCAL_PATH.search(line)) == is_local


def test_sizes():
    if not project_files():
        pytest.skip("not a git checkout: which files belong to the project is unknown")
    sizes = {relative(path): path.stat().st_size for path in project_files()}
    models = {path: size for path, size in sizes.items() if path.startswith("Resources/Models/")}

    assert sum(sizes.values()) < LARGEST_PROJECT
    assert sum(models.values()) <= LARGEST_MODELS


def test_repository_address_stands_where_slicer_reads_it():
    entry = json.loads((PROJECT / "BrainAge.json").read_text("utf-8"))
    address = entry["scm_url"].split("://")[1]
    holders = [relative(path) for path, text in texts(project_files()).items() if address in text]

    assert holders in ([], ["BrainAge.json", "CMakeLists.txt"]), (
        "read it from BrainAge.json instead"
    )


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("print(1)\n", "T201"),
        ("import vtk\n", "TID251"),
        ("from slicer.util import arrayFromVolume\n", "TID251"),
        ("assert True\n", "S101"),
        ("try:\n    x = 1\nexcept:\n    x = 2\n", "E722"),
        ("def age():\n    return 1\n", "D103"),
        ('"""Doc."""\nfrom . import records\n', "TID252"),
    ],
)
def test_linter_guards_the_library(source, rule):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    command = [ruff, "check", "--no-cache", "--stdin-filename", "BrainAgeLib/scan/new.py", "-"]
    done = subprocess.run(
        command, cwd=PROJECT, input=source, capture_output=True, text=True, check=False
    )

    assert rule in done.stdout
