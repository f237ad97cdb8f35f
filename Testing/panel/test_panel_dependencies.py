"""Packages are asked for once, at Apply, all together; saying no or a failure is explained."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import slicer

from real_names import stands_for


@pytest.fixture
def packaging(slicerWorld):
    """Slicer's file that installs packages; what a Slicer without it is told is tested below."""
    return pytest.importorskip("slicer.packaging", reason="Slicer older than 5.12")


@dataclass
class Answers:
    """What the user was asked, says, and what came of it."""

    asked: list[str]
    happened: list[str]
    kept: list[str]
    yes: bool = True
    meanwhile: Callable[[], object] = lambda: None  # what the user does while torch is installed


@pytest.fixture
def missing(packaging, person, head, monkeypatch):
    """A Slicer that lacks torch and one package, with a PyTorch extension."""
    from BrainAgeSlicer import dependencies

    happened: list[str] = []
    asked: list[str] = []
    kept: list[str] = []

    @stands_for("PyTorchUtilsLogic")
    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation, torchVersionRequirement):
            assert not askConfirmation
            act, answers.meanwhile = answers.meanwhile, lambda: None
            act()
            happened.append(f"torch{torchVersionRequirement}")
            return object()

    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    monkeypatch.setattr(dependencies, "_torchIsInstalled", lambda: "torch>=2.4" in happened)
    wanted = ["deepbet>=1.0.2"]
    monkeypatch.setattr(
        dependencies,
        "_missingPackages",
        lambda _path: [each for each in wanted if each not in happened],
    )

    @stands_for("module packaging")
    def pip_ensure(requirements, constraints, requester, prompt_install):
        assert requester == "BrainAge" and not prompt_install
        kept.extend(Path(constraints).read_text().split())
        happened.extend(requirements)

    monkeypatch.setattr(packaging, "pip_ensure", pip_ensure)
    answers = Answers(asked, happened, kept)

    def confirm(text, _title, **_details):
        asked.append(text)
        return answers.yes

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", confirm)
    return answers


def test_one_question_names_all(person, missing):
    assert missing.asked == []  # opening the module asks nothing
    person.applyAndWait()
    assert len(missing.asked) == 1
    assert "torch>=" in missing.asked[0] and "deepbet>=1.0.2" in missing.asked[0]
    assert missing.happened == ["torch>=2.4", "deepbet>=1.0.2"]
    assert person.ui.brainAgeLabel.text == "67.4 years"


def test_what_slicer_brings_is_not_replaced(person, missing):
    import numpy

    person.applyAndWait()
    assert f"numpy=={numpy.__version__}" in missing.kept


def test_an_installation_that_did_nothing_is_noticed(person, packaging, missing, monkeypatch):
    """As pip_ensure does when Slicer runs its tests."""
    monkeypatch.setattr(packaging, "pip_ensure", lambda *_details, **_more: None)
    person.click(person.ui.applyButton)
    assert "not installed: deepbet&gt;=1.0.2" in person.ui.messageLabel.text
    assert person.workers() == []


def test_what_is_pressed_while_packages_are_installed_asks_and_starts_nothing(person, missing):
    def press():
        person.click(person.ui.applyButton)
        person.click(person.ui.archiveAlwaysCheckBox)
        said.append(person.ui.messageLabel.text)

    said = []
    missing.meanwhile = press
    person.applyAndWait()
    assert len(missing.asked) == 1 and missing.happened == ["torch>=2.4", "deepbet>=1.0.2"]
    assert "Packages are being installed." in said[0]
    assert len(person.workers()) == 1 and person.ui.brainAgeLabel.text == "67.4 years"


def test_leaving_the_module_while_packages_are_installed_lets_the_run_begin(person, missing):
    missing.meanwhile = person.module.exit
    person.applyAndWait()
    person.module.enter()
    assert person.ui.messageLabel.text == "" and person.ui.brainAgeLabel.text == "67.4 years"


@pytest.mark.parametrize("end", ["the scene is closed", "the module is reloaded"])
def test_nothing_begins_when_all_ends_while_packages_are_installed(person, missing, end):
    closing = end == "the scene is closed"
    missing.meanwhile = slicer.mrmlScene.Clear if closing else person.module.widget.onReload
    person.click(person.ui.applyButton)
    person.rest()
    assert person.workers() == [] and person.ui.applyButton.text == "Apply"


