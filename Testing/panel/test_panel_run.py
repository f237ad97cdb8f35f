"""A person loads a scan, presses Apply, and gets an answer; or cancels; or an error."""

from __future__ import annotations

import sys

import pytest
import slicer

import phantom

STAGES = ("read", "brain_extraction", "registration", "prediction", "saliency", "write")


def nodeNames() -> list[str]:
    """Return class and name of all nodes; display nodes are numbered on, so those by class."""
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    names = [(each, "" if each.IsA("vtkMRMLDisplayNode") else each.GetName()) for each in nodes]
    return sorted(f"{each.GetClassName()} {name}" for each, name in names)


def test_without_a_scan_apply_says_what_is_missing(person):
    assert not person.ui.applyButton.enabled
    assert "Select" in person.ui.applyButton.toolTip


def test_apply_shows_the_answer(person, head):
    person.type(person.ui.ageEdit, "63")
    person.applyAndWait()
    ui = person.ui
    assert ui.brainAgeLabel.text == "67.4 years"
    assert "57.1 to 77.9" in ui.intervalLabel.text
    assert "+4.4 years" in ui.rowsLabel.text and "+2.2 years" in ui.rowsLabel.text
    assert "601 people" in ui.rowsLabel.text
    assert "Passed with warnings" in ui.qualityLabel.text
    assert "Research use only" in ui.noticeLabel.text and ui.noticeLabel.visible
    assert ui.overlayCheckBox.checked
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    assert (
        slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID())
        .GetName()
        .endswith("saliency")
    )
    assert person.livingWorkers() == [] and person.leftFolders() == []


def test_the_worker_runs_at_lower_priority_than_the_window(person, head):
    from BrainAgeSlicer import installation

    launcher = installation.MODULE_FOLDER / "BrainAgeSlicer" / "launcher.py"
    package = person.temporary / "worker_package"
    package.mkdir()
    (package / "__init__.py").touch()
    stub = installation.workerCommand()[1]
    (package / "__main__.py").write_text(
        f"import runpy, sys\nsys.argv[0:1] = [{stub!r}, 'ok']\n"
        f"runpy.run_path({stub!r}, run_name='__main__')\n"
    )
    command = [installation.workerCommand()[0], str(launcher), str(person.temporary), package.name]
    person.monkeypatch.setattr(installation, "workerCommand", lambda: command)
    person.applyAndWait()
    assert person.ui.brainAgeLabel.text == "67.4 years"
    assert person.workers()[0]["nice"] >= 10


def test_an_age_that_was_changed_asks_for_another_run(person, head):
    ui = person.ui
    assert ui.stateLabel.text == "No result for this scan yet." and ui.stateLabel.visible
    person.type(ui.ageEdit, "63")
    person.applyAndWait()
    assert not ui.stateLabel.visible
    person.type(ui.ageEdit, "64")
    assert "press Apply" in ui.stateLabel.text and ui.stateLabel.visible
    person.applyAndWait()
    assert not ui.stateLabel.visible and "+3.4 years" in ui.rowsLabel.text


def test_without_an_age_there_is_no_gap(person, head):
    person.applyAndWait()
    assert "not known" in person.ui.rowsLabel.text
    assert "+0.0" not in person.ui.rowsLabel.text


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_in_every_stage_leaves_nothing(person, head, worker, stage):
    before = nodeNames()
    worker(f"wait:{stage}")
    ui = person.ui
    person.click(ui.applyButton)
    assert ui.applyButton.text == "Cancel"
    from BrainAgeSlicer.views import stageWords

    person.wait(lambda: ui.stageLabel.text == stageWords(stage))
    assert ui.progressFrame.visible and not ui.inputsButton.enabled
    person.click(ui.applyButton)
    person.wait(lambda: ui.applyButton.text == "Apply")
    assert "Cancelled" in ui.messageLabel.text
    assert nodeNames() == before
    assert person.livingWorkers() == [] and person.leftFolders() == []


def test_cancel_ends_a_worker_that_heeds_nothing(person, head, worker):
    worker("hang")
    person.click(person.ui.applyButton)
    person.wait(lambda: len(person.workers()) == 1 and person.ui.progressBar.value > 10)
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    person.wait(lambda: person.livingWorkers() == [], 3)
    assert person.leftFolders() == []


