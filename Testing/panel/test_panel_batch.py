"""Several scans one after the other, from the panel and from a script."""

from __future__ import annotations

import csv

import pytest
import slicer

import phantom

PREDICTED = "67.4 years (passed with warnings)"


def tick(person, row: int) -> None:
    """Tick a box in the list."""
    import qt

    person.ui.batchCollapsibleButton.collapsed = False
    person.ui.batchTree.topLevelItem(row).setCheckState(0, qt.Qt.Checked)


def states(person) -> list[str]:
    tree = person.ui.batchTree
    return [tree.topLevelItem(n).text(2) for n in range(tree.topLevelItemCount)]


@pytest.fixture
def heads(person):
    nodes = [phantom.addHead(name, degrees) for name, degrees in (("a", 0), ("b", 9), ("c", 17))]
    person.rest()
    return nodes


def test_the_list_is_worked_through(person, heads):
    assert not person.ui.batchButton.enabled
    for row in (0, 2):
        tick(person, row)
    assert person.ui.batchButton.text == "Apply to 2 volumes"
    person.click(person.ui.batchButton)
    assert person.ui.applyButton.text == "Cancel" and not person.ui.batchButton.enabled
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    person.rest()
    assert states(person) == [PREDICTED, "", PREDICTED]
    from BrainAgeSlicer import results

    assert len(results.findResults()) == 2
    assert "2 of 2 volumes have an age." in person.ui.messageLabel.text
    assert person.livingWorkers() == [] and person.leftFolders() == []


