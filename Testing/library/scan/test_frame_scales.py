"""Frames of one file that are not scaled alike."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import SLICE_COUNT, slice_pixels, write_frames
from Testing.library.scan.made_scans import message_of

STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])


def rescaled(slope):
    group = Dataset()
    group.RescaleSlope, group.RescaleIntercept, group.RescaleType = slope, -3, "US"
    return [group]


@pytest.mark.parametrize("slopes", [(2.5, 2.5, 2.5), (0.5, 1.0, 0.25), (4096.25, 1.0, 1e-3)])
def test_each_frame_has_its_own_scale(tmp_path, slopes):
    path = write_frames(tmp_path / "s.dcm", [5, 4, 3, 2, 1, 0])
    data = pydicom.dcmread(path)
    of_frames = [slopes[number % 3] for number in range(SLICE_COUNT)]
    for group, slope in zip(data.PerFrameFunctionalGroupsSequence, of_frames, strict=True):
        group.PixelValueTransformationSequence = rescaled(slope)
    data.save_as(path)

    voxels = sitk.GetArrayFromImage(read_scan(path).image)

    expected = STACK * np.array(of_frames[::-1])[:, None, None] - 3
    np.testing.assert_allclose(voxels, expected, rtol=1e-6, atol=1e-6)


def test_a_phase_of_another_scale_does_not_matter(tmp_path):
    path = write_frames(tmp_path / "s.dcm", [*range(SLICE_COUNT), *range(SLICE_COUNT)])
    data = pydicom.dcmread(path)
    for number, group in enumerate(data.PerFrameFunctionalGroupsSequence):
        is_phase = number < SLICE_COUNT
        kind = Dataset()
        kind.ComplexImageComponent = "PHASE" if is_phase else "MAGNITUDE"
        group.MRImageFrameTypeSequence = [kind]
        group.PixelValueTransformationSequence = rescaled(1.5 if is_phase else 0.25)
    data.save_as(path)

    scan = read_scan(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK * 0.25 - 3)
    assert [finding.code for finding in scan.findings] == ["several_volumes"]


def test_inverse_frames_that_are_not_scaled_alike(tmp_path, capfd):
    path = write_frames(tmp_path / "s.dcm", PhotometricInterpretation="MONOCHROME1")
    data = pydicom.dcmread(path)
    for number, group in enumerate(data.PerFrameFunctionalGroupsSequence):
        group.PixelValueTransformationSequence = rescaled(1 + number)
    data.save_as(path)

    assert "are not scaled alike" in message_of(path, capfd)
