"""What the worker gets of a volume: its DICOM files as long as it shows them, else its image."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

import dicom_volumes
import phantom
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import place_of, write_frames, write_series, write_slice

PLACES = range(12)


@pytest.fixture
def made(world, tmp_path, monkeypatch):
    """Return a function that writes a series, loads it and hands it over."""
    from BrainAgeSlicer import handover

    def make(write, change=lambda _node: None):
        folder, out = tmp_path / "series", tmp_path / "out"
        out.mkdir()
        write(folder)
        node = dicom_volumes.load(folder, monkeypatch)
        change(node)
        return node, handover.handOver(node, out)

    return make


def unevenSeries(shiftsMm):
    """Return what writes a series whose slices lie off their places by so much."""

    def write(folder):
        folder.mkdir()
        for number, shift in enumerate(shiftsMm):
            position = place_of(number)
            position[2] += float(shift)
            write_slice(folder / f"{number}.dcm", number, ImagePositionPatient=position)

    return write


ROUNDED = np.random.default_rng(3).choice((-0.01, 0.0, 0.01), len(PLACES))
MISSING = np.where(np.arange(len(PLACES)) > 5, 6.0, 0.0)
TILTED = (1.0, 0.0, 0.0, 0.0, 0.9659258, -0.2588190)


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_series(folder, PLACES),
        lambda folder: write_series(folder, PLACES, ImageOrientationPatient=list(TILTED)),
        lambda folder: write_series(folder, PLACES, RescaleSlope=2.5, RescaleIntercept=-3),
        unevenSeries(ROUNDED),
        lambda folder: write_frames(folder / "one.dcm") if not folder.mkdir() else None,
    ],
    ids=["even", "tilted", "rescaled", "rounded to 0.01 mm", "frames of one file"],
)
def test_the_worker_reads_the_files_and_its_outputs_fit(made, write, tmp_path):
    from BrainAgeSlicer import volumes

    node, handed = made(write)

    assert handed.isDicom and not handed.withoutHeader
    scan = read_scan(handed.path)
    assert scan.slice_thickness_mm == 5.0 or node.GetAttribute("DICOM.instanceUIDs").count(" ") == 0
    import SimpleITK as sitk

    sitk.WriteImage(scan.image, str(tmp_path / "output.nii.gz"))
    back = volumes.readArray(tmp_path / "output.nii.gz", handed.lattice)
    assert np.array_equal(back, slicer.util.arrayFromVolume(node))
    assert np.array_equal(handed.lattice.ijkToRAS, volumes.ijkToRASOf(node))


def turnedOver(node) -> None:
    """Turn the stack over, as Slicer does to a left-handed one; the attribute follows."""
    from BrainAgeSlicer import volumes

    voxels = slicer.util.arrayFromVolume(node)
    matrix = volumes.ijkToRASOf(node) @ volumes.reversedSlices(len(voxels))
    slicer.util.updateVolumeFromArray(node, np.array(voxels[::-1]))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    uids = node.GetAttribute("DICOM.instanceUIDs").split()
    node.SetAttribute("DICOM.instanceUIDs", " ".join(uids[::-1]))


@pytest.mark.parametrize("frames", [False, True])
def test_a_stack_that_is_turned_over_gets_its_outputs_turned_over(made, frames, tmp_path):
    import SimpleITK as sitk

    from BrainAgeSlicer import volumes

    def write(folder):
        folder.mkdir()
        write_frames(folder / "one.dcm") if frames else write_series(folder, PLACES)

    node, handed = made(write, turnedOver)

    assert handed.isDicom
    sitk.WriteImage(read_scan(handed.path).image, str(tmp_path / "output.nii.gz"))
    back = volumes.readArray(tmp_path / "output.nii.gz", handed.lattice)
    assert np.array_equal(back, slicer.util.arrayFromVolume(node))


def test_a_missing_slice_is_for_the_worker_to_find(made):
    _node, handed = made(unevenSeries(MISSING))

    assert handed.isDicom
    with pytest.raises(Exception, match="not evenly spaced"):
        read_scan(handed.path)


def test_a_scan_under_a_registration_is_still_its_files(made):
    _node, handed = made(lambda folder: write_series(folder, PLACES), phantom.addLinearParent)

    assert handed.isDicom


def painted(node) -> None:
    slicer.util.arrayFromVolume(node)[3, 4, 5] += 7
    node.Modified()


def respaced(node) -> None:
    node.SetSpacing(0.9, 1.1, 5.0)


def scaled(node) -> None:
    parent = phantom.addLinearParent(node, 0.0)
    matrix = np.diag([1.0, 1.0, 1.1, 1.0])
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))


def forgotten(_node) -> None:
    slicer.dicomDatabase = type(slicer.dicomDatabase)()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (painted, "no longer shows"),
        (respaced, "no longer shows"),
        (scaled, "no longer shows"),
        (phantom.addAcquisitionParent, "no longer shows"),
        (forgotten, "no longer in Slicer's database"),
    ],
)
def test_a_scan_that_was_changed_goes_as_it_is_seen(made, change, why):
    _node, handed = made(lambda folder: write_series(folder, PLACES), change)

    assert not handed.isDicom and why in handed.withoutHeader
    assert handed.path.suffix == ".nrrd" and handed.path.is_file()


def test_a_scan_from_elsewhere_goes_as_its_image(world, tmp_path):
    from BrainAgeSlicer import handover

    handed = handover.handOver(phantom.addHead(), tmp_path)

    assert not handed.isDicom and not handed.withoutHeader


@pytest.mark.parametrize(("largestMm", "isResampled"), [(0.01, False), (0.05, False), (2.0, True)])
def test_rounding_alone_resamples_nothing(world, tmp_path, largestMm, isResampled):
    """Without the files, too: a warp of a hundredth of a millimetre is a header's rounding."""
    from BrainAgeSlicer import volumes

    node = phantom.addHead()
    k = len(slicer.util.arrayFromVolume(node))
    moved = np.random.default_rng(1).choice((-largestMm, largestMm), (k, 3))
    phantom.addAcquisitionParent(node, moved)

    lattice = volumes.exportVolume(node, tmp_path / "scan.nrrd")

    assert lattice.followsScan is not isResampled
    if not isResampled:
        written = volumes.readArray(tmp_path / "scan.nrrd", lattice)
        assert np.array_equal(written, slicer.util.arrayFromVolume(node))
