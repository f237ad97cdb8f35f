"""Results as nodes of the scene, and back: everything of one run hangs on its record node.

The panel shows what it finds here and remembers nothing itself, so a saved and loaded scene shows
the same as before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.records import Prediction
from BrainAgeSlicer import hierarchy
from BrainAgeSlicer.colors import fillColorNode, newColorNode, rangeOf
from BrainAgeSlicer.record import predictionFromDict, readPrediction
from BrainAgeSlicer.volumes import OURS, Lattice, readArray

SCAN = "BrainAge.Scan"
OVERLAY = "BrainAge.Overlay"
COLORS = "BrainAge.Colors"
MASK = "BrainAge.Mask"
TO_TEMPLATE = "BrainAge.ToTemplate"
REPORT = "BrainAge.Report"
CHART = "BrainAge.Chart"
OWNED = "BrainAge.Owned"  # every node that goes when the result goes
MASK_COLOR = (0.25, 0.95, 0.85)
SERIES_UID = "0020,000E"  # the DICOM tag


@dataclass(frozen=True)
class Result:
    """What one run left in the scene; parts that a run did not make are None."""

    recordNode: Any

    @property
    def values(self) -> dict[str, Any]:
        """The record as plain values."""
        return dict(json.loads(self.recordNode.GetText()))

    @property
    def prediction(self) -> Prediction:
        """The record of the library."""
        return predictionFromDict(self.values)

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


def addResult(volumeNode: Any, folder: Path, lattice: Lattice) -> Result:
    """Bring the worker's files into the scene in place of an earlier result of the same scan.

    Raises BrainAgeError when they cannot be read; then the scene is as before.
    """
    values = readPrediction(folder / "prediction.json")
    values["input"] = _originalInput(volumeNode, values["input"])
    saliency = _readIfThere(folder / "saliency.nii.gz", lattice)
    mask = _readIfThere(folder / "brain_mask.nii.gz", lattice)
    added: list[Any] = []
    try:
        record = _addText(added, _("brain age record"), volumeNode, "record", json.dumps(values))
        record.SetNodeReferenceID(SCAN, volumeNode.GetID())
        if saliency is not None:
            _addOverlay(added, record, volumeNode, saliency, lattice)
        if mask is not None:
            _addMask(added, record, volumeNode, mask, lattice)
        _addTransform(added, record, volumeNode, folder / "to_template.tfm")
        _addReport(added, record, volumeNode, folder / "report.html")
    except Exception:
        for node in reversed(added):
            _removeWithDisplay(node)
        raise
    earlier = [each for each in findResults() if each.volumeNode is volumeNode]
    for each in earlier:
        if each.recordNode is not record:
            removeResult(each)
    title = _("Brain age of {name}").format(name=volumeNode.GetName())
    hierarchy.place([record], hierarchy.folderBeside(volumeNode, title))
    result = Result(record)
    adopt(result, added[1:])
    return result


def adopt(result: Result, nodes: list[Any]) -> None:
    """Make nodes part of a result: they stand in its folder and go with it."""
    hierarchy.place(nodes, hierarchy.folderOf(result.recordNode))
    for node in nodes:
        result.recordNode.AddNodeReferenceID(OWNED, node.GetID())


def removeResult(result: Result) -> None:
    """Remove all nodes of a result, and its folder when nothing else stands there."""
    folder = hierarchy.folderOf(result.recordNode)
    record = result.recordNode
    count = record.GetNumberOfNodeReferences(OWNED)
    owned = [record.GetNthNodeReference(OWNED, n) for n in range(count)]
    for node in [*owned, record]:
        if node is not None:
            _removeWithDisplay(node)
    hierarchy.removeFolderIfEmpty(folder)


def _removeWithDisplay(node: Any) -> None:
    owned = []
    if node.IsA("vtkMRMLDisplayableNode"):
        owned += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        owned.append(node.GetStorageNode())
    hierarchy.forget(node)
    slicer.mrmlScene.RemoveNode(node)
    for each in owned:
        if each is not None and slicer.mrmlScene.GetNodeByID(each.GetID()) is each:
            slicer.mrmlScene.RemoveNode(each)


def _originalInput(volumeNode: Any, record: dict[str, Any]) -> dict[str, Any]:
    """Take the hand-over file's name out: it is gone, and told nothing."""
    uids = (volumeNode.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    series = database.instanceValue(uids[0], SERIES_UID) if database and uids else None
    return {**record, "path": None, "series_uid": series or record.get("series_uid")}


def _readIfThere(path: Path, lattice: Lattice) -> np.ndarray | None:
    return readArray(path, lattice) if path.is_file() else None


def _add(added: list[Any], className: str, suffix: str, volumeNode: Any, role: str) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass(className, f"{volumeNode.GetName()} {suffix}")
    node.SetAttribute(OURS, role)
    added.append(node)
    return node


def _addText(added: list[Any], suffix: str, volumeNode: Any, role: str, text: str) -> Any:
    node = _add(added, "vtkMRMLTextNode", suffix, volumeNode, role)
    node.SetText(text)
    node.SetForceCreateStorageNode(True)
    return node


def _addOverlay(
    added: list[Any], record: Any, volumeNode: Any, saliency: np.ndarray, lattice: Lattice
) -> None:
    name = _("brain age saliency")
    node = _add(added, "vtkMRMLScalarVolumeNode", name, volumeNode, "overlay")
    slicer.util.updateVolumeFromArray(node, saliency.astype(np.float32))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(lattice.ijkToRAS))
    if lattice.followsScan:
        node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    valueRange = rangeOf(saliency)
    colors = newColorNode(f"{volumeNode.GetName()} {_('brain age saliency colors')}")
    added.append(colors)
    colors.SetAttribute(OURS, "colors")
    fillColorNode(colors, valueRange, 0.0)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colors.GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(valueRange.lowest, valueRange.highest)
    display.SetInterpolate(False)
    record.SetNodeReferenceID(OVERLAY, node.GetID())
    record.SetNodeReferenceID(COLORS, colors.GetID())


