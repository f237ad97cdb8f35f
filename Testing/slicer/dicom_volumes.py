"""Series as Slicer's DICOM module brings them into the scene, with the database that has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import slicer

import phantom
from dicom_database import DicomDatabase

LEAST_UNEVENNESS_MM = 1e-3  # from which on Slicer adds an acquisition transform


def load(folder: Path, monkeypatch: Any, name: str = "T1 tse tra") -> Any:
    """Load a series of one slice a file, or of one file; return the volume.

    As the module does it: its own reader, the instances' UIDs in the order of the slices, and an
    acquisition transform where the slices lie elsewhere than on the reader's lattice.
    """
    headers = {path: pydicom.dcmread(path) for path in sorted(folder.iterdir())}
    ordered = sorted(headers, key=lambda path: _height(headers[path]))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(ordered[0]))
    for path in ordered if len(ordered) > 1 else ():
        storage.AddFileName(str(path))
    storage.SetSingleFile(0)
    assert storage.ReadData(node)
    node.CreateDefaultDisplayNodes()
    uids = [str(headers[path].SOPInstanceUID) for path in ordered]
    node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    instances = {str(data.SOPInstanceUID): _values(data) for data in headers.values()}
    files = {str(data.SOPInstanceUID): str(path) for path, data in headers.items()}
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase(instances, files))
    if len(ordered) > 1:
        _addAcquisitionParent(node, [headers[path].ImagePositionPatient for path in ordered])
    return node


def _addAcquisitionParent(node: Any, positions: Any) -> None:
    from BrainAgeSlicer import volumes

    told = np.array(positions, dtype=float) * (-1, -1, 1)
    numbers = np.arange(len(told))
    matrix = volumes.ijkToRASOf(node)
    moved = told - (matrix[:3, 3] + numbers[:, None] * matrix[:3, 2])
    if np.abs(moved).max() > LEAST_UNEVENNESS_MM:
        phantom.addAcquisitionParent(node, moved)


def _height(data: Any) -> float:
    if "ImagePositionPatient" not in data:
        return 0.0
    orientation = np.array(data.ImageOrientationPatient, dtype=float)
    normal = np.cross(orientation[:3], orientation[3:])
    return float(normal @ np.array(data.ImagePositionPatient, dtype=float))


def _values(data: Any) -> dict[str, str]:
    """Return the texts of a header's plain elements, as the database has them."""
    texts = {}
    for each in data:
        if each.VR not in ("SQ", "OW", "OB", "UN"):
            values = each.value if isinstance(each.value, pydicom.multival.MultiValue) else None
            text = "\\".join(map(str, values)) if values is not None else str(each.value)
            texts[f"{each.tag.group:04X},{each.tag.element:04X}"] = text
    return texts
