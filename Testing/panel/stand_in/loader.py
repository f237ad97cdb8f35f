"""A strict QUiLoader: an unknown class is an error, and connections are made exactly as listed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import slicer
from PySide6 import QtCore, QtUiTools, QtWidgets

from real_names import stands_for
from stand_in import ctk_widgets

SCENE = "vtkMRMLScene*"


@stands_for("QUiLoader")
class UiLoader(QtUiTools.QUiLoader):
    """Loads the panel's .ui file."""

    def load(self, file: Any, parent: Any = None) -> Any:  # type: ignore[override]
        """Return the widget; raises LookupError for what Slicer would not load either."""
        tree = ElementTree.fromstring(bytes(QtCore.QIODevice.readAll(file).data()))
        connections = tree.find("connections")
        if connections is not None:
            tree.remove(connections)  # Qt would look for them among C++ signals
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        for connection in connections if connections is not None else ():
            _connect(widget, connection)
        return widget

    def createWidget(self, className: str, parent: Any = None, name: str = "") -> Any:
        """Make one widget."""
        kind = getattr(ctk_widgets, className, None) or getattr(slicer, className, None)
        if kind is not None and isinstance(kind, type):
            widget = kind(parent)
            widget.setObjectName(name)
            return widget
        if not hasattr(QtWidgets, className):
            raise LookupError(f"unknown widget class {className} in the .ui file")
        return super().createWidget(className, parent, name)


def _connect(top: Any, connection: Any) -> None:
    part = {child.tag: child.text for child in connection}
    signal, slot = part["signal"], part["slot"]
    if (signal, slot) != (f"mrmlSceneChanged({SCENE})", f"setMRMLScene({SCENE})"):
        raise LookupError(f"the connection {signal} -> {slot} is not modelled")
    if part["sender"] != top.objectName:
        raise LookupError(f"{part['sender']} is not the top widget")
    receiver = top.findChild(QtWidgets.QWidget, part["receiver"])
    if receiver is None:
        raise LookupError(f"there is no widget {part['receiver']}")
    top.mrmlSceneChanged.connect(receiver.setMRMLScene)
