"""The scan on its way out of the scene: is it one, where does it lie, and a copy for the worker."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.whole_file import is_device

OURS = "BrainAge.Role"  # attribute of every node that we made
LEAST_VOXELS_ACROSS = 8  # in a slice; a scout or a single line is no head
LARGEST_SHEAR = 1e-3  # cosine between voxel axes; a scanner's own rounding stays below
LARGEST_LATTICE_ERROR_MM = 0.1
LONGEST_NAME = 60
WARP_POINTS_ACROSS = 9  # where a warp is looked at along each side of a slice

_fingerprints: dict[int, str] = {}  # by VTK's time of an image's last change, which comes only once


@dataclass(frozen=True)
class Lattice:
    """A voxel grid on which the worker's outputs lie.

    ``ijkToRAS``: 4 x 4, voxel indices (i, j, k) to mm as a node stores it; ``ijkToWorld``: the same
    to the world when the scan was written. ``shape``: (k, j, i). ``followsScan``: it is the scan's
    own lattice, so the outputs belong under the scan's parent transform; otherwise in the world.
    ``nearMm``: how far from ``ijkToWorld`` the worker may lay its outputs.
    """

    ijkToRAS: np.ndarray
    ijkToWorld: np.ndarray
    shape: tuple[int, int, int]
    followsScan: bool
    nearMm: float = LARGEST_LATTICE_ERROR_MM


def whyNotUsable(node: Any) -> str:
    """Return a sentence that says why a node cannot be taken, or an empty string."""
    if node is None:
        return _("Select the T1 volume to predict from.")
    if not hasattr(node, "GetScene"):  # a script's: the name of a node, say
        return _("{thing} is not a node of the scene.").format(thing=repr(node))
    if node.GetScene() is None:
        return _("{name} is no longer in the scene.").format(name=node.GetName())
    if not node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _("{name} is not a grey-scale image.").format(name=node.GetName())
    if node.IsA("vtkMRMLDiffusionTensorVolumeNode") or node.IsA("vtkMRMLVectorVolumeNode"):
        return _("{name} has more than one value per voxel; one T1 image is needed.").format(
            name=node.GetName()
        )
    if node.GetAttribute(OURS):
        return _("{name} is a result of this module, not a scan.").format(name=node.GetName())
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return _("{name} holds no image.").format(name=node.GetName())
    if image.GetNumberOfScalarComponents() != 1:
        return _("{name} has more than one value per voxel; one T1 image is needed.").format(
            name=node.GetName()
        )
    if sorted(image.GetDimensions())[1] < LEAST_VOXELS_ACROSS:
        return _("{name} is too small to hold a head: {size} voxels.").format(
            name=node.GetName(), size=" x ".join(str(n) for n in image.GetDimensions())
        )
    return ""


def usableVolumes() -> list[Any]:
    """Return the volumes of the scene that can be predicted from."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [node for node in nodes if not whyNotUsable(node)]


def volumeToStartWith() -> Any:
    """Return the volume that the slice views show if it can be used, else the first that can."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    shown = {composite.GetBackgroundVolumeID() for composite in composites}
    nodes = usableVolumes()
    return next((node for node in nodes if node.GetID() in shown), nodes[0] if nodes else None)


def exportVolume(node: Any, path: Path) -> Lattice:
    """Write a volume as it lies in the world; return the lattice on which the outputs will lie.

    A rigid parent only turns the lattice, so the outputs go back under it, as they do under one
    that moves no voxel by more than headers are rounded. A warping or shearing one (the
    "acquisition transform" of unevenly spaced slices) needs resampling; then the outputs lie in the
    world, where the scan is seen. The user's nodes keep everything, their storage node included.

    Raises BrainAgeError when the file cannot be written.
    """
    _scene, copy, storage = sceneOfOurOwn()
    copy.SetAndObserveImageData(node.GetImageData())
    own = ijkToRASOf(node)
    parent = node.GetParentTransformNode()
    straight = _straightInWorld(node, own)
    followsScan = parent is None or straight is not None
    ijkToWorld = own if straight is None else straight
    if parent is None and _isSheared(own):
        raise BrainAgeError(
            _("The voxel axes of {name} are not at right angles.").format(name=node.GetName()),
            _("resample the volume first"),
        )
    copy.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijkToWorld))
    if not followsScan:
        toWorld = vtk.vtkGeneralTransform()
        parent.GetTransformToWorld(toWorld)
        copy.ApplyNonLinearTransform(toWorld)
    storage.SetFileName(str(path))
    storage.SetUseCompression(False)
    if not storage.WriteData(copy):
        raise BrainAgeError(
            _("The scan could not be written to {folder}.").format(folder=path.parent),
            _("free some disk space"),
        )
    final = ijkToRASOf(copy)
    i, j, k = copy.GetImageData().GetDimensions()
    return Lattice(own if followsScan else final, final, (k, j, i), followsScan)


def ijkToRASOf(node: Any) -> np.ndarray:
    """Return the 4 x 4 matrix from voxel indices to mm under the node's parent."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array(slicer.util.arrayFromVTKMatrix(matrix))


def fingerprintOf(node: Any) -> str:
    """Return what tells the voxels of a volume from others; empty where there are none."""
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return ""
    changed = image.GetMTime()
    if changed not in _fingerprints:
        # Single precision, whatever the type: a saved scene may come back with another one.
        voxels = np.ascontiguousarray(slicer.util.arrayFromVolume(node), dtype=np.float32)
        _fingerprints[changed] = f"{zlib.crc32(voxels.data):08x}"
    return _fingerprints[changed]


