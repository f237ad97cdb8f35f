"""The module in its window: Data module, status bar, help, settings, keyboard."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest
import slicer

import phantom
from test_panel_walls import MODULE

INTERACTIVE = (
    *("qMRMLNodeComboBox", "QLineEdit", "QComboBox", "ctkPathLineEdit", "QCheckBox"),
    *("QPushButton", "ctkSliderWidget", "QTreeWidget", "QPlainTextEdit", "ctkCollapsibleButton"),
)


@pytest.fixture(autouse=True)
def startsOfItsOwn(slicerWorld, monkeypatch):
    """What a module asks for at the application's start ends with the test."""
    monkeypatch.setitem(slicer.app._receivers, "startupCompleted()", [])


@pytest.fixture
def menu(person):
    """Return a function that opens the menu of a node; it returns the action of the module."""
    handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
    person.module.offerInMenus()
    plugin = handler._plugins[-1]._self

    def openFor(node):
        hierarchy = handler.subjectHierarchyNode()
        item = hierarchy.GetItemByDataNode(node)
        item = item or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
        handler._item = item
        (action,) = plugin.itemContextMenuActions()
        action.visible = False
        plugin.showContextMenuActionsForItem(item)
        return action

    return openFor


def test_a_right_click_on_a_scan_opens_the_module_with_it(person, menu):
    phantom.addHead("other")
    node = phantom.addHead("this one")
    person.module.exit()

    action = menu(node)
    assert action.visible and action.text == "Brain age"
    action.trigger()
    person.rest()

    assert person.ui.inputSelector.currentNode() is node


def test_what_is_no_scan_has_no_such_action(person, menu):
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "table")

    assert not menu(empty).visible
    assert not menu(table).visible


def test_the_status_bar_says_how_far_a_run_is(person, head):
    from PySide6 import QtWidgets

    window = QtWidgets.QMainWindow()
    window.setObjectName("qSlicerMainWindow")
    said = []
    QtWidgets.QMainWindow.statusBar(window).messageChanged.connect(said.append)
    person.applyAndWait()

    stages = [text for text in said if "%" in text]
    assert any("Registering to the template" in text for text in stages)
    assert said[-1] == "Brain age: done"
    window.deleteLater()


def test_the_module_links_to_its_help(person):
    import sys

    sys.modules["BrainAge"].BrainAge(slicer.modules.brainage)
    (address,) = re.findall(r'href="(file:[^"]+)"', slicer.modules.brainage.helpText)
    page = Path(url2pathname(urlparse(address).path)).read_text("utf-8")
    assert "Not a medical device" in page and "http://" not in page and "https://" not in page


def test_the_device_is_remembered_in_a_new_scene(person, head):
    box = person.ui.deviceComboBox
    box.setCurrentIndex(box.findText("CPU"))
    person.rest()
    assert person.module.widget.panel._parameters.device == "cpu"
    slicer.mrmlScene.Clear(0)
    person.rest()

    assert person.module.widget.panel._parameters.device == "cpu"
    assert box.currentText == "CPU"
    slicer.app.userSettings().clear()


def test_a_remembered_device_that_is_gone_is_not_taken(person, head):
    slicer.app.userSettings().setValue("BrainAge/device", "cuda:7")
    slicer.mrmlScene.Clear(0)
    person.rest()

    assert person.module.widget.panel._parameters.device == "auto"
    slicer.app.userSettings().clear()


def test_every_control_has_a_name_that_a_screen_reader_can_say():
    tree = ElementTree.parse(MODULE / "Resources" / "UI" / "BrainAge.ui")
    said = {each.text for each in tree.iter("cstring")}  # has a label
    for widget in tree.iter("widget"):
        named = {each.get("name") for each in widget.findall("property")}
        if widget.get("class") in (*INTERACTIVE, "QProgressBar"):
            assert widget.get("name") in said or named & {"text", "accessibleName"}, widget.get(
                "name"
            )


def test_the_keyboard_goes_through_the_panel_from_top_to_bottom():
    tree = ElementTree.parse(MODULE / "Resources" / "UI" / "BrainAge.ui")
    shown = [each.get("name") for each in tree.iter("widget") if each.get("class") in INTERACTIVE]

    assert [each.text for each in tree.iter("tabstop")] == shown