def test_a_script_is_told_what_is_missing_and_asked_nothing(person, missing, head):
    from BrainAgeLib.errors import InstallationError

    with pytest.raises(InstallationError, match=r"torch>=2.4, deepbet>=1.0.2.*press Apply"):
        sys.modules["BrainAge"].BrainAgeLogic().process(head, ageYears=63.0)
    assert missing.asked == [] and person.workers() == []


def test_saying_no_installs_nothing(person, missing):
    missing.yes = False
    person.click(person.ui.applyButton)
    assert missing.happened == [] and person.workers() == []
    assert "Nothing was installed" in person.ui.messageLabel.text
    assert person.ui.applyButton.text == "Apply" and person.ui.applyButton.enabled


def test_without_the_extension_nothing_is_asked_or_installed(person, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    person.click(person.ui.applyButton)
    assert "PyTorch extension" in person.ui.messageLabel.text
    assert missing.asked == [] and missing.happened == []


def test_a_failed_installation_is_explained(person, packaging, missing, monkeypatch):
    def fail(*_details, **_more):
        raise OSError("no space left on device")

    monkeypatch.setattr(packaging, "pip_ensure", fail)
    person.click(person.ui.applyButton)
    assert "no space left" in person.ui.messageLabel.text
    assert "try again" in person.ui.messageLabel.text
    assert person.workers() == []


def test_torch_that_slicer_itself_cannot_load_is_left_to_the_worker(person, missing, monkeypatch):
    """The PyTorch extension imports it at the end: without Visual C++'s library, that fails."""

    def installTorch(_self, askConfirmation, torchVersionRequirement):
        missing.happened.append(f"torch{torchVersionRequirement}")
        raise OSError("[WinError 126] Error loading c10.dll")

    logic = sys.modules["PyTorchUtils"].PyTorchUtilsLogic
    monkeypatch.setattr(logic, "installTorch", installTorch)
    person.applyAndWait()
    assert missing.happened == ["torch>=2.4", "deepbet>=1.0.2"] and len(missing.asked) == 1
    assert len(person.workers()) == 1


def test_the_librarys_lines_for_a_shell_are_said_as_they_are_in_slicer(slicerWorld):
    from BrainAgeLib.extras import not_loaded
    from BrainAgeSlicer.dependencies import hintInSlicer

    no_library = OSError("[WinError 126] Error loading c10.dll")
    torch = hintInSlicer(not_loaded("torch", no_library).hint)
    assert "Visual C++" in torch and "PyTorch Utils" in torch and "pip" not in torch
    assert hintInSlicer(not_loaded("cv2", ImportError("libGL.so.1")).hint).endswith(
        'else slicer.util.pip_install("--force-reinstall --no-deps cv2") in the Python console'
    )
    lacks = not_loaded("deepbet", ModuleNotFoundError("fill_voids", name="fill_voids")).hint
    assert hintInSlicer(lacks).startswith('slicer.util.pip_install("deepbet") in the Python')
    assert hintInSlicer("free some disk space") == "free some disk space"


def test_an_older_slicer_is_told_so_at_once(person, monkeypatch):
    import qt

    find, absent = importlib.util.find_spec, "slicer.packaging"
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == absent else find(n))
    person.module.widget.onReload()
    person.rest()
    texts = [label.text for label in person.module.parent.findChildren(qt.QLabel) if label.visible]
    assert texts == ["Brain Age needs 3D Slicer 5.12 or newer; this one is older."]
    person.module.exit()
    person.module.enter()
    from BrainAgeLib.errors import InstallationError
    from BrainAgeSlicer.dependencies import ensureDependencies

    for start in (lambda: ensureDependencies(Path()), sys.modules["BrainAge"].BrainAgeLogic):
        with pytest.raises(InstallationError, match=r"5\.12"):
            start()


def test_an_older_slicer_starts_without_loading_what_its_python_cannot(person, monkeypatch):
    """Slicer 5.8 has Python 3.9; the library needs 3.10."""
    from BrainAgeSlicer import dependencies
    from stand_in.application import finishStartup

    monkeypatch.setattr(dependencies, "whyTooOld", lambda: "older")
    for name in ("BrainAgeSlicer.installation", "BrainAgeLib.resources", "SampleData"):
        monkeypatch.setitem(sys.modules, name, None)
    person.module.offerInMenus()
    finishStartup()


def test_the_list_names_nothing_that_slicer_brings(person, packaging):
    from BrainAgeSlicer.installation import requirementsFile

    names = {each.name.lower() for each in packaging.load_requirements(requirementsFile())}
    assert names and not names & {"torch", "numpy", "simpleitk", "vtk"}