def fileNameOf(node: Any) -> str:
    """Return a volume's name as every file system takes it, without a suffix."""
    name = re.sub(r"[^A-Za-z0-9 ()+=-]+", "_", node.GetName() or "")
    short = name.strip(" _-")[:LONGEST_NAME].rstrip() or "scan"
    return f"_{short}" if is_device(short) else short


def sourceFile(node: Any) -> str:
    """Return the file that a volume was loaded from, or an empty string."""
    storage = node.GetStorageNode()
    return str((storage.GetFileName() if storage else "") or "")


def writeArray(array: np.ndarray, ijkToWorld: np.ndarray, path: Path) -> None:
    """Write an array (k, j, i) as an image. Raises BrainAgeError when it cannot be written."""
    _scene, node, storage = sceneOfOurOwn()
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(array))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijkToWorld))
    storage.SetFileName(str(path))
    if not storage.WriteData(node):
        raise BrainAgeError(
            _("{name} could not be written.").format(name=path.name), _("free some disk space")
        )


def readArray(path: Path, lattice: Lattice) -> np.ndarray:
    """Read an output of the worker as a (k, j, i) array on ``lattice``.

    Raises BrainAgeError when it cannot be read or does not lie on the lattice: a map on the wrong
    place is worse than none.
    """
    # Not by SimpleITK: importing it would stop the window for a moment.
    _scene, node, storage = sceneOfOurOwn()
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        raise BrainAgeError(_("{name} cannot be read.").format(name=path.name), _("run it again"))
    array = np.array(slicer.util.arrayFromVolume(node))
    ijkToRAS = ijkToRASOf(node)
    if array.shape == lattice.shape:
        if _liesOn(lattice, ijkToRAS):
            return array
        if _liesOn(lattice, ijkToRAS @ reversedSlices(len(array))):
            return array[::-1]  # a series is stacked upwards, however Slicer has it
    raise BrainAgeError(_("{name} does not lie on the grid of the scan.").format(name=path.name))


def sceneOfOurOwn() -> tuple[Any, Any, Any]:
    """Return a scene, a volume and its storage node; the user's scene sees nothing of them."""
    scene = slicer.vtkMRMLScene()
    node, storage = slicer.vtkMRMLScalarVolumeNode(), slicer.vtkMRMLVolumeArchetypeStorageNode()
    scene.AddNode(node)
    scene.AddNode(storage)
    return scene, node, storage


def toWorld(node: Any, points: np.ndarray) -> np.ndarray:
    """Return points (n, 3) that are given in mm under a node's parent where they lie in the world.

    Through any parents there are, warping ones too.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return points
    through = vtk.vtkGeneralTransform()
    parent.GetTransformToWorld(through)
    return np.array([through.TransformPoint(*point) for point in np.asarray(points, dtype=float)])


def reversedSlices(count: int) -> np.ndarray:
    """Return 4 x 4, from voxel indices to those of the same voxels in a stack turned over."""
    matrix = np.eye(4)
    matrix[2, 2:] = -1.0, count - 1.0
    return matrix


def _liesOn(lattice: Lattice, ijkToWorld: np.ndarray) -> bool:
    k, j, i = lattice.shape
    corners = np.array([[0, 0, 0], [i - 1, 0, 0], [0, j - 1, 0], [0, 0, k - 1]])
    away = (lattice.ijkToWorld - ijkToWorld)[:3] @ np.c_[corners, np.ones(4)].T
    return bool(np.abs(away).max() <= lattice.nearMm)


def _straightInWorld(node: Any, ijkToRAS: np.ndarray) -> np.ndarray | None:
    """Return the right-angled lattice (4 x 4) that a node's voxels have in the world, or None.

    Slicer puts a series under a warp from 0.001 mm of unevenness on, which the rounding of headers
    alone makes: voxels within a tenth of a millimetre of a lattice lie on it.
    """
    parent = node.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        matrix = _worldFromParent(parent) @ ijkToRAS
        return None if _isSheared(matrix) else matrix
    i, j, k = node.GetImageData().GetDimensions()
    across = [np.linspace(0, count - 1, WARP_POINTS_ACROSS) for count in (i, j)]
    indices = np.stack(np.meshgrid(*across, np.arange(k), indexing="ij"), axis=-1).reshape(-1, 3)
    known = np.c_[indices, np.ones(len(indices))]
    inWorld = toWorld(node, known @ ijkToRAS[:3].T)
    fitted, _rest, rank, _sizes = np.linalg.lstsq(known, inWorld, rcond=None)
    if rank < len(ijkToRAS) or np.abs(known @ fitted - inWorld).max() > LARGEST_LATTICE_ERROR_MM:
        return None
    matrix = np.r_[fitted.T, [[0.0, 0.0, 0.0, 1.0]]]
    return None if _isSheared(matrix) else matrix


def _worldFromParent(parent: Any) -> np.ndarray:
    if parent is None:
        return np.eye(4)
    return np.asarray(slicer.util.arrayFromTransformMatrix(parent, toWorld=True))


def _isSheared(ijkToRAS: np.ndarray) -> bool:
    axes = ijkToRAS[:3, :3] / np.linalg.norm(ijkToRAS[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > LARGEST_SHEAR)
