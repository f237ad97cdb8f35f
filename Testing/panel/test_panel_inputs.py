"""What the panel takes, and what it says of what it does not take."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

import phantom
from dicom_database import DicomDatabase


def select(person, node) -> None:
    person.rest()
    person.module.widget.panel._parameters.inputVolume = node
    person.rest()


def addEmpty():
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")


def addWithoutValues():
    import vtk

    node, image = addEmpty(), vtk.vtkImageData()
    image.SetDimensions(20, 20, 20)
    node.SetAndObserveImageData(image)
    return node


def addSingleVoxel():
    return phantom.addVolume("dot", np.ones((1, 1, 1), dtype=np.int16), np.eye(4))


def addColored():
    import vtk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "colored")
    image = vtk.vtkImageData()
    image.SetDimensions(20, 20, 20)
    image.AllocateScalars(vtk.VTK_SHORT, 3)
    node.SetAndObserveImageData(image)
    return node


def addLabels():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.util.updateVolumeFromArray(node, np.ones((9, 20, 20), dtype=np.int16))
    return node


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (addEmpty, "holds no image"),
        (addWithoutValues, "holds no image"),
        (addSingleVoxel, "too small"),
        (addColored, "more than one value"),
        (addLabels, "not a grey-scale image"),
    ],
)
def test_what_is_no_scan_gets_a_sentence(person, make, words):
    node = make()
    before = slicer.mrmlScene.GetNumberOfNodes()
    select(person, node)
    assert not person.ui.applyButton.enabled
    assert words in person.ui.applyButton.toolTip
    assert words in person.ui.reasonLabel.text and person.ui.reasonLabel.visible
    with pytest.raises(Exception, match=words):
        person.module.widget.logic.process(node)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert person.workers() == []


def test_a_segmentation_cannot_even_be_chosen(person):
    from BrainAgeLib.errors import BrainAgeError

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
    with pytest.raises(BrainAgeError, match="not a grey-scale image"):
        person.module.widget.logic.process(node)
    person.rest()
    box = person.ui.inputSelector._box
    texts = [box.itemText(n) for n in range(box.count)]
    assert texts == ["None"]


def test_our_own_overlay_is_no_scan(person, head):
    from BrainAgeSlicer import results

    person.applyAndWait()
    select(person, results.findResults()[0].part(results.OVERLAY))
    assert "result of this module" in person.ui.applyButton.toolTip


def test_return_in_the_age_applies(person, head):
    import qt
    from PySide6 import QtTest

    person.type(person.ui.ageEdit, "63")
    QtTest.QTest.keyClick(person.ui.ageEdit, qt.Qt.Key_Return)
    person.wait(lambda: person.ui.brainAgeLabel.text == "67.4 years")
    person.type(person.ui.ageEdit, "never")
    QtTest.QTest.keyClick(person.ui.ageEdit, qt.Qt.Key_Return)
    person.rest()
    assert len(person.workers()) == 1


def test_what_the_views_show_is_selected_and_a_later_volume_too(person, slicerWorld):
    phantom.addHead("first")
    person.rest()
    assert person.ui.inputSelector.currentNode().GetName() == "first"  # loaded while we look
    second = phantom.addHead("second")
    person.rest()
    assert person.ui.inputSelector.currentNode().GetName() == "first"  # the choice stays
    person.module.exit()
    person.module.widget.panel._getParameters().inputVolume = None
    slicer.util.setSliceViewerLayers(background=second)
    person.module.enter()
    assert person.ui.inputSelector.currentNode() is second


def test_the_report_knows_the_scan_by_its_name(person, head):
    from pathlib import Path

    head.SetName("../5: T1 axial \u2013 'a\"b\\c' " + 100 * "x")
    person.applyAndWait()
    path = Path(person.workers()[0]["scan"])
    assert path.parent.parent == person.temporary and len(path.name) < 80
    assert path.name.startswith("5_ T1 axial _ _a_b_c_ xxx")
    head.SetName("\u8133")
    person.applyAndWait()
    assert Path(person.workers()[1]["scan"]).name == "scan.nrrd"


@pytest.mark.parametrize("text", ["old", "-3", "nan", "200", "6 3", "0"])
def test_an_age_that_is_none_disables_apply(person, head, text):
    person.type(person.ui.ageEdit, text)
    assert not person.ui.applyButton.enabled
    assert "years" in person.ui.applyButton.toolTip
    person.type(person.ui.ageEdit, "63,5")
    assert person.ui.applyButton.enabled


def test_a_typed_age_stays_with_its_scan(person, head):
    person.type(person.ui.ageEdit, "63")
    person.ui.sexComboBox.setCurrentIndex(1)
    other = phantom.addHead("other")
    select(person, other)
    assert person.ui.ageEdit.text == "" and person.ui.sexComboBox.currentIndex == 0
    select(person, head)
    assert person.ui.ageEdit.text == "63" and person.ui.sexComboBox.currentIndex == 1
    person.applyAndWait()
    arguments = person.workers()[0]["argv"]
    assert arguments[arguments.index("--age") + 1] == "63.0"
    assert arguments[arguments.index("--sex") + 1] == "F"


@pytest.mark.parametrize(
    ("tags", "age", "sex"),
    [
        ({"0010,1010": "063Y", "0010,0040": "F"}, "63", 1),
        ({"0010,1010": "018M", "0010,0040": "M"}, "1.5", 2),
        ({"0010,0030": "19600101", "0008,0020": "20230701", "0010,0040": "O"}, "63.5", 0),
        ({"0010,1010": "999Y"}, "", 0),
        ({"0010,1010": "000Y", "0010,0040": "F"}, "", 1),
        ({}, "", 0),
    ],
)
def test_age_and_sex_come_from_dicom(person, monkeypatch, tags, age, sex):
    database = DicomDatabase({"1.2.3": tags})
    monkeypatch.setattr(slicer, "dicomDatabase", database)
    node = phantom.addHead()
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    select(person, node)
    assert person.ui.ageEdit.text == age
    assert person.ui.sexComboBox.currentIndex == sex
    assert person.ui.subjectLabel.visible == bool(age or sex)
    person.type(person.ui.ageEdit, "40")
    assert not person.ui.subjectLabel.visible


def test_the_choices_reach_the_worker(person, head):
    ui = person.ui
    person.click(ui.advancedButton._button)
    person.click(ui.brainExtractedCheckBox)
    person.click(ui.forceCheckBox)
    person.click(ui.makeSaliencyCheckBox)
    person.click(ui.makeReportCheckBox)
    calibration = person.temporary / "site.json"
    ui.siteCalibrationPath.currentPath = str(calibration)
    assert not ui.applyButton.enabled and "does not exist" in ui.applyButton.toolTip
    calibration.write_text("{}")
    ui.siteCalibrationPath.currentPath = ""
    ui.siteCalibrationPath.currentPath = str(calibration)
    ui.deviceComboBox.setCurrentIndex(1)
    person.applyAndWait()
    arguments = person.workers()[0]["argv"]
    for expected in ("--brain-extracted", "--force", "--no-saliency", "--no-report"):
        assert expected in arguments
    assert arguments[arguments.index("--device") + 1] == "cpu"
    assert arguments[arguments.index("--site") + 1] == str(calibration)
    assert ui.brainAgeLabel.text == "67.4 years"
    assert not ui.overlayCheckBox.enabled and not ui.exportReportButton.enabled


def test_what_one_scan_is_said_to_be_is_not_said_of_the_next(person, head):
    """A proton density scan that is said to be FLAIR would have an age."""
    import phantom

    combo = person.ui.sequenceComboBox
    combo.setCurrentIndex(3)
    person.module.exit()
    person.module.enter()
    assert combo.currentIndex == 3
    person.ui.inputSelector.setCurrentNode(phantom.addHead())
    person.rest()
    assert combo.currentIndex == 0
    person.applyAndWait()
    assert "--sequence" not in person.workers()[0]["argv"]


def test_the_sequence_is_left_to_the_picture_or_said(person, head):
    """It stays with the scene, as the other choices do."""
    combo = person.ui.sequenceComboBox
    person.click(person.ui.advancedButton._button)
    labels = [combo.itemText(index) for index in range(combo.count)]
    assert labels[0] == combo.currentText == "As the picture shows"
    person.applyAndWait()
    for index, name in enumerate(("T1w", "T2w", "FLAIR"), 1):
        combo.setCurrentIndex(index)
        person.applyAndWait()
        arguments = person.workers()[-1]["argv"]
        assert arguments[arguments.index("--sequence") + 1] == name
    assert "--sequence" not in person.workers()[0]["argv"]
    person.module.exit()
    person.module.enter()
    person.rest()
    assert combo.currentText == labels[3] == "FLAIR"
    slicer.mrmlScene.Clear()
    person.rest()
    assert combo.currentText == "As the picture shows"


def test_graphics_cards_are_listed_without_torch():
    from BrainAgeSlicer.choices import devicesFrom

    found = devicesFrom("0, NVIDIA H200\n1, NVIDIA RTX A4000\nFailed to initialize\n")
    assert [(each.name, each.label) for each in found] == [
        ("cuda:0", "GPU 0: NVIDIA H200"),
        ("cuda:1", "GPU 1: NVIDIA RTX A4000"),
    ]


def test_torch_stays_out_of_the_process(person, head):
    import sys

    before = set(sys.modules)
    person.applyAndWait()
    assert "torch" not in set(sys.modules) - before
