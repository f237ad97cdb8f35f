"""The qMRML widgets of the panel, on the real scene."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from real_names import stands_for


@stands_for("qMRMLWidget")
class qMRMLWidget(QtWidgets.QWidget):
    """The top of a panel; hands the scene on."""

    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        """Take the scene, and tell those that are connected."""
        self.mrmlSceneChanged.emit(scene)


@stands_for("qMRMLNodeComboBox")
class qMRMLNodeComboBox(QtWidgets.QWidget):
    """A list of nodes; it stays empty until it is given the scene."""

    currentNodeChanged = QtCore.Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._types: list[str] = []
        self._none, self._childTypes = True, True
        self._scene: Any = None
        self._nodes: list[Any] = []
        self._tags: list[int] = []
        self._box = QtWidgets.QComboBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(lambda _index: self.currentNodeChanged.emit(None))

    def _flag(name: str) -> Any:
        return QtCore.Property(
            bool,
            lambda self: getattr(self, name, False),
            lambda self, value: setattr(self, name, value),
        )

    nodeTypes = QtCore.Property(
        "QStringList",
        lambda self: self._types,
        lambda self, value: setattr(self, "_types", list(value)),
    )
    showChildNodeTypes = _flag("_childTypes")
    noneEnabled = _flag("_none")
    addEnabled = _flag("_add")
    removeEnabled = _flag("_remove")

    def setMRMLScene(self, scene: Any) -> None:
        """Show the nodes of a scene from now on."""
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent):
            self._tags.append(scene.AddObserver(event, lambda *_details: self._fill()))
        tags = self._tags
        self.destroyed.connect(lambda: [scene.RemoveObserver(tag) for tag in tags])
        self._fill()

    def currentNode(self) -> Any:
        """Return the chosen node or None."""
        index = self._box.property("currentIndex") - (1 if self._none else 0)
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node."""
        shown = [each.GetID() for each in self._nodes]
        first = 1 if self._none else 0
        there = node is not None and node.GetID() in shown
        self._box.setCurrentIndex(shown.index(node.GetID()) + first if there else first - 1)

    def _fill(self) -> None:
        chosen = self.currentNode()
        kinds = tuple(self._types)
        found = [self._scene.GetNthNode(n) for n in range(self._scene.GetNumberOfNodes())]
        nodes = [each for each in found if self._shows(each, kinds)]
        if nodes == self._nodes and self._box.property("count"):
            return
        blocked = self.blockSignals(True)
        self._nodes = nodes
        self._box.clear()
        if self._none:
            self._box.addItem("None")
        for each in self._nodes:
            self._box.addItem(each.GetName())
        self.setCurrentNode(chosen if chosen in self._nodes else None)
        self.blockSignals(blocked)
        if self.currentNode() is not chosen:
            self.currentNodeChanged.emit(None)

    def _shows(self, node: Any, kinds: tuple[str, ...]) -> bool:
        if node.GetHideFromEditors():
            return False
        if self._childTypes:
            return any(node.IsA(kind) for kind in kinds)
        return node.GetClassName() in kinds


def install() -> None:
    """Put the widgets where Slicer has them."""
    from stand_in.ctk_widgets import absent

    for kind in (qMRMLWidget, qMRMLNodeComboBox):
        setattr(slicer, kind.__name__, kind)
    # Slicer's own connectors name these.
    for name in ("qMRMLSliderWidget", "qMRMLSpinBox", "qMRMLRangeWidget"):
        setattr(slicer, name, absent(name))