def test_a_refused_scan_is_an_answer_too(person, head, worker):
    worker("refused")
    person.applyAndWait()
    assert person.ui.brainAgeLabel.text == "No brain age"
    assert "Refused:" in person.ui.qualityLabel.text and "T2" in person.ui.qualityLabel.text
    assert "Research use only" in person.ui.noticeLabel.text
    assert not person.ui.overlayCheckBox.enabled and not person.ui.plotButton.enabled


def test_without_a_saliency_map_the_rest_works(person, head, worker):
    worker("no-saliency")
    person.applyAndWait()
    assert person.ui.brainAgeLabel.text == "67.4 years"
    assert not person.ui.overlayCheckBox.enabled
    person.click(person.ui.outlineCheckBox)
    person.rest()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("error", ["four images", "Choose one of them"]),
        ("crash", ["ended unexpectedly", "Memory may have run out"]),
        ("nothing", ["cannot be read"]),
        ("elsewhere", ["does not lie on the grid"]),
    ],
)
def test_an_error_is_a_sentence_and_leaves_the_scene(person, head, worker, capfd, mode, words):
    before = nodeNames()
    worker(mode)
    person.applyAndWait()
    for word in words:
        assert word in person.ui.messageLabel.text
    assert "\u2716" in person.ui.messageLabel.text
    after = [name for name in nodeNames() if "Brain age results" not in name]
    assert after == before
    assert person.leftFolders() == []
    assert "Traceback" not in capfd.readouterr().err


def test_what_a_library_prints_does_no_harm(person, head, worker):
    worker("garbage")
    person.applyAndWait()
    assert person.ui.brainAgeLabel.text == "67.4 years"
    assert "a library prints" in person.ui.logText.plainText


def test_a_worker_that_cannot_start_is_explained(person, head):
    from BrainAgeSlicer import installation

    person.monkeypatch.setattr(installation, "workerCommand", lambda: ["/nowhere/PythonSlicer"])
    person.applyAndWait()
    assert "could not be started" in person.ui.messageLabel.text


def test_a_second_run_replaces_the_first(person, head):
    person.applyAndWait()
    before = nodeNames()
    person.applyAndWait()
    assert nodeNames() == before
    table = slicer.util.getFirstNodeByClassByName("vtkMRMLTableNode", "Brain age results")
    assert table.GetNumberOfRows() == 2


def test_after_a_failed_run_an_earlier_number_is_said_to_be_one(person, head, worker):
    ui = person.ui
    person.applyAndWait()
    worker("error")
    person.applyAndWait()
    assert ui.brainAgeLabel.text == "67.4 years"
    assert "The last run failed" in ui.stateLabel.text and ui.stateLabel.visible
    assert ui.titleLabel.text == "Earlier result: Raw brain age of T1 axial"
    worker("ok")
    person.applyAndWait()
    assert not ui.stateLabel.visible and "Earlier" not in ui.titleLabel.text


def test_removing_a_scan_removes_its_result(person, head):
    other = phantom.addHead("other")
    before = nodeNames()
    person.applyAndWait()
    person.ui.inputSelector.setCurrentNode(other)
    person.applyAndWait()
    slicer.mrmlScene.RemoveNode(other)
    person.rest()
    from BrainAgeSlicer import results

    (left,) = results.findResults()
    assert left.volumeNode is head
    person.module.exit()  # what is removed in another module goes too
    slicer.mrmlScene.RemoveNode(head)
    person.rest()
    gone = [name for name in before if " other" in name or " T1 axial" in name]
    tables = [name for name in nodeNames() if "Brain age results" in name]
    displays = [name for name in before if "DisplayNode" in name]
    assert len(tables) == 2 and results.findResults() == []
    kept = [name for name in nodeNames() if "DisplayNode" not in name and name not in tables]
    assert kept == [name for name in before if name not in gone + displays]


def test_slicer_is_closed_while_a_script_waits(person, head, worker):
    """The event loop, and with it aboutToQuit(), would wait for the script."""
    import qt

    from BrainAgeLib.errors import BrainAgeError
    from stand_in.application import quitApplication

    worker("wait:read")
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.connect("timeout()", lambda: quitApplication("lastWindowClosed()"))
    timer.start(1500)
    with pytest.raises(BrainAgeError, match="Slicer was closed"):
        sys.modules["BrainAge"].BrainAgeLogic().process(head)
    assert person.livingWorkers() == [] and person.leftFolders() == []
