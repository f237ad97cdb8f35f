"""What Slicer's build lays out: module, library and data, every file in its place."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.library.walls import PROJECT

MODULE = PROJECT / "BrainAge"
STAND_IN = Path(__file__).with_name("slicer_stand_in.cmake")
GIVEN_IN_SLICER = ("torch", "numpy", "SimpleITK")
OLDEST_CMAKE = (3, 25)


def files_below(folder: Path, pattern: str = "*") -> set[str]:
    """Return the files below a folder of the project, as paths from its parent's side."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def cmake_list(text: str, name: str) -> list[str]:
    """Return the entries of ``set(name ...)`` in a CMake file."""
    entries = re.search(rf"set\({name}\s+(.*?)\)", text, re.DOTALL)
    return re.sub(r"#.*", "", entries[1]).replace("${MODULE_NAME}", "BrainAge").split()


def expected_tree() -> set[str]:
    """Return what has to lie in Slicer's folder of scripted modules."""
    module = files_below(MODULE, "*.py") | {
        f"Resources/{f}" for f in files_below(MODULE / "Resources")
    }
    library = {f"BrainAgeLib/{file}" for file in files_below(PROJECT / "BrainAgeLib")}
    resources = {f"Resources/{file}" for file in files_below(PROJECT / "Resources")}
    return module | library | resources


def find_cmake() -> str | None:
    """Return a CMake that is new enough: the test set-up's own, else the machine's."""
    for folder in (str(Path(sys.executable).parent), None):
        cmake = shutil.which("cmake", path=folder)
        if cmake is None:
            continue
        said = subprocess.run([cmake, "--version"], capture_output=True, text=True, check=True)
        if tuple(int(part) for part in re.findall(r"\d+", said.stdout)[:2]) >= OLDEST_CMAKE:
            return cmake
    return None


