"""Fixtures of the panel tests: the module on the stand-in, and a worker that is a stub."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (str(HERE), str(HERE.parent / "slicer"), str(ROOT / "BrainAge"), str(ROOT)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

from Testing.library.processes import patience  # noqa: E402

try:
    import PySide6  # noqa: F401
    import slicer  # noqa: F401
except ImportError:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    """Say so when these tests cannot run, and on whose base classes they do."""
    if "slicer" not in sys.modules or "PySide6" not in sys.modules:
        return "panel tests: skipped, requirements/slicer_test.txt is not installed"
    files = os.environ.get("SLICER_PY")
    return f"panel tests: on {'the files in ' + files if files else 'small base classes'}"


@pytest.fixture(scope="session")
def slicerWorld(tmp_path_factory):
    """Qt, the scene, the views and the application."""
    from PySide6 import QtWidgets

    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["stand-in"])
    import offscreen
    from stand_in import application as standIn

    home = tmp_path_factory.mktemp("slicer")
    world = offscreen.world()
    standIn.install(world, home)
    yield world
    del application


class Person:
    """Does what a person does: clicks, types, waits and reads."""

    def __init__(self, module, workerLog: Path, world, monkeypatch, temporary: Path) -> None:
        self.module = module
        self.workerLog = workerLog
        self.world = world
        self.monkeypatch = monkeypatch
        self.temporary = temporary
        self._realCommand = None

    @property
    def ui(self):
        return self.module.ui

    def wait(self, condition, seconds: float = 60.0) -> None:
        """Let the window live until something is so."""
        from PySide6 import QtTest

        end = time.monotonic() + patience(seconds)
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            QtTest.QTest.qWait(10)

    def rest(self, milliseconds: int = 30) -> None:
        """Let the window live for a moment."""
        from PySide6 import QtTest

        QtTest.QTest.qWait(milliseconds)

    def click(self, widget) -> None:
        """Click the middle of a button, or the box of a check box."""
        from PySide6 import QtCore, QtTest, QtWidgets

        assert widget.isEnabled(), f"{widget.name} is disabled: {widget.toolTip}"
        middle = widget.rect.center()
        if isinstance(widget, QtWidgets.QCheckBox):
            middle.setX(8)
        QtTest.QTest.mouseClick(widget, QtCore.Qt.MouseButton.LeftButton, pos=middle)

    def type(self, widget, text: str) -> None:
        """Replace what stands in a line."""
        from PySide6 import QtTest

        widget.setFocus()
        widget.selectAll()
        QtTest.QTest.keyClicks(widget, text) if text else widget.clear()

    def applyAndWait(self) -> None:
        """Press Apply and wait for the end."""
        self.click(self.ui.applyButton)
        self.wait(lambda: self.ui.applyButton.text == "Apply")

    def useWorker(self, mode: str) -> None:
        """Give the module a worker of that mode."""
        import slicer

        from BrainAgeSlicer import dependencies, installation

        self._realCommand = self._realCommand or installation.workerCommand
        python = str(Path(slicer.app.slicerHome) / "bin" / "PythonSlicer")
        command = [python, str(HERE / "stub_worker.py"), mode]
        self.monkeypatch.setattr(installation, "workerCommand", lambda: command)
        self.monkeypatch.setattr(dependencies, "whyTooOld", lambda: "")
        self.monkeypatch.setattr(dependencies, "_torchIsInstalled", lambda: True)
        self.monkeypatch.setattr(dependencies, "_missingPackages", lambda _path: [])

    def useRealWorker(self) -> None:
        """Give the module the library's own worker."""
        from BrainAgeSlicer import installation

        self.monkeypatch.setattr(installation, "workerCommand", self._realCommand)

    def workers(self) -> list[dict]:
        """Return what each worker wrote down of itself."""
        if not self.workerLog.exists():
            return []
        return [json.loads(line) for line in self.workerLog.read_text().splitlines()]

    def livingWorkers(self) -> list[int]:
        """Return the ids of workers that still run."""
        return [each["pid"] for each in self.workers() if isAlive(each["pid"])]

    def leftFolders(self) -> list[str]:
        """Return the hand-over folders that are still there."""
        return [each["scan"] for each in self.workers() if Path(each["scan"]).parent.exists()]


def isAlive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def isOfTheLibrary(name: str) -> bool:
    """Return whether a Python module is BrainAgeLib or a part of it."""
    return name.split(".")[0] == "BrainAgeLib"


@pytest.fixture
def person(slicerWorld, tmp_path, monkeypatch):
    """A person in front of the opened module, in an empty scene and the usual layout."""
    import slicer

    from stand_in.application import OpenModule

    slicerWorld.clear()
    usual = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    slicerWorld.layoutManager.setLayout(usual)
    log = tmp_path / "workers.jsonl"
    monkeypatch.setenv("STUB_WORKER_LOG", str(log))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    library = {name: each for name, each in sys.modules.items() if isOfTheLibrary(name)}
    raised: list[BaseException] = []
    monkeypatch.setattr("sys.excepthook", lambda _kind, error, _trace: raised.append(error))
    opened = OpenModule()
    opened.parent.resize(460, 900)
    opened.parent.show()
    opened.enter()
    made = Person(opened, log, slicerWorld, monkeypatch, tmp_path)
    made.useWorker("ok")
    yield made
    opened.close()
    slicerWorld.clear()
    for name in [each for each in sys.modules if isOfTheLibrary(each)]:
        del sys.modules[name]  # a reloaded module's; other tests hold the classes of the first
    sys.modules.update(library)
    for error in raised:  # in a slot or an observer, where nobody could catch it
        raise error


@pytest.fixture
def worker(person):
    """Return a function that chooses the worker's mode."""
    return person.useWorker


@pytest.fixture
def head(person):
    """An oblique thick-slice head, loaded as a person would and selected."""
    import phantom

    node = phantom.addHead()
    person.rest()
    person.ui.inputSelector.setCurrentNode(node)
    person.rest()
    return node


@pytest.fixture
def twoScans(person, tmp_path):
    """Return a function that adds two scans of a person and selects them."""
    from two_scans import addScan

    def add(brainAges=(61.0, 66.0), ages=(60.5, 62.5), ofFirst=None, **ofLater):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        first = addScan(person, folder / "a", "first", brainAges[0], ages[0], **ofFirst or {})
        later = addScan(person, folder / "b", "later", brainAges[1], ages[1], **ofLater)
        person.rest()
        person.ui.followButton.collapsed = False
        person.ui.inputSelector.setCurrentNode(later)
        person.ui.earlierSelector.setCurrentNode(first)
        person.rest()
        return first, later

    return add
