"""What the Slicer side may lean on, read from its source."""

from __future__ import annotations

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[2] / "BrainAge"
FILES = [MODULE / "BrainAge.py", *sorted((MODULE / "BrainAgeSlicer").glob("*.py"))]
GIVEN_BY_SLICER = {"slicer", "qt", "ctk", "vtk", "numpy", "packaging", "pydicom"}
OTHER_EXTENSIONS = {"PyTorchUtils", "SampleData", "SubjectHierarchyPlugins"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_what_slicer_gives_is_imported(path):
    """What is imported of the library is tested with the library's walls."""
    known = GIVEN_BY_SLICER | OTHER_EXTENSIONS | {"BrainAgeSlicer", "BrainAgeLib"}
    assert imports(path) <= known | set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_texts_can_be_translated(path):
    """No f-string inside ``_()``: the translation tool could not find it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
            assert isinstance(node.args[0], ast.Constant), ast.unparse(node)


def test_every_widget_of_the_ui_is_used_and_every_used_one_is_there():
    tree = ElementTree.parse(MODULE / "Resources" / "UI" / "BrainAge.ui")
    there = {widget.get("name") for widget in tree.iter("widget")}
    source = "".join(path.read_text("utf-8") for path in FILES)
    used = set(re.findall(r"ui\.([A-Za-z]+)", source))
    assert used <= there
    shown = {  # labels of fields, sections and the like, which nothing has to touch
        widget.get("name")
        for widget in tree.iter("widget")
        if widget.get("class") in ("QLabel", "ctkCollapsibleButton", "qMRMLWidget")
    }
    connected = {
        widget.get("name")
        for widget in tree.iter("widget")
        for each in widget.findall("property")
        if each.get("name") == "SlicerParameterName"
    }
    assert there <= used | shown | connected


def test_the_base_classes_are_the_ones_that_were_asked_for(slicerWorld):
    import os

    import slicer.parameterNodeWrapper
    import slicer.util

    named = os.environ.get("SLICER_PY")
    for module in (slicer.parameterNodeWrapper, *([slicer.util] if named else [])):
        folder = Path(named).resolve() if named else Path(__file__).resolve().parent
        assert Path(str(module.__file__)).resolve().is_relative_to(folder)


def test_the_sample_is_offered_as_sample_data(person, monkeypatch):
    import hashlib
    import types
    from urllib.parse import unquote, urlparse

    from real_names import stands_for
    from stand_in.application import ScriptedModule, finishStartup

    registered: list[dict] = []

    @stands_for("SampleDataLogic")
    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(
            category, sampleName, uris, fileNames, nodeNames, thumbnailFileName, checksums
        ):
            details = {"uris": uris, "thumbnail": thumbnailFileName, "checksums": checksums}
            registered.append(details)

    sampleData = types.ModuleType("SampleData")
    sampleData.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", sampleData)
    sys.modules["BrainAge"].BrainAge(ScriptedModule(MODULE / "BrainAge.py"))
    finishStartup()
    (details,) = registered
    path = Path(unquote(urlparse(details["uris"]).path))
    assert details["uris"].startswith("file:") and Path(details["thumbnail"]).is_file()
    if not path.is_file():
        pytest.skip("the sample scan is not bundled yet")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert details["checksums"] == f"SHA256:{digest}"
