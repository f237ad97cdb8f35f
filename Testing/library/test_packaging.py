"""What pip installs: the whole library with its data, the command, and nothing else."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string

import pytest

import BrainAgeLib
from Testing.library.walls import PROJECT

pytest.importorskip("build", reason="the package that builds wheels is not installed")

SOURCES = (
    "BrainAge.json", "BrainAgeLib", "CHANGELOG.md", "CITATION.cff", "LICENSE.txt", "MANIFEST.in",
    "README.md", "Resources", "pyproject.toml", "setup.py",
)  # fmt: skip
NO_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return a folder with the source distribution and the wheel that is built from it."""
    # Built from a copy, for the working tree may hold what an earlier build left.
    source = tmp_path_factory.mktemp("source")
    for path in (PROJECT / name for name in SOURCES):
        if path.is_dir():
            shutil.copytree(path, source / path.name, ignore=NO_CACHES)
        elif path.is_file():
            shutil.copy(path, source)
    # Neither goes into the packages, although they lie beside what does.
    for name in ("BrainAge", "Testing"):
        (source / name).mkdir()
        (source / name / "stray.py").write_text("")
    made = tmp_path_factory.mktemp("made")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=made)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def wheel(packages):
    """Return the opened wheel."""
    (path,) = packages.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def read_metadata(wheel, name):
    """Return a file of the wheel's folder of metadata as text."""
    (path,) = (each for each in wheel.namelist() if each.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode("utf-8")


def files_of(folder, prefix):
    """Return the files below a folder of the project under the names that a wheel gives them."""
    return {
        f"{prefix}/{path.relative_to(PROJECT / folder).as_posix()}"
        for path in (PROJECT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_wheel_holds_library_and_resources_and_nothing_else(wheel):
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert found == (
        files_of("BrainAgeLib", "BrainAgeLib") | files_of("Resources", "BrainAgeLib/Resources")
    )


def test_resources_are_whole(wheel):
    for name in files_of("Resources", "Resources"):
        assert wheel.read(f"BrainAgeLib/{name}") == (PROJECT / name).read_bytes()


def test_installed_library_finds_its_resources_and_templates(wheel, tmp_path):
    wheel.extractall(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from BrainAgeLib import resources\n"
        "from BrainAgeLib.report.pages import filled_in\n"
        "assert 'aria-sort' in filled_in('index.js')\n"
        "print(resources.resources_folder())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip

    assert done.stdout.strip() == str(tmp_path / "BrainAgeLib" / "Resources")


def test_wheel_installs_the_command(wheel):
    scripts = configparser.ConfigParser()
    scripts.read_string(read_metadata(wheel, "entry_points.txt"))

    assert dict(scripts["console_scripts"]) == {"brainage": "BrainAgeLib.__main__:main"}


def test_metadata(wheel):
    metadata = message_from_string(read_metadata(wheel, "METADATA"))

    assert metadata["Name"] == "slicerbrainage"
    assert metadata["Version"] == BrainAgeLib.__version__
    assert metadata["License-Expression"] == "Apache-2.0 AND LicenseRef-Weights-For-Research-Only"
    assert "Resources/Template/NOTICE.txt" in metadata.get_all("License-File")
    assert metadata["Requires-Python"] == ">=3.10"
    assert set(metadata.get_all("Provides-Extra")) >= {"train", "cohort", "dicom", "dask", "all"}


def test_base_install_is_small(wheel):
    required = message_from_string(read_metadata(wheel, "METADATA")).get_all("Requires-Dist")
    base = {re.match(r"[\w-]+", line)[0] for line in required if "extra ==" not in line}

    ours = {"deepbet", "safetensors", "Pillow", "ancpbids", "filelock", "Jinja2", "pydicom"}
    ours |= {"nibabel"}  # which deepbet brings
    assert base == {"torch", "numpy", "SimpleITK"} | ours


def test_source_distribution_holds_no_tests_and_no_slicer_module(packages):
    (path,) = packages.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        folders = {name.split("/")[1] for name in archive.getnames() if name.count("/") > 1}

    assert folders - {"slicerbrainage.egg-info"} == {"BrainAgeLib", "Resources"}


@pytest.mark.parametrize(
    ("file", "pattern"),
    [("CITATION.cff", r"^version: \"?([\d.]+)\"?$"), ("CHANGELOG.md", r"^## \[?([\d.]+)\]?")],
)
def test_one_version_everywhere(file, pattern):
    found = re.search(pattern, (PROJECT / file).read_text("utf-8"), re.MULTILINE)

    assert found, f"{file} names no version"
    assert found[1] == BrainAgeLib.__version__


def test_requirements_are_exact():
    for name in ("base", "extras", "dev"):
        lines = (PROJECT / "requirements" / f"{name}.txt").read_text("utf-8").splitlines()
        for line in lines:
            assert line.startswith("#") or re.match(r"[\w.-]+==[\w.]+( ; .+)?$", line), line
