"""Results in the scene: all of one run hangs on its record node, in a folder beside the scan.

The panel shows what it finds here and remembers nothing itself, so a saved and loaded scene shows
the same as before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import Prediction
from BrainAgeLib.report.record import prediction_from_dict
from BrainAgeSlicer.volumes import OURS, Lattice, fingerprintOf

SCAN = "BrainAge.Scan"
OVERLAY = "BrainAge.Overlay"
MASK = "BrainAge.Mask"
TO_TEMPLATE = "BrainAge.ToTemplate"
REPORT = "BrainAge.Report"
CHART = "BrainAge.Chart"
CHANGE_MAP = "BrainAge.FollowMap"  # of a comparison with an earlier scan
OWNED = "BrainAge.Owned"  # every node that goes when the result goes
EARLIER = "BrainAge.Earlier"  # attribute of a record: a later run failed
LATTICE = "BrainAge.Lattice"  # attribute of a record: 16 numbers, voxels to the worker's world
SHOWN_LATTICE = "BrainAge.ShownLattice"  # the same, to where the outputs are laid in the scene
AGE_DOUBT = "BrainAge.AgeDoubt"  # attribute of a record: why its age is doubtful
VOXELS = "BrainAge.Voxels"  # attribute of a record: the fingerprint of what was predicted from
WITHOUT_HEADER = "BrainAge.WithoutHeader"  # attribute of a record: why the image went alone


@dataclass(frozen=True)
class Result:
    """What one run left in the scene; parts that a run did not make are None."""

    recordNode: Any

    @property
    def prediction(self) -> Prediction:
        """The record of the library.

        Raises BrainAgeError when a scene holds one that this version cannot read.
        """
        try:
            return prediction_from_dict(json.loads(self.recordNode.GetText()))
        except (BrainAgeError, ValueError) as error:
            raise BrainAgeError(
                _("The result in this scene cannot be read: {reason}").format(reason=error),
                _("press Apply to make it again"),
            ) from error

    @property
    def isEarlier(self) -> bool:
        """Whether the last run of the scan failed, so that this is what an earlier one said."""
        return bool(self.recordNode.GetAttribute(EARLIER))

    @property
    def withoutHeader(self) -> str:
        """Why the DICOM header of the scan was not judged, or an empty string."""
        return self.recordNode.GetAttribute(WITHOUT_HEADER) or ""

    @property
    def ageDoubt(self) -> str:
        """Why the age that goes with an image alone is doubtful, or an empty string."""
        return self.recordNode.GetAttribute(AGE_DOUBT) or ""

    @property
    def isOfOtherVoxels(self) -> bool:
        """Whether the scan's image was changed since; a scene of an earlier version cannot tell."""
        known = self.recordNode.GetAttribute(VOXELS)
        return bool(known) and known != fingerprintOf(self.volumeNode)

    @property
    def workerLattice(self) -> np.ndarray | None:
        """Where the worker laid its outputs: 4 x 4, from voxel indices to its world, or None."""
        return self._matrix(LATTICE)

    @property
    def workerToScene(self) -> np.ndarray:
        """From the worker's world to where the outputs are laid, under their parent: 4 x 4.

        A scan of DICOM files lies where its header says for the worker, wherever it was moved.
        """
        worker, shown = self._matrix(LATTICE), self._matrix(SHOWN_LATTICE)
        if worker is None or shown is None:  # of a scene that an earlier version saved
            return np.eye(4)
        return np.asarray(shown @ np.linalg.inv(worker))

    def noteLattice(self, lattice: Lattice) -> None:
        """Keep where the worker laid its outputs, and where they are laid in the scene."""
        for name, matrix in ((LATTICE, lattice.ijkToWorld), (SHOWN_LATTICE, lattice.ijkToRAS)):
            self.recordNode.SetAttribute(name, " ".join(map(repr, matrix.ravel().tolist())))

    def _matrix(self, attribute: str) -> np.ndarray | None:
        text = self.recordNode.GetAttribute(attribute) or ""
        numbers = np.array(text.split(), dtype=float)
        return numbers.reshape(4, 4) if numbers.size == 16 else None

    def noteWithoutHeader(self, why: str, ageDoubt: str) -> None:
        """Keep why the DICOM header was not judged, if it was not, and what it says of the age."""
        if why:
            self.recordNode.SetAttribute(WITHOUT_HEADER, why)
            self.recordNode.SetAttribute(AGE_DOUBT, ageDoubt)

    @property
    def volumeNode(self) -> Any:
        """The scan."""
        return self.recordNode.GetNodeReference(SCAN)

    def part(self, role: str) -> Any:
        """Return the node in one of the roles named above."""
        return self.recordNode.GetNodeReference(role)


