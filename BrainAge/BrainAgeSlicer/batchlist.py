"""The list of loaded volumes that the panel can work through."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainAgeSlicer import card
from BrainAgeSlicer.run import Ended
from BrainAgeSlicer.scene import findResult
from BrainAgeSlicer.volumes import whyNotUsable

NAME, STATE = 0, 1
TICKABLE = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable


class BatchList:
    """One row a volume: a tick box, its name, and how its run went."""

    def __init__(self, tree: Any, onTicked: Any) -> None:
        self._tree = tree
        self._nodes: list[Any] = []
        self._states: dict[str, str] = {}  # by node id
        tree.connect("itemChanged(QTreeWidgetItem*,int)", lambda _item, _column: onTicked())
        tree.setColumnCount(2)
        tree.setHeaderLabels([_("Volume"), _("Result")])
        tree.header().setSectionResizeMode(NAME, qt.QHeaderView.Interactive)
        tree.header().setStretchLastSection(True)

    def refresh(self) -> None:
        """Show the volumes of the scene; ticks stay."""
        ticked = {node.GetID() for node in self.ticked()}
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        self._nodes = [node for node in volumes if not whyNotUsable(node)]
        before = self._tree.blockSignals(True)
        self._tree.clear()
        for node in self._nodes:
            item = qt.QTreeWidgetItem(self._tree)
            item.setFlags(TICKABLE)
            item.setText(NAME, node.GetName())
            chosen = node.GetID() in ticked
            item.setCheckState(NAME, qt.Qt.Checked if chosen else qt.Qt.Unchecked)
            self._write(item, self._states.get(node.GetID()) or _stateOf(node))
        self._tree.resizeColumnToContents(NAME)
        self._tree.blockSignals(before)

    def ticked(self) -> list[Any]:
        """Return the ticked volumes that are still in the scene."""
        found = []
        for row, node in enumerate(self._nodes):
            item = self._tree.topLevelItem(row)
            if item is not None and item.checkState(NAME) == qt.Qt.Checked and node.GetScene():
                found.append(node)
        return found

    def setState(self, node: Any, text: str) -> None:
        """Show how a volume's run goes."""
        if node.GetID() is None:
            return
        self._states[node.GetID()] = text
        for row, each in enumerate(self._nodes):
            item = self._tree.topLevelItem(row)
            if each is node and item is not None:
                before = self._tree.blockSignals(True)
                self._write(item, text)
                self._tree.blockSignals(before)

    def forget(self) -> None:
        """Let go of a scene that is closing."""
        self._nodes, self._states = [], {}
        self._tree.clear()

    def _write(self, item: Any, text: str) -> None:
        item.setText(STATE, text)
        item.setToolTip(STATE, text)


def _stateOf(node: Any) -> str:
    result = findResult(node)
    return "" if result is None else card.oneLine(result.prediction)


def stateOfEnded(ended: Ended) -> str:
    """Return how a run went as one line."""
    if ended.prediction is not None:
        return card.oneLine(ended.prediction)
    if ended.error is not None:
        return _("failed: {reason}").format(reason=ended.error)
    return ended.why or _("cancelled")
