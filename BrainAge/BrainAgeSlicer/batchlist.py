"""The list of loaded volumes that the panel can work through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeSlicer import card, subject
from BrainAgeSlicer.results import findResult
from BrainAgeSlicer.run import Ended
from BrainAgeSlicer.volumes import usableVolumes

NAME, AGE, STATE = 0, 1, 2
NAME_WIDTH = 150
TICKABLE = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable


class BatchList:
    """One row a volume: a tick box, its name, the person's age, and how its run went."""

    def __init__(self, tree: Any, tickAllButton: Any, onTicked: Callable[[], None]) -> None:
        self._tree = tree
        self._tickAllButton = tickAllButton
        self._onTicked = onTicked
        self._nodes: list[Any] = []
        self._states: dict[str, str] = {}  # by node id
        tree.connect("itemChanged(QTreeWidgetItem*,int)", lambda _item, _column: self._changed())
        tickAllButton.connect("clicked(bool)", lambda _checked: self._tickAll())
        tree.setColumnCount(3)
        tree.setHeaderLabels([_("Volume"), _("Age"), _("Result")])
        tree.header().setSectionResizeMode(NAME, qt.QHeaderView.Interactive)
        tree.header().resizeSection(NAME, NAME_WIDTH)
        tree.header().setStretchLastSection(True)

    def refresh(self) -> None:
        """Show the volumes of the scene; ticks stay."""
        ticked = {node.GetID() for node in self.ticked()}
        self._nodes = usableVolumes()
        before = self._tree.blockSignals(True)
        self._tree.clear()
        for node in self._nodes:
            item = qt.QTreeWidgetItem(self._tree)
            item.setFlags(TICKABLE)
            item.setText(NAME, node.GetName())
            item.setToolTip(NAME, card.tip(node.GetName()))
            item.setText(AGE, subject.textFromAge(subject.subjectOf(node).ageYears))
            item.setToolTip(AGE, _("To change it, select the volume at the top."))
            chosen = node.GetID() in ticked
            item.setCheckState(NAME, qt.Qt.Checked if chosen else qt.Qt.Unchecked)
            self._write(item, self._states.get(node.GetID()) or _stateOf(node))
        self._tree.resizeColumnToContents(AGE)
        self._tree.blockSignals(before)
        self._nameTickAllButton()

    def ticked(self) -> list[Any]:
        """Return the ticked volumes that are still in the scene."""
        nodes = []
        for row, node in enumerate(self._nodes):
            item = self._tree.topLevelItem(row)
            if item is not None and item.checkState(NAME) == qt.Qt.Checked and node.GetScene():
                nodes.append(node)
        return nodes

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
        self._nameTickAllButton()

    def _changed(self) -> None:
        self._nameTickAllButton()
        self._onTicked()

    def _tickAll(self) -> None:
        some = len(self.ticked()) < len(self._nodes)
        state = qt.Qt.Checked if some else qt.Qt.Unchecked
        before = self._tree.blockSignals(True)
        for row in range(len(self._nodes)):
            self._tree.topLevelItem(row).setCheckState(NAME, state)
        self._tree.blockSignals(before)
        self._changed()

    def _nameTickAllButton(self) -> None:
        button = self._tickAllButton
        button.setEnabled(bool(self._nodes))
        full = bool(self._nodes) and len(self.ticked()) == len(self._nodes)
        button.text = _("Tick none") if full else _("Tick all")

    def _write(self, item: Any, text: str) -> None:
        item.setText(STATE, text)
        item.setToolTip(STATE, card.tip(text))


def _stateOf(node: Any) -> str:
    result = findResult(node)
    try:
        return "" if result is None else card.oneLine(result.prediction)
    except BrainAgeError:  # the panel says it of the selected volume
        return ""


def stateOfEnded(ended: Ended) -> str:
    """Return how a run went as one line."""
    if ended.prediction is not None:
        return card.oneLine(ended.prediction)
    if ended.error is not None:
        return _("failed: {reason}").format(reason=ended.error)
    return ended.why or _("cancelled")
