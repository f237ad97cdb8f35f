"""A right click on a volume in the Data module: "Brain age" opens the module with that volume.

Slicer reads this file by its path and makes the class that is named after it.
"""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

# Not from the module that is named after it: only this package puts that one on Python's path, and
# Slicer loads modules by name, this one before those of its own that import the package.
from SubjectHierarchyPlugins import AbstractScriptedSubjectHierarchyPlugin


class BrainAgeSubjectHierarchyPlugin(AbstractScriptedSubjectHierarchyPlugin):
    """One action in the menu of scans; it owns no items."""

    filePath = __file__

    def __init__(self, scriptedPlugin: Any) -> None:
        scriptedPlugin.name = "BrainAge"
        super().__init__(scriptedPlugin)
        self.action = qt.QAction(_("Brain age"), scriptedPlugin)
        self.action.connect("triggered()", self.onBrainAge)

    def itemContextMenuActions(self) -> list[Any]:
        """Return what the menu of an item may hold."""
        return [self.action]

    def showContextMenuActionsForItem(self, itemID: int) -> None:
        """Show the action where an item is a scan that can be predicted; Slicer hid it before."""
        from BrainAgeSlicer.volumes import whyNotUsable

        node = _nodeOf(itemID)
        self.action.visible = node is not None and not whyNotUsable(node)

    def onBrainAge(self) -> None:
        """Open the module with the scan under the pointer."""
        handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
        node = _nodeOf(handler.currentItem())
        if node is not None:
            handler.pluginByName("Default").switchToModule("BrainAge")
            slicer.modules.BrainAgeWidget.selectVolume(node)


def _nodeOf(itemID: int) -> Any:
    handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
    return handler.subjectHierarchyNode().GetItemDataNode(itemID) if itemID else None
