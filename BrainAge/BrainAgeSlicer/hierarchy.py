"""Results stand in a folder beside the scan, in its study."""

from __future__ import annotations

from typing import Any

import slicer


def folderBeside(volumeNode: Any, name: str) -> int:
    """Return the id of a new subject hierarchy folder with the same parent as a node."""
    hierarchy = _hierarchy()
    parent = hierarchy.GetItemParent(_itemOf(volumeNode))
    return int(hierarchy.CreateFolderItem(parent, name))


def place(nodes: list[Any], folder: int) -> None:
    """Put nodes into a folder, in this order."""
    hierarchy = _hierarchy()
    for node in nodes:
        hierarchy.SetItemParent(_itemOf(node), folder)


def folderOf(node: Any) -> int:
    """Return the id of the folder that a node stands in; 0 when there is none."""
    hierarchy = _hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    parent = int(hierarchy.GetItemParent(item)) if item else 0
    return parent if parent and hierarchy.GetItemLevel(parent) == "Folder" else 0


def forget(node: Any) -> None:
    """Take a node out, before it is removed: without the application's plugins nobody else does."""
    hierarchy = _hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)


def removeFolderIfEmpty(folder: int) -> None:
    """Remove a folder that nothing stands in any more; the user may have put things there."""
    hierarchy = _hierarchy()
    if folder and hierarchy.GetNumberOfItemChildren(folder) == 0:
        hierarchy.RemoveItem(folder)


def _hierarchy() -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def _itemOf(node: Any) -> int:
    hierarchy = _hierarchy()
    # The application makes items by itself; a scene without its plugins does not.
    return int(
        hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    )
