"""What goes wrong on the first day: a full disk, a model that is gone, a name that is no name."""

from __future__ import annotations

import shutil
import tempfile

import pytest
import slicer

import phantom

TAG = "<img src=x onerror=alert(1)><b>Doe</b> & co"


def test_a_name_with_a_tag_is_shown_as_it_is(person):
    import qt

    node = phantom.addHead(TAG)
    person.rest()
    ui = person.ui
    ui.inputSelector.setCurrentNode(node)
    ui.batchCollapsibleButton.collapsed = False
    person.rest()
    assert "&lt;b&gt;" in ui.batchTree.topLevelItem(0).toolTip(0)
    person.applyAndWait()
    for label in (ui.titleLabel, ui.stateLabel, ui.modelLabel, ui.reasonLabel):
        assert label.textFormat == qt.Qt.PlainText
    assert TAG in ui.titleLabel.text.replace("\u200b", "")
    assert "<b>Doe" not in ui.messageLabel.text + ui.rowsLabel.text + ui.qualityLabel.text
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", TAG)
    person.module.widget.panel._parameters.inputVolume = empty
    person.rest()
    assert "&lt;b&gt;Doe" in ui.applyButton.toolTip and "<b>" not in ui.applyButton.toolTip


def full(*_arguments, **_options):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("place", [(tempfile, "mkdtemp"), (shutil, "copyfile")])
def test_a_full_disk_is_a_sentence_and_the_next_run_works(
    person, tmp_path, monkeypatch, place, capfd
):
    import dicom_volumes
    from Testing.library.scan.made_dicom import write_series

    write_series(tmp_path / "series", range(12))
    node = dicom_volumes.load(tmp_path / "series", monkeypatch)
    person.rest()
    person.ui.inputSelector.setCurrentNode(node)
    person.rest()
    with monkeypatch.context() as disk:
        disk.setattr(*place, full)
        person.applyAndWait()
    said = person.ui.messageLabel.text
    assert "No space left" in said or "disk space" in said
    assert [each for each in person.temporary.iterdir() if each.name.startswith("BrainAge-")] == []
    assert "Traceback" not in capfd.readouterr().err
    person.applyAndWait()
    assert person.ui.messageLabel.text == "" and person.ui.brainAgeLabel.text == "67.4 years"


def test_models_that_cannot_be_read_are_said_when_the_module_is_opened(person, monkeypatch):
    from BrainAgeLib.errors import InstallationError
    from BrainAgeSlicer import installation

    def damaged():
        raise InstallationError("the model thick-slice is damaged", "install it again")

    monkeypatch.setattr(installation, "models", damaged)
    person.module.widget.cleanup()
    person.module.parent.reload()
    person.rest()
    said = person.ui.messageLabel.text
    assert "model thick-slice is damaged" in said and "Install it again" in said


@pytest.mark.parametrize(
    ("mode", "word"), [("ok", "done"), ("error", "failed"), ("wait:read", "cancelled")]
)
def test_the_status_bar_says_how_a_run_ended(person, head, worker, mode, word):
    from PySide6 import QtWidgets

    window = QtWidgets.QMainWindow()
    window.setObjectName("qSlicerMainWindow")
    said = []
    QtWidgets.QMainWindow.statusBar(window).messageChanged.connect(said.append)
    worker(mode)
    person.click(person.ui.applyButton)
    if mode.startswith("wait"):
        person.wait(lambda: person.workers() != [])
        person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert said[-1] == f"Brain age: {word}"
    window.deleteLater()
