"""Packages are asked for once, at Apply, all together; saying no or a failure is explained."""

from __future__ import annotations

import sys
import types

import pytest


@pytest.fixture
def missing(person, head, monkeypatch):
    """A Slicer that lacks torch and one package, with a PyTorch extension."""
    import slicer.packaging

    from BrainAgeSlicer import dependencies

    happened: list[str] = []
    asked: list[str] = []

    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation, torchVersionRequirement):
            assert not askConfirmation
            happened.append(f"torch{torchVersionRequirement}")
            return object()

    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    monkeypatch.setattr(dependencies, "_torchIsInstalled", lambda: False)
    monkeypatch.setattr(dependencies, "_missingPackages", lambda _path: ["deepbet>=1.0.2"])
    monkeypatch.setattr(
        slicer.packaging,
        "pip_ensure",
        lambda wanted, requester, prompt_install: happened.extend(wanted),
    )
    answers = types.SimpleNamespace(yes=True, asked=asked, happened=happened)

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


def test_a_failed_installation_is_explained(person, missing, monkeypatch):
    import slicer.packaging

    def fail(*_details, **_more):
        raise OSError("no space left on device")

    monkeypatch.setattr(slicer.packaging, "pip_ensure", fail)
    person.click(person.ui.applyButton)
    assert "no space left" in person.ui.messageLabel.text
    assert "try again" in person.ui.messageLabel.text
    assert person.workers() == []


def test_an_older_slicer_is_told_so(person, head, monkeypatch):
    from BrainAgeSlicer import dependencies

    def absent():
        raise dependencies.InstallationError("This version of 3D Slicer is too old", "5.12")

    monkeypatch.setattr(dependencies, "_missingPackages", lambda _path: absent())
    person.click(person.ui.applyButton)
    assert "too old" in person.ui.messageLabel.text


def test_the_list_names_nothing_that_slicer_brings(person):
    from slicer.packaging import load_requirements

    from BrainAgeSlicer.installation import requirementsFile

    names = {each.name.lower() for each in load_requirements(requirementsFile())}
    assert names and not names & {"torch", "numpy", "simpleitk", "vtk"}