def findResults() -> list[Result]:
    """Return all results of the scene."""
    nodes = slicer.util.getNodesByClass("vtkMRMLTextNode")
    return [Result(node) for node in nodes if node.GetAttribute(OURS) == "record"]


def findResult(volumeNode: Any) -> Result | None:
    """Return the result of a scan."""
    for result in findResults():
        if volumeNode is not None and result.volumeNode is volumeNode:
            return result
    return None


def markAsEarlier(volumeNode: Any) -> None:
    """Note at the result of a scan, if it has one, that a later run failed."""
    result = findResult(volumeNode)
    if result is not None:
        result.recordNode.SetAttribute(EARLIER, "1")


def adopt(result: Result, nodes: list[Any]) -> None:
    """Make nodes part of a result: they stand in its folder and go with it."""
    putInto(_folderOf(result.recordNode), nodes)
    for node in nodes:
        result.recordNode.AddNodeReferenceID(OWNED, node.GetID())


def removeResult(result: Result) -> None:
    """Remove all nodes of a result, and its folder when nothing else stands there."""
    folder = _folderOf(result.recordNode)
    record = result.recordNode
    count = record.GetNumberOfNodeReferences(OWNED)
    owned = [record.GetNthNodeReference(OWNED, n) for n in range(count)]
    for node in [*owned, record]:
        if node is not None:
            removeNode(node)
    _removeFolderIfEmpty(folder)


def removeNode(node: Any) -> None:
    """Remove a node with its display and storage nodes."""
    owned = []
    if node.IsA("vtkMRMLDisplayableNode"):
        owned += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        owned.append(node.GetStorageNode())
    _forget(node)
    slicer.mrmlScene.RemoveNode(node)
    for each in owned:
        if each is not None and slicer.mrmlScene.GetNodeByID(each.GetID()) is each:
            slicer.mrmlScene.RemoveNode(each)


def keepOutOfTree(node: Any) -> None:
    """Leave a node out of the tree of data that the user sees: it only serves another one."""
    names = slicer.vtkMRMLSubjectHierarchyConstants
    node.SetAttribute(names.GetSubjectHierarchyExcludeFromTreeAttributeName(), "1")


def newFolder(volumeNode: Any, name: str) -> int:
    """Return the id of a new subject hierarchy folder with the same parent as a node."""
    hierarchy = _hierarchy()
    parent = hierarchy.GetItemParent(_itemOf(volumeNode))
    return int(hierarchy.CreateFolderItem(parent, name))


def putInto(folder: int, nodes: list[Any]) -> None:
    """Put nodes into a folder, in this order."""
    hierarchy = _hierarchy()
    for node in nodes:
        hierarchy.SetItemParent(_itemOf(node), folder)


def _folderOf(node: Any) -> int:
    """Return the id of the folder that a node stands in; 0 when there is none."""
    hierarchy = _hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    parent = int(hierarchy.GetItemParent(item)) if item else 0
    return parent if parent and hierarchy.GetItemLevel(parent) == "Folder" else 0


def _forget(node: Any) -> None:
    """Take a node out, before it is removed: without the application's plugins nobody else does."""
    hierarchy = _hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)


def _removeFolderIfEmpty(folder: int) -> None:
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