def _addMask(
    added: list[Any], record: Any, volumeNode: Any, mask: np.ndarray, lattice: Lattice
) -> None:
    node = _add(added, "vtkMRMLSegmentationNode", _("brain mask"), volumeNode, "mask")
    node.CreateDefaultDisplayNodes()
    carrier = slicer.vtkMRMLLabelMapVolumeNode()
    slicer.util.updateVolumeFromArray(carrier, (mask > 0).astype(np.uint8))
    labelmap = slicer.vtkOrientedImageData()
    labelmap.DeepCopy(carrier.GetImageData())
    labelmap.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(lattice.ijkToRAS))
    node.AddSegmentFromBinaryLabelmapRepresentation(labelmap, _("Brain"), MASK_COLOR, "Brain")
    if lattice.followsScan:
        node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    display = node.GetDisplayNode()
    display.SetAllSegmentsVisibility2DFill(False)
    display.SetAllSegmentsVisibility2DOutline(True)
    display.SetVisibility3D(False)
    display.SetVisibility(False)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    record.SetNodeReferenceID(MASK, node.GetID())


def _addTransform(added: list[Any], record: Any, volumeNode: Any, path: Path) -> None:
    if not path.is_file():
        return
    node = _add(added, "vtkMRMLLinearTransformNode", _("to template"), volumeNode, "toTemplate")
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        added.remove(node)
        slicer.mrmlScene.RemoveNode(node)
        return
    record.SetNodeReferenceID(TO_TEMPLATE, node.GetID())


def _addReport(added: list[Any], record: Any, volumeNode: Any, path: Path) -> None:
    if path.is_file():
        text = path.read_text("utf-8")
        node = _addText(added, _("brain age report"), volumeNode, "report", text)
        record.SetNodeReferenceID(REPORT, node.GetID())