def lay_out(source: Path, tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the CMake files of ``source`` with stand-ins for Slicer's macros."""
    cmake = find_cmake()
    if cmake is None:
        pytest.skip(f"no CMake {'.'.join(map(str, OLDEST_CMAKE))} or newer on this machine")
    command = [cmake, f"-DSOURCE_FOLDER={source}", f"-DTREE={tree}", "-P", str(STAND_IN)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Return the folder of scripted modules as Slicer's build would install it."""
    folder = tmp_path_factory.mktemp("slicer") / "qt-scripted-modules"
    done = lay_out(PROJECT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_module_lists_name_every_file():
    text = (MODULE / "CMakeLists.txt").read_text("utf-8")
    resources = {f"Resources/{file}" for file in files_below(MODULE / "Resources")}

    assert set(cmake_list(text, "MODULE_PYTHON_SCRIPTS")) == files_below(MODULE, "*.py")
    assert set(cmake_list(text, "MODULE_PYTHON_RESOURCES")) == resources


def test_slicer_installs_what_the_library_needs():
    project = (PROJECT / "pyproject.toml").read_text("utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)[1]
    lines = (MODULE / "Resources" / "requirements.txt").read_text("utf-8").splitlines()
    needed = [
        each for each in re.findall(r'"(.+?)"', listed) if not each.startswith(GIVEN_IN_SLICER)
    ]

    assert [line for line in lines if not line.startswith("#")] == needed


def test_comment_in_a_list_is_no_entry():
    text = "set(MODULE_PYTHON_SCRIPTS\n  ${MODULE_NAME}.py # the module\n  A/b.py\n  )"

    assert cmake_list(text, "MODULE_PYTHON_SCRIPTS") == ["BrainAge.py", "A/b.py"]


def test_tree_holds_module_library_and_resources(tree):
    assert files_below(tree) == expected_tree()


def test_only_the_module_is_a_module(tree):
    assert [path.name for path in tree.glob("*.py")] == ["BrainAge.py"]


def test_library_of_the_tree_finds_its_resources_and_templates(tree, tmp_path):
    script = (
        "import BrainAgeLib\n"
        "from BrainAgeLib import resources\n"
        "from BrainAgeLib.report.pages import filled_in\n"
        "assert 'aria-sort' in filled_in('index.js')\n"
        "print(BrainAgeLib.__file__)\n"
        "print(resources.resources_folder())\n"
    )
    # Isolated, so that neither an installed package nor the working folder can step in.
    command = [
        sys.executable,
        "-I",
        "-c",
        f"import sys\nsys.path.insert(0, {str(tree)!r})\n{script}",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    library, resources = done.stdout.splitlines()
    assert Path(library) == tree / "BrainAgeLib" / "__init__.py"
    assert Path(resources) == tree / "Resources"
    assert (Path(resources) / "Template" / "T1.nii.gz").is_file()


def test_missing_file_stops_the_build(tmp_path):
    source = tmp_path / "source"
    for name in ("BrainAge", "BrainAgeLib", "Resources"):
        shutil.copytree(PROJECT / name, source / name)
    shutil.copy(PROJECT / "CMakeLists.txt", source)
    (source / "BrainAge" / "BrainAgeSlicer" / "__init__.py").unlink()
    done = lay_out(source, tmp_path / "tree")

    assert done.returncode != 0
    assert "BrainAgeSlicer/__init__.py" in done.stderr


def test_index_entry_and_cmake_agree():
    entry = json.loads((PROJECT / "BrainAge.json").read_text("utf-8"))
    text = (PROJECT / "CMakeLists.txt").read_text("utf-8")

    assert set(entry) <= {
        "$schema", "build_dependencies", "build_subdirectory", "category", "scm_revision",
        "scm_type", "scm_url", "tier",
    }  # fmt: skip
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert entry["category"] == "Neuroimaging"
    assert cmake_list(text, "EXTENSION_DEPENDS") == [
        f'"{name}"' for name in entry["build_dependencies"]
    ]


def index_value(name: str) -> str:
    """Return a value of CMakeLists.txt as the Extensions Index reads it: literally."""
    text = (PROJECT / "CMakeLists.txt").read_text("utf-8")
    return re.search(rf'set\s*\({name}\s*"([^"]+)"\)', text)[1]


def test_addresses_agree_with_the_index_entry():
    entry = json.loads((PROJECT / "BrainAge.json").read_text("utf-8"))
    address = entry["scm_url"]
    icon, *screenshots = [
        *index_value("EXTENSION_ICONURL").split(),
        *index_value("EXTENSION_SCREENSHOTURLS").split(),
    ]

    assert address.startswith("https://") and not address.endswith((".git", "/"))
    assert index_value("EXTENSION_HOMEPAGE") == address
    assert len(screenshots) >= 1
    for picture in (icon, *screenshots):
        folder = f"{address}/raw/{entry['scm_revision']}/"
        assert picture.startswith(folder)
        assert (PROJECT / picture.removeprefix(folder)).is_file()


def test_the_address_is_set_in_one_place():
    from Testing.makers.repository_address import with_address

    text = (PROJECT / "CMakeLists.txt").read_text("utf-8")
    entry = json.loads((PROJECT / "BrainAge.json").read_text("utf-8"))
    assert with_address(text, entry["scm_url"], entry["scm_revision"]) == text
    moved = with_address(text, "https://host/people/SlicerBrainAge", "v1")
    assert entry["scm_url"] not in moved
    assert moved.count("https://host/people/SlicerBrainAge/raw/v1/") == text.count("/raw/")
    assert 'HOMEPAGE "https://host/people/SlicerBrainAge")' in moved


def test_weights_for_research_only_are_said_where_people_choose():
    entry = json.loads((PROJECT / "BrainAge.json").read_text("utf-8"))
    description = index_value("EXTENSION_DESCRIPTION")

    assert "weights may be used for research only" in description and "Apache-2.0" in description
    assert entry["tier"] == 1, (
        "tier 3 wants a permissive licence of all that the main function needs"
    )


@pytest.mark.skipif(
    sys.version_info < (3, 12) or "EXTENSIONS_INDEX" not in os.environ,
    reason="a checkout of the Extensions Index is needed, and Python 3.12 for its script",
)
def test_the_index_accepts_the_entry(monkeypatch):
    """By its own script; EXTENSIONS_INDEX names a checkout of it. Nothing is downloaded."""
    script = Path(os.environ["EXTENSIONS_INDEX"]) / "scripts" / "check_description_files.py"
    spec = importlib.util.spec_from_file_location("check_description_files", script)
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    monkeypatch.setattr(checks, "validate_image_url", lambda *_details: None)
    path = PROJECT / "BrainAge.json"
    entry = checks.parse_json(path)
    checks.check_json_file_format("BrainAge", entry, path)
    for check in ("extension_name", "category", "git_repository_name", "scm_url_syntax"):
        getattr(checks, f"check_{check}")("BrainAge", entry)
    for check in ("cmakelists_content", "license_file"):
        getattr(checks, f"check_{check}")("BrainAge", entry, str(PROJECT))
