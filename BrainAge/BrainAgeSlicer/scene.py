"""From the files that the worker left to nodes of the scene."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import InputRecord, Prediction
from BrainAgeLib.report.record import prediction_to_dict, read_prediction
from BrainAgeSlicer import dicomfiles
from BrainAgeSlicer.overlay import showInColors
from BrainAgeSlicer.results import (
    MASK,
    OVERLAY,
    REPORT,
    SCAN,
    TO_TEMPLATE,
    Result,
    adopt,
    findResults,
    keepOutOfTree,
    newFolder,
    putInto,
    removeNode,
    removeResult,
)
from BrainAgeSlicer.volumes import OURS, Lattice, ijkToRASOf, readArray

MASK_COLOR = (0.25, 0.95, 0.85)
SERIES_UID = "0020,000E"  # the DICOM tag


def addResult(volumeNode: Any, folder: Path, lattice: Lattice) -> Result:
    """Bring the worker's files into the scene in place of an earlier result of the same scan.

    Raises BrainAgeError when they cannot be read; then the scene is as before.
    """
    prediction = _readPrediction(folder / "prediction.json")
    prediction = replace(prediction, input=_originalInput(volumeNode, prediction.input))
    text = json.dumps(prediction_to_dict(prediction))
    lattice = _whereItLiesNow(volumeNode, lattice)
    saliency = _readIfThere(folder / "saliency.nii.gz", lattice)
    mask = _readIfThere(folder / "brain_mask.nii.gz", lattice)
    added: list[Any] = []
    try:
        record = _addText(added, _("brain age record"), volumeNode, "record", text)
        record.SetNodeReferenceID(SCAN, volumeNode.GetID())
        if saliency is not None:
            _addOverlay(added, record, volumeNode, saliency, lattice)
        if mask is not None:
            _addMask(added, record, volumeNode, mask, lattice)
        _addTransform(added, record, volumeNode, folder / "to_template.tfm")
        _addReport(added, record, volumeNode, folder / "report.html")
    except Exception:
        for node in reversed(added):
            removeNode(node)
        raise
    earlier = [each for each in findResults() if each.volumeNode is volumeNode]
    for each in earlier:
        if each.recordNode is not record:
            removeResult(each)
    title = _("Brain age of {name}").format(name=volumeNode.GetName())
    putInto(newFolder(volumeNode, title), [record])
    result = Result(record)
    result.noteLattice(lattice)
    adopt(result, added[1:])
    return result


def _whereItLiesNow(volumeNode: Any, lattice: Lattice) -> Lattice:
    """Return the lattice with its voxels where the scan's own are by now.

    While the worker was at work the scan may have been moved, or its transform been hardened.
    """
    image = volumeNode.GetImageData()
    if not lattice.followsScan or image is None or lattice.shape != image.GetDimensions()[::-1]:
        return lattice
    return replace(lattice, ijkToRAS=ijkToRASOf(volumeNode))


def _readPrediction(path: Path) -> Prediction:
    try:
        return read_prediction(path)
    except BrainAgeError as error:
        raise BrainAgeError(
            _("The worker's result cannot be read: {reason}").format(reason=error.message),
            _("run it again"),
        ) from error


def _originalInput(volumeNode: Any, record: InputRecord) -> InputRecord:
    """Take the hand-over file's name out: it is gone, and told nothing."""
    database, uids = dicomfiles.database(), dicomfiles.instanceUIDs(volumeNode)
    series = database.instanceValue(uids[0], SERIES_UID) if database and uids else None
    return replace(record, path=None, series_uid=series or record.series_uid)


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
    name = f"{volumeNode.GetName()} {_('brain age saliency colors')}"
    colors = showInColors(node, saliency, name)
    added.append(colors)
    colors.SetAttribute(OURS, "colors")
    keepOutOfTree(colors)
    record.SetNodeReferenceID(OVERLAY, node.GetID())


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
