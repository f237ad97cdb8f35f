"""The worker's files in the scene: nodes, geometry, pictures, saving, and back to nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk

import offscreen
import phantom
import worker_files
from dicom_database import DicomDatabase
from worker_files import addResult

PARENTS = {
    "none": lambda _node: None,
    "linear": phantom.addLinearParent,
    "acquisition": phantom.addAcquisitionParent,
}


@pytest.fixture(params=list(PARENTS))
def scan(world, request):
    """An oblique thick-slice head under each kind of parent."""
    node = phantom.addHead()
    PARENTS[request.param](node)
    node.kind = request.param
    return node


def rendered(world, folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return pictures of all views, and keep them to be looked at."""
    pictures = {view: world.view(view).picture() for view in offscreen.VIEW_NAMES}
    for view, picture in pictures.items():
        offscreen.savePicture(picture, folder / f"{name}_{view}.png")
    return pictures


def orange(picture: np.ndarray) -> np.ndarray:
    """Return which pixels the overlay makes orange."""
    red, _green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return red - blue > 50


def outline(picture: np.ndarray) -> np.ndarray:
    """Return which pixels belong to the brain's outline."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return (green > 200) & (red < 120) & (blue > 150)


def test_the_overlay_lies_on_the_brain(world, scan, tmp_path, pictures):
    """Rendered: the overlay inside the mask's outline, its orange end on the scan's bright spot."""
    from BrainAgeSlicer import overlay, results, sliceviews

    result = addResult(scan, tmp_path)
    views = sliceviews.SliceViews()
    views.show(scan, result.part(results.OVERLAY), 1.0)
    overlay.setThreshold(result.part(results.OVERLAY), 0.15)
    plain = rendered(world, pictures, f"overlay_{scan.kind}")["Red"]
    overlay.setOutlineVisible(result, True)
    outlined = rendered(world, pictures, f"outline_{scan.kind}")["Red"]
    overlay.setOutlineVisible(result, False)
    slicer.util.setSliceViewerLayers(foreground=None)
    bare = world.view("Red").picture()
    rightOf = round((1 - sliceviews.LEGEND_PART) * offscreen.VIEW_SIZE)
    for view in offscreen.VIEW_NAMES:  # nothing of the head is where the legend stands
        assert world.view(view).picture()[:, rightOf:].max() < 30
    bright = bare[..., 0] > 225  # the marked spot at the front left
    scalp = np.zeros_like(bright)
    edge = outline(outlined)
    rows, columns = np.nonzero(edge)
    assert len(rows) > 200
    scalp[: rows.min()] = scalp[rows.max() :] = True
    scalp[:, : columns.min()] = scalp[:, columns.max() :] = True
    spot, painted = bright & ~scalp, orange(plain)
    assert painted.any() and not (painted & scalp).any()
    assert spot.sum() > 50
    distance = np.linalg.norm(center(spot) - center(painted))
    assert distance < 8, f"the overlay is {distance:.0f} pixels off"
    assert onTheBrainsEdge(bare, edge) > 0.9
    views.restore()


def center(mask: np.ndarray) -> np.ndarray:
    return np.array(np.nonzero(mask)).mean(axis=1)


def onTheBrainsEdge(bare: np.ndarray, edge: np.ndarray, reach: int = 4) -> float:
    """Return the part of the outline that has both dark skull and bright tissue within reach."""
    grey = bare[..., 0].astype(int)
    places = np.argwhere(edge)
    places = places[places[:, 1] < 300]  # the legend stands at the right
    windows = [grey[r - reach : r + reach + 1, c - reach : c + reach + 1] for r, c in places]
    both = [window.min() < 50 and 120 < np.median(window[window > 100]) < 200 for window in windows]
    return float(np.mean(both))


def test_the_overlay_is_on_the_scans_own_lattice(world, scan, tmp_path):
    from BrainAgeSlicer import results, volumes

    result = addResult(scan, tmp_path)
    overlay = result.part(results.OVERLAY)
    if scan.kind == "acquisition":
        assert overlay.GetParentTransformNode() is None
        return
    assert overlay.GetImageData().GetDimensions() == scan.GetImageData().GetDimensions()
    assert np.allclose(volumes.ijkToRASOf(overlay), volumes.ijkToRASOf(scan))
    assert overlay.GetParentTransformNode() is scan.GetParentTransformNode()


def test_the_scan_itself_is_not_touched(world, scan, tmp_path):
    from BrainAgeSlicer import volumes

    before = slicer.util.arrayFromVolume(scan).copy()
    matrix, parent = volumes.ijkToRASOf(scan), scan.GetParentTransformNode()
    nodes = world.scene.GetNumberOfNodes()
    volumes.exportVolume(scan, tmp_path / "scan.nrrd")
    assert world.scene.GetNumberOfNodes() == nodes
    assert scan.GetStorageNode() is None
    assert (slicer.util.arrayFromVolume(scan) == before).all()
    assert np.array_equal(volumes.ijkToRASOf(scan), matrix)
    assert scan.GetParentTransformNode() is parent


def test_a_shearing_parent_is_resampled(world, tmp_path):
    from BrainAgeSlicer import volumes

    node = phantom.addHead()
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shear")
    matrix = np.eye(4)
    matrix[0, 1] = 0.2
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(parent.GetID())
    lattice = volumes.exportVolume(node, tmp_path / "scan.nrrd")
    assert not lattice.followsScan
    result = addResult(node, tmp_path)
    assert result.prediction.brain_age_years == 67.4


def test_the_record_is_the_librarys(world, tmp_path):
    node = phantom.addHead()
    prediction = addResult(node, tmp_path).prediction
    assert prediction.interval_years == (57.1, 77.9)
    assert prediction.correction.people == 601
    assert prediction.quality.verdict == "warn"
    assert prediction.input.path is None  # the hand-over file's name tells nothing


@pytest.mark.parametrize(
    ("instances", "series"), [({"1.2.3": {"0020,000E": "1.2"}}, "1.2"), ({}, None)]
)
def test_a_scan_from_dicom_keeps_its_series(world, tmp_path, monkeypatch, instances, series):
    """Without the series where the database no longer knows the scan."""
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase(instances))
    node = phantom.addHead()
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    assert addResult(node, tmp_path).prediction.input.series_uid == series


def test_a_refusal_has_a_record_and_no_overlay(world, tmp_path):
    from BrainAgeSlicer import results

    result = addResult(phantom.addHead(), tmp_path, worker_files.refusal())
    assert result.prediction.brain_age_years is None
    assert result.part(results.OVERLAY) is None and result.part(results.MASK) is not None


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "prediction.json").unlink(),
        lambda folder: (folder / "prediction.json").write_text("{"),
        lambda folder: (folder / "prediction.json").write_text(json.dumps({"notice": ""})),
        lambda folder: (folder / "brain_mask.nii.gz").write_bytes(b"no image"),
        lambda folder: (folder / "report.html").write_bytes(b"\xff\xfe\x00"),
    ],
)
def test_damaged_files_leave_the_scene_as_it_was(world, tmp_path, damage):
    from BrainAgeSlicer import scene, volumes

    node = phantom.addHead()
    lattice = volumes.exportVolume(node, tmp_path / "scan.nrrd")
    worker_files.write(tmp_path / "scan.nrrd", tmp_path)
    damage(tmp_path)
    before = world.scene.GetNumberOfNodes()
    with pytest.raises(Exception, match=r"."):
        scene.addResult(node, tmp_path, lattice)
    assert world.scene.GetNumberOfNodes() == before


def test_removing_a_result_leaves_nothing(world, tmp_path):
    from BrainAgeSlicer import overlay, results
    from BrainAgeSlicer.plot import addChart

    node = phantom.addHead()
    before = world.scene.GetNumberOfNodes()
    result = addResult(node, tmp_path)
    addChart(result, None)
    overlay.setLegendVisible(result.part(results.OVERLAY), True)
    overlay.templateOverScan(result)
    results.removeResult(result)
    assert world.scene.GetNumberOfNodes() == before
    assert results.findResults() == []


def test_results_stand_in_a_folder_beside_the_scan(world, tmp_path):
    node = phantom.addHead()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(world.scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    item = hierarchy.CreateItem(study, node)
    result = addResult(node, tmp_path)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result.recordNode))
    assert hierarchy.GetItemName(folder) == "Brain age of T1 axial"
    assert hierarchy.GetItemParent(folder) == hierarchy.GetItemParent(item) == study
    assert hierarchy.GetNumberOfItemChildren(folder) == 6
    assert shownIn(hierarchy, folder) == [
        "T1 axial brain age record",
        "T1 axial brain age saliency",
        "T1 axial brain mask",
        "T1 axial to template",
        "T1 axial brain age report",
    ]


def shownIn(hierarchy, folder: int) -> list[str]:
    """Return what a user sees in a folder, without the nodes that only serve others."""
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(folder, items)
    nodes = [hierarchy.GetItemDataNode(items.GetId(n)) for n in range(items.GetNumberOfIds())]
    hidden = slicer.vtkMRMLSubjectHierarchyConstants
    attribute = hidden.GetSubjectHierarchyExcludeFromTreeAttributeName()
    return [node.GetName() for node in nodes if not node.GetAttribute(attribute)]


def test_the_template_fits_where_the_registration_puts_it(world, tmp_path):
    """The file maps template points to scan points (LPS); the template has to move likewise."""
    import vtk

    from BrainAgeSlicer import overlay

    node = phantom.addHead()
    template = overlay.templateOverScan(addResult(node, tmp_path))
    toWorld = vtk.vtkGeneralTransform()
    template.GetParentTransformNode().GetTransformToWorld(toWorld)
    # The worker's file moves by (3, -4, 5) in LPS, which is (-3, 4, 5) in RAS.
    assert np.allclose(toWorld.TransformPoint(10.0, 20.0, 30.0), (7.0, 24.0, 35.0))


def test_a_saved_scene_shows_the_same_picture(world, scan, tmp_path, pictures):
    from BrainAgeSlicer import overlay, results, sliceviews

    result = addResult(scan, tmp_path)
    overlay.setThreshold(result.part(results.OVERLAY), 0.3)

    def show(found) -> np.ndarray:
        views = sliceviews.SliceViews()
        views.show(found.volumeNode, found.part(results.OVERLAY), 0.7)
        overlay.setLegendVisible(found.part(results.OVERLAY), True)
        overlay.setOutlineVisible(found, True)
        return rendered(world, pictures, f"saved_{scan.kind}")["Red"]

    before = show(result)
    overlay.setOutlineVisible(result, False)
    path = tmp_path / "scene.mrb"
    assert world.scene.WriteToMRB(str(path))
    world.clear()
    assert results.findResults() == []
    assert world.scene.ReadFromMRB(str(path))
    after = show(results.findResults()[0])
    changed = np.abs(after.astype(int) - before).max(axis=-1) > 40
    assert changed.mean() < 0.002