def test_every_scan_of_the_list_is_said_to_be_of_the_chosen_sequence(person, heads):
    person.ui.sequenceComboBox.setCurrentIndex(3)
    for row in (0, 1):
        tick(person, row)
    person.click(person.ui.batchButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    said = [worker["argv"][worker["argv"].index("--sequence") + 1] for worker in person.workers()]
    assert said == ["FLAIR", "FLAIR"]


def test_a_failure_does_not_stop_the_rest(person, heads, monkeypatch):
    from BrainAgeSlicer import installation

    good = installation.workerCommand()
    asked = []

    def command() -> list[str]:
        asked.append(1)
        return [*good[:2], "error" if len(asked) == 2 else "ok"]

    monkeypatch.setattr(installation, "workerCommand", command)
    for row in range(3):
        tick(person, row)
    person.click(person.ui.batchButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    person.rest()
    assert states(person)[1].startswith("failed: the file holds four images")
    assert states(person)[2] == PREDICTED
    assert "2 of 3 volumes have an age, 1 failed." in person.ui.messageLabel.text
    from BrainAgeSlicer import table

    rows = table.rows()
    assert [row.exit_code for row in rows] == [0, 2, 0]
    assert "four images" in rows[1].error and rows[1].brain_age_years is None


def test_a_list_can_be_cancelled_without_a_selected_volume(person, heads, worker):
    worker("wait:prediction")
    tick(person, 0)
    person.ui.inputSelector.setCurrentNode(None)
    person.rest()
    assert person.ui.reasonLabel.visible
    person.click(person.ui.batchButton)
    person.wait(lambda: person.ui.stageLabel.text == "Predicting the age")
    assert not person.ui.reasonLabel.visible
    assert "nothing of it stays" in person.ui.applyButton.toolTip
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert person.livingWorkers() == [] and person.leftFolders() == []


def test_all_are_ticked_at_once_and_each_shows_its_age(person, heads):
    ui = person.ui
    ui.batchCollapsibleButton.collapsed = False
    heads[1].SetAttribute("BrainAge.AgeYears", "71.5")
    person.click(ui.tickAllButton)
    assert ui.batchButton.text == "Apply to 3 volumes" and ui.tickAllButton.text == "Tick none"
    person.module.widget.panel._batchList.refresh()
    ages = [ui.batchTree.topLevelItem(n).text(1) for n in range(3)]
    assert ages == ["", "71.5", ""] and ui.tickAllButton.text == "Tick none"
    person.click(ui.tickAllButton)
    assert not ui.batchButton.enabled and ui.tickAllButton.text == "Tick all"


def test_cancel_leaves_out_the_rest(person, heads, worker):
    worker("wait:prediction")
    for row in range(3):
        tick(person, row)
    person.click(person.ui.batchButton)
    person.wait(lambda: person.ui.stageLabel.text == "1 of 3: Predicting the age")
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert "0 of 3 volumes have an age." in person.ui.messageLabel.text
    assert "Cancelled." in person.ui.messageLabel.text
    assert len(person.workers()) == 1
    assert person.livingWorkers() == [] and person.leftFolders() == []


@pytest.mark.parametrize("end", ["the scene is closed", "the module is reloaded"])
def test_the_list_ends_at_once_when(person, heads, worker, end):
    worker("wait:registration")
    for row in range(3):
        tick(person, row)
    person.click(person.ui.batchButton)
    person.wait(lambda: "Registering" in person.ui.stageLabel.text)
    if end == "the scene is closed":
        slicer.mrmlScene.Clear(0)
    else:
        person.module.widget.onReload()
    person.rest(200)
    assert person.ui.applyButton.text == "Apply" and len(person.workers()) == 1
    assert person.livingWorkers() == [] and person.leftFolders() == []


def test_a_volume_removed_while_it_waits_is_left_out(person, heads, worker):
    for row in range(3):
        tick(person, row)
    person.click(person.ui.batchButton)
    slicer.mrmlScene.RemoveNode(heads[1])
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert len(person.workers()) == 2


def test_a_script_gets_the_record(person, head):
    stages = []
    prediction = person.module.widget.logic.process(
        head, ageYears=63.0, sex="F", onStage=lambda name, fraction: stages.append(name)
    )
    from BrainAgeLib.records import Prediction

    assert isinstance(prediction, Prediction)
    assert prediction.brain_age_years == 67.4 and prediction.gap_years == pytest.approx(4.4)
    assert "registration" in stages
    from BrainAgeSlicer import results

    assert results.findResult(head) is not None


def test_a_script_can_go_on_meanwhile(person, head, worker):
    ended = []
    run = person.module.widget.logic.process(head, ageYears=63.0, callback=ended.append)
    assert ended == [] and run.isRunning()
    person.wait(lambda: ended)
    assert ended[0].prediction.brain_age_years == 67.4
    worker("wait:registration")
    run = person.module.widget.logic.process(head, callback=ended.append)
    person.wait(lambda: person.livingWorkers())
    run.cancel()
    person.wait(lambda: len(ended) == 2)
    assert ended[1].cancelled and ended[1].prediction is None


def test_a_script_gets_errors_raised_and_refusals_returned(person, head, worker):
    from BrainAgeLib.errors import BrainAgeError

    worker("error")
    with pytest.raises(BrainAgeError, match="four images"):
        person.module.widget.logic.process(head)
    worker("refused")
    prediction = person.module.widget.logic.process(head)
    assert prediction.brain_age_years is None and prediction.quality.verdict == "refuse"
    for wrong in ({"sex": "female"}, {"ageYears": -1.0}):
        with pytest.raises(BrainAgeError):
            person.module.widget.logic.process(head, **wrong)


def test_results_are_exported(person, head, monkeypatch, tmp_path):
    import qt

    from BrainAgeLib.records import NOTICE

    path, proposed = tmp_path / "results.csv", []

    def choose(_parent, _title, name, _filters):
        proposed.append(name)
        return str(path)

    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", choose)
    monkeypatch.setenv("HOME", str(tmp_path))
    slicer.app.userSettings().clear()
    head.SetName("T1: axial/2")
    assert not person.ui.exportTableButton.enabled and not person.ui.showTableButton.enabled
    person.type(person.ui.ageEdit, "63")
    person.applyAndWait()
    person.click(person.ui.exportTableButton)
    with path.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert row["brain_age_years"] == "67.4" and row["age"] == "63"
    assert row["notice"] == NOTICE and row["id"] == "T1: axial/2"
    path = tmp_path / "report.html"
    person.click(person.ui.exportReportButton)
    assert path.read_text().startswith("<html>")
    path = tmp_path / "exported" / "report.html"
    path.parent.mkdir()
    person.click(person.ui.exportReportButton)
    path = tmp_path / "nowhere" / "report.html"
    person.click(person.ui.exportReportButton)
    assert "could not be written" in person.ui.messageLabel.text
    report = "T1_ axial_2 brain age.html"
    assert proposed == [
        str(tmp_path / "brain_age_results.csv"),
        str(tmp_path / report),
        str(tmp_path / report),
        str(tmp_path / "exported" / report),
    ]


def test_the_table_is_shown_on_request_and_the_layout_comes_back(person, head):
    from BrainAgeSlicer import table

    manager = slicer.app.layoutManager()
    before = manager.layout
    person.applyAndWait()
    person.click(person.ui.showTableButton)
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
    selection = slicer.app.applicationLogic().GetSelectionNode()
    assert selection.GetActiveTableID() == table.resultsTable().GetID()
    person.click(person.ui.plotButton)
    person.module.exit()
    assert manager.layout == before


def test_a_layout_that_the_user_chose_meanwhile_stays(person, head):
    manager = slicer.app.layoutManager()
    before = manager.layout
    person.applyAndWait()
    person.click(person.ui.plotButton)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    person.module.exit()
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    manager.setLayout(before)


def test_the_plot_is_shown_on_request_and_the_layout_comes_back(person, head):
    manager = slicer.app.layoutManager()
    before = manager.layout
    person.applyAndWait()
    assert manager.layout == before
    person.click(person.ui.plotButton)
    assert manager.layout != before
    person.module.exit()
    assert manager.layout == before
