"""Heads made of ellipsoids: a scan whose brain is known exactly."""

from __future__ import annotations

import numpy as np
import slicer
import slicer.util

SHAPE = (22, 96, 80)  # (k, j, i): a thick-slice axial scan
SPACING_MM = (2.4, 2.4, 7.0)
BRAIN_RADII_MM = (66.0, 84.0, 60.0)
OBLIQUE_DEGREES = 17.0


def rotation(degrees: float) -> np.ndarray:
    """Return a 3 x 3 rotation about the left-right axis, as a tilted axial acquisition has."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def ijkToRAS(degrees: float = OBLIQUE_DEGREES) -> np.ndarray:
    """Return the 4 x 4 matrix of the phantom's lattice: LPS-ordered columns and rows, centred."""
    axes = rotation(degrees) @ np.diag([-1.0, -1.0, 1.0]) * np.array(SPACING_MM)
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ ((np.array(SHAPE[::-1]) - 1) / 2)
    return matrix


def world(matrix: np.ndarray, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return (k, j, i, 3) RAS positions of all voxels."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ matrix.T
    return points[..., :3]


def inEllipsoid(
    points: np.ndarray, radii: tuple[float, ...], center: tuple[float, ...]
) -> np.ndarray:
    """Return which points lie inside."""
    return (((points - np.array(center)) / np.array(radii)) ** 2).sum(-1) < 1


def brainOf(points: np.ndarray) -> np.ndarray:
    """Return which points lie in the brain."""
    return inEllipsoid(points, BRAIN_RADII_MM, (0, 0, 0))


def imageOf(points: np.ndarray) -> np.ndarray:
    """Return T1-like grey values at points: skull dark, scalp bright, ventricles dark, and one
    bright spot at the front left, so that a flip cannot hide."""
    image = np.zeros(points.shape[:-1], dtype=np.int16)
    image[inEllipsoid(points, (76.0, 95.0, 72.0), (0, 0, 0))] = 420
    image[inEllipsoid(points, (71.0, 90.0, 66.0), (0, 0, 0))] = 60
    image[brainOf(points)] = 300
    image[inEllipsoid(points, (52.0, 68.0, 46.0), (0, 0, 0))] = 380
    image[inEllipsoid(points, (14.0, 30.0, 16.0), (0, -5, 5))] = 90
    image[inEllipsoid(points, (9.0, 9.0, 18.0), (-28, 35, 8))] = 520
    return image


def addHead(name: str = "T1 axial", degrees: float = OBLIQUE_DEGREES):
    """Add an oblique thick-slice head to the scene."""
    matrix = ijkToRAS(degrees)
    return addVolume(name, imageOf(world(matrix)), matrix)


def addVolume(name: str, voxels: np.ndarray, matrix: np.ndarray):
    """Add a volume to the scene."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, voxels)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.0, 550.0)
    return node


def addLinearParent(node, degrees: float = 25.0):
    """Put a node under a rotation and a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(degrees)
    matrix[:3, 3] = (12.0, -20.0, 9.0)
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "linear")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(parent.GetID())
    return parent


def addAcquisitionParent(node, moved=None):
    """Put a node under a grid transform that spaces its slices unevenly, as the DICOM module does.

    ``moved``: (k, 3) mm that the transform moves each slice by in RAS; when it is not given, the
    upper half is pushed up by 14 mm, little by little, as for a series with a gap.
    """
    import vtk

    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "acquisition")
    matrix = slicer.util.arrayFromVTKMatrix(_matrixOf(node))
    grid = vtk.vtkImageData()
    i, j, k = node.GetImageData().GetDimensions()
    grid.SetDimensions(2, 2, k)
    grid.AllocateScalars(vtk.VTK_DOUBLE, 3)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    if moved is None:
        push = 14.0 * np.clip((np.arange(k) - k / 2) / (k / 2), 0, None)
        moved = push[:, None] * matrix[:3, 2] / spacing[2]
    from vtkmodules.util.numpy_support import vtk_to_numpy

    displacement = vtk_to_numpy(grid.GetPointData().GetScalars()).reshape(k, 2, 2, 3)
    displacement[:] = np.asarray(moved)[:, None, None, :]
    grid.SetOrigin(matrix[:3, 3])
    grid.SetSpacing(spacing[0] * (i - 1), spacing[1] * (j - 1), spacing[2])
    transform = slicer.vtkOrientedGridTransform()
    directions = np.eye(4)
    directions[:3, :3] = matrix[:3, :3] / spacing
    transform.SetGridDirectionMatrix(slicer.util.vtkMatrixFromArray(directions))
    transform.SetDisplacementGridData(grid)
    parent.SetAndObserveTransformToParent(transform)
    node.SetAndObserveTransformNodeID(parent.GetID())
    return parent


def _matrixOf(node):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix
