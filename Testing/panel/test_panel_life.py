"""Whatever happens around a run: it raises nothing, and nothing of it stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer

STAGES = ("read", "brain_extraction", "registration", "prediction", "saliency", "write")


def startAndReach(person, worker, stage: str) -> None:
    from BrainAgeSlicer.views import stageWords

    worker(f"wait:{stage}")
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.stageLabel.text == stageWords(stage))


def observers() -> dict[str, int]:
    """Return how many observers each node of the scene and the scene itself has."""
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    # Display nodes are numbered on and made anew at each run: their names differ, not their number.
    found: dict[str, int] = {}
    for node in [scene, *nodes]:
        name = f"{node.GetClassName()} {getattr(node, 'GetName', str)() if node in nodes else ''}"
        name = node.GetClassName() if node.IsA("vtkMRMLDisplayNode") else name
        found[name] = found.get(name, 0) + str(node).count("vtkObserver (")
    return found


def living(*names: str) -> list[str]:
    """Return our objects of these kinds that Python has not let go of."""
    import gc

    gc.collect()
    kinds = [type(each) for each in gc.get_objects()]
    return [
        kind.__name__
        for kind in kinds
        if kind.__name__ in names and kind.__module__.startswith("BrainAgeSlicer")
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_the_scene_is_closed_in_mid_run(person, head, worker, stage):
    startAndReach(person, worker, stage)
    slicer.mrmlScene.Clear(0)
    person.rest()
    assert person.ui.applyButton.text == "Apply"
    assert not slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert not person.ui.overlayCheckBox.enabled and not person.ui.thresholdSlider.enabled
    assert person.livingWorkers() == [] and person.leftFolders() == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_volume_is_removed_in_mid_run(person, head, worker, stage):
    startAndReach(person, worker, stage)
    slicer.mrmlScene.RemoveNode(head)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert "was removed" in person.ui.messageLabel.text
    assert slicer.util.getNodesByClass("vtkMRMLTextNode") == []
    assert person.livingWorkers() == [] and person.leftFolders() == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_module_is_reloaded_in_mid_run(person, head, worker, stage):
    startAndReach(person, worker, stage)
    person.module.widget.onReload()
    person.rest()
    assert person.livingWorkers() == [] and person.leftFolders() == []
    assert person.ui.applyButton.text == "Apply"
    assert person.ui.inputSelector.currentNode() is head


def test_leaving_the_module_lets_the_run_go_on(person, head):
    person.click(person.ui.applyButton)
    person.module.exit()
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    person.module.enter()
    assert person.ui.brainAgeLabel.text == "67.4 years"


@pytest.mark.parametrize("stage", STAGES)
def test_the_module_is_left_and_opened_again_in_mid_run(person, head, worker, stage):
    before = layers()
    startAndReach(person, worker, stage)
    person.module.exit()
    person.rest()
    assert len(person.livingWorkers()) == 1 and layers() == before
    person.module.enter()
    assert person.ui.applyButton.text == "Cancel" and person.ui.applyButton.enabled
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert person.livingWorkers() == [] and person.leftFolders() == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_application_ends_in_mid_run(person, head, worker, stage):
    startAndReach(person, worker, stage)
    slicer.app.moduleManager().moduleAboutToBeUnloaded.emit("BrainAge")
    assert person.livingWorkers() == [] and person.leftFolders() == []


def test_the_application_ends_while_a_script_predicts(person, head, worker):
    """No panel is there to end such a run."""
    import sys

    from stand_in.application import quitApplication

    worker("wait:read")
    ended: list = []
    sys.modules["BrainAge"].BrainAgeLogic().process(head, callback=ended.append)
    person.wait(lambda: person.workers() != [])
    quitApplication()
    assert person.livingWorkers() == [] and person.leftFolders() == []
    assert ended[0].cancelled and "Slicer was closed" in ended[0].why
    quitApplication()  # nothing listens any more
    assert len(ended) == 1


def test_reloading_takes_new_code(person, head):
    import sys

    names = ("BrainAgeSlicer.panel", "BrainAgeLib.records")
    before = [sys.modules[name] for name in names]
    person.module.widget.onReload()
    assert not any(sys.modules[name] is old for name, old in zip(names, before, strict=True))
    person.useWorker("ok")
    person.applyAndWait()
    assert person.ui.brainAgeLabel.text == "67.4 years"


def layers() -> list[tuple]:
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    slices = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    shown = [
        (each.GetBackgroundVolumeID(), each.GetForegroundVolumeID(), each.GetForegroundOpacity())
        for each in composites
    ]
    turned = [
        tuple(each.GetSliceToRAS().GetElement(r, c) for r in range(4) for c in range(4))
        for each in slices
    ]
    return [*shown, *turned]


def test_opening_and_leaving_change_no_view_and_unticking_restores_them(person, slicerWorld):
    import phantom

    ui = person.ui
    other = phantom.addHead("other", degrees=0.0)
    person.module.exit()
    slicer.util.setSliceViewerLayers(background=other, foreground=None, fit=True)
    before = layers()
    person.module.enter()
    assert layers() == before
    ui.inputSelector.setCurrentNode(phantom.addHead())
    person.rest()
    person.applyAndWait()
    person.click(ui.outlineCheckBox)
    shown = layers()
    assert shown != before
    person.module.exit()
    person.rest()
    assert layers() == shown and isOutlined() and legendIsShown()
    person.module.enter()
    assert layers() == shown and isOutlined() and legendIsShown()
    assert ui.overlayCheckBox.checked and ui.outlineCheckBox.checked
    person.click(ui.outlineCheckBox)
    person.click(ui.overlayCheckBox)
    person.rest()
    assert layers() == before and not isOutlined() and not legendIsShown()


def isOutlined() -> bool:
    from BrainAgeSlicer import results

    return bool(results.findResults()[0].part(results.MASK).GetDisplayNode().GetVisibility())


def legendIsShown() -> bool:
    from BrainAgeSlicer import results

    overlay = results.findResults()[0].part(results.OVERLAY)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(overlay)
    return legend is not None and bool(legend.GetVisibility())


def test_what_was_taken_out_of_the_views_elsewhere_is_not_ticked(person, head):
    person.applyAndWait()
    person.module.exit()
    slicer.util.setSliceViewerLayers(foreground=None)
    taken = layers()
    person.module.enter()
    assert not person.ui.overlayCheckBox.checked and layers() == taken
    person.click(person.ui.overlayCheckBox)
    assert layers() != taken


def test_saving_and_loading_brings_all_of_it_back(person, head, tmp_path):
    person.type(person.ui.ageEdit, "63")
    person.applyAndWait()
    shown = {
        name: getattr(person.ui, name).text
        for name in ("brainAgeLabel", "intervalLabel", "rowsLabel", "qualityLabel", "titleLabel")
    }
    path = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(path))
    slicer.mrmlScene.Clear(0)
    person.rest()
    assert person.ui.cardFrame.isHidden()
    assert slicer.mrmlScene.ReadFromMRB(str(path))
    person.rest(100)
    assert {name: getattr(person.ui, name).text for name in shown} == shown
    assert person.ui.ageEdit.text == "63"
    assert person.ui.overlayCheckBox.checked and legendIsShown()
    person.click(person.ui.overlayCheckBox)
    assert {foreground for _background, foreground, _opacity in layers()[:3]} == {None}
    assert person.ui.overlayCheckBox.enabled and person.ui.plotButton.enabled
    assert person.ui.exportReportButton.enabled
    from BrainAgeSlicer import results, table

    result = results.findResults()[0]
    for role in (results.OVERLAY, results.MASK, results.TO_TEMPLATE, results.REPORT):
        assert result.part(role) is not None, role
    assert table.rows()[0].brain_age_years == 67.4
    assert result.part(results.CHART).GetNumberOfPlotSeriesNodes() >= 3


def test_a_result_of_another_version_is_said_to_be_one(person, head):
    from BrainAgeSlicer import results

    person.applyAndWait()
    results.findResult(head).recordNode.SetText('{"schema_version": "0"}')
    person.module.exit()
    person.module.enter()
    assert "cannot be read" in person.ui.stateLabel.text and person.ui.stateLabel.visible
    assert person.ui.cardFrame.isHidden()
    person.applyAndWait()
    assert person.ui.brainAgeLabel.text == "67.4 years" and not person.ui.stateLabel.visible


def test_many_runs_leave_nothing_behind(person, head):
    def count() -> int:
        return slicer.mrmlScene.GetNumberOfNodes()

    person.applyAndWait()
    nodes, watching = count(), observers()
    for _run in range(19):
        person.applyAndWait()
    assert count() == nodes
    assert observers() == watching
    assert sum(watching.values()) > 20  # as far as VTK tells; it does tell
    assert living("Run", "Worker", "Batch") == []
    assert len(person.workers()) == 20
    assert person.livingWorkers() == [] and person.leftFolders() == []
    assert [each for each in Path(person.temporary).iterdir() if each.is_dir()] == []
    table = slicer.util.getFirstNodeByClassByName("vtkMRMLTableNode", "Brain age results")
    assert table.GetNumberOfRows() == 20


def test_the_window_stays_alive_while_the_worker_runs(person, head, worker):
    """With a worker that computes on both cores; the real one is measured in test_panel_real."""
    from event_loop import MOST_MILLISECONDS, EventLoopWatch

    worker("busy")
    with EventLoopWatch() as watch:
        person.applyAndWait()
    print(watch)
    assert watch.percentile(99) < MOST_MILLISECONDS
