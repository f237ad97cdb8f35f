"""No fake claims more than the class that it stands for."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from real_names import stands_for

TESTING = Path(__file__).resolve().parents[1]
FILES = sorted(p for name in ("panel", "slicer") for p in (TESTING / name).rglob("*.py"))
STAND_IN = ("application", "bindings", "ctk_widgets", "loader", "mrml_widgets")
# What the tests are made of and nothing of Slicer's.
OURS = {
    "Absent",
    "Answers",
    "EventLoopWatch",
    "OpenModule",
    "Person",
    "QtProperty",
    "SliceView",
    "World",
    "_Parameter",
}


def label(path: Path) -> str:
    return path.relative_to(TESTING).as_posix()


def isHeld(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return any(ast.unparse(each).startswith("stands_for(") for each in node.decorator_list)


@pytest.mark.parametrize("path", FILES, ids=label)
def test_every_fake_is_held_to_the_real_names(path):
    tree = ast.parse(path.read_text("utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    if "slicer_base" in path.parts:  # modules in the place of Slicer's own
        classes += [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
    assert [node.name for node in classes if not isHeld(node) and node.name not in OURS] == []


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_can_be_faked_without_a_class(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func).split(".")[-1] not in ("SimpleNamespace", "Mock")
            assert "raising" not in [each.arg for each in node.keywords], "set it where it is made"


@pytest.mark.parametrize("name", STAND_IN)
def test_the_stand_in_has_no_name_of_its_own(name, monkeypatch):
    monkeypatch.syspath_prepend(str(TESTING / "panel"))
    importlib.import_module(f"stand_in.{name}")


def test_a_name_too_many_is_refused():
    with pytest.raises(NameError, match="no seriesForInstance"):

        @stands_for("ctkDICOMDatabase")
        class Database:
            def instanceValue(self, _uid, _tag): ...
            def seriesForInstance(self, _uid): ...

    with pytest.raises(NameError, match="no finishStartup"):

        @stands_for("qSlicerApplication")
        class Application:
            def __init__(self):
                self.slicerHome, self.finishStartup = "", None


def test_a_name_that_is_given_later_is_refused():
    @stands_for("ctkDICOMDatabase")
    class Database:
        pass

    database = Database()
    database.instanceValue = database._own = None
    with pytest.raises(NameError, match="no seriesForInstance"):
        database.seriesForInstance = None


def test_a_parameter_too_many_is_refused():
    with pytest.raises(NameError, match="no parameter packages"):

        @stands_for("module packaging")
        def pip_ensure(packages): ...

    with pytest.raises(NameError, match="no pip_ensured"):

        @stands_for("module packaging")
        def pip_ensured(requirements): ...


def test_a_signal_with_other_arguments_is_refused():
    from PySide6 import QtCore

    with pytest.raises(NameError, match=r"no signal contentsCollapsed\(int\)"):

        @stands_for("ctkCollapsibleButton")
        class Button(QtCore.QObject):
            contentsCollapsed = QtCore.Signal(int)


def test_a_widget_of_another_kind_is_refused():
    """Slicer's selector holds a combo box, and is none."""
    from PySide6 import QtWidgets

    with pytest.raises(NameError, match="no itemText"):

        @stands_for("qMRMLNodeComboBox")
        class Selector(QtWidgets.QComboBox):
            pass


def test_of_a_class_that_is_not_listed_there_is_no_fake():
    with pytest.raises(NameError, match="nothing is known of qMRMLTableView"):
        stands_for("qMRMLTableView")(type("View", (), {}))
