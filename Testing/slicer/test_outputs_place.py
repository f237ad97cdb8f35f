"""Template and overlay lie where the scan does, moved before, meanwhile or after the run."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

import dicom_volumes
import phantom
import worker_files
from Testing.library.scan.made_dicom import COLUMNS, ROWS, write_slice

HEAD = np.pad(np.full((ROWS - 4, COLUMNS - 4), 300, np.uint16), 2)  # with a brain, for the worker
SHIFT_LPS = np.array([3.0, -4.0, 5.0])  # of the worker's file, from template to scan
POINT = np.array([10.0, 20.0, 30.0])  # of the template, RAS


def inWorld(node, point):
    """Return where a point of a node (mm, its own) is seen."""
    through = vtk.vtkGeneralTransform()
    if node.GetParentTransformNode() is not None:
        node.GetParentTransformNode().GetTransformToWorld(through)
    return np.array(through.TransformPoint(*point))


def whereTheScanShows(node, lattice):
    """Return where the voxel is seen that the worker took for the template's point."""
    from BrainAgeSlicer import volumes

    worker = POINT + SHIFT_LPS * (-1, -1, 1)
    voxel = np.linalg.inv(lattice.ijkToWorld) @ np.r_[worker, 1.0]
    return inWorld(node, (volumes.ijkToRASOf(node) @ voxel)[:3])


def centred(node):
    """Do what *Center volume* does."""
    node.SetOrigin(-50.0, -60.0, -30.0)


def left(_node):
    """Do nothing."""


@pytest.fixture
def done(world, tmp_path, monkeypatch):
    """Return a function that runs a series of files, moved before and while it is at work."""
    from BrainAgeSlicer import handover, scene

    def do(before=left, meanwhile=left):
        for name in ("series", "handed", "output"):
            (tmp_path / name).mkdir()
        for number in range(12):
            write_slice(tmp_path / "series" / f"{number}.dcm", number, HEAD)
        node = dicom_volumes.load(tmp_path / "series", monkeypatch)
        before(node)
        handed = handover.handOver(node, tmp_path / "handed")
        assert handed.isDicom
        worker_files.write(handed.path, tmp_path / "output")
        meanwhile(node)
        return node, handed.lattice, scene.addResult(node, tmp_path / "output", handed.lattice)

    return do


@pytest.mark.parametrize("before", [left, phantom.addLinearParent, centred])
@pytest.mark.parametrize("meanwhile", [left, centred])
def test_the_template_lies_over_the_scan(done, before, meanwhile):
    from BrainAgeSlicer import overlay

    node, lattice, result = done(before, meanwhile)

    template = overlay.templateOverScan(result)

    assert np.allclose(inWorld(template, POINT), whereTheScanShows(node, lattice), atol=1e-3)


def test_the_template_goes_along_with_the_scans_transform(done):
    from BrainAgeSlicer import overlay

    node, lattice, result = done(phantom.addLinearParent)
    template = overlay.templateOverScan(result)

    matrix = np.eye(4)
    matrix[:3, 3] = (5.0, 6.0, 7.0)
    node.GetParentTransformNode().SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))

    assert np.allclose(inWorld(template, POINT), whereTheScanShows(node, lattice), atol=1e-3)


@pytest.mark.parametrize("meanwhile", [centred, lambda node: node.HardenTransform()])
def test_the_overlay_of_a_scan_that_was_moved_meanwhile(done, meanwhile):
    from BrainAgeSlicer import results, volumes

    node, _lattice, result = done(phantom.addLinearParent, meanwhile)
    shown = result.part(results.OVERLAY)

    for voxel in ((0, 0, 0, 1), (3, 2, 1, 1)):
        ours, scans = (
            inWorld(each, (volumes.ijkToRASOf(each) @ voxel)[:3]) for each in (shown, node)
        )
        assert np.allclose(ours, scans, atol=1e-3)
