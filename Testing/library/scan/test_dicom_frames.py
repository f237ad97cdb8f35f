"""Enhanced MR: one file, many frames."""

import shutil

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import MultiFrameGrayscaleWordSecondaryCaptureImageStorage, RLELossless

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    AXIAL,
    COLUMN_MM,
    CORNER_MM,
    GAP_MM,
    ROW_MM,
    SERIES_UID,
    SLICE_COUNT,
    slice_pixels,
    write_frames,
    write_philips_frames,
)
from Testing.library.scan.made_scans import lps_affine, message_of

STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])
AFFINE = np.eye(4)
AFFINE[:3, :3] = np.diag([COLUMN_MM, ROW_MM, GAP_MM])
AFFINE[:3, 3] = CORNER_MM


def rescaled(slope):
    group = Dataset()
    group.RescaleSlope, group.RescaleIntercept, group.RescaleType = slope, -3, "US"
    return [group]


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("order", [range(6), [5, 4, 3, 2, 1, 0], [0, 2, 4, 1, 3, 5]])
def test_frames_lie_where_they_say_in_whatever_order(tmp_path, order, implicit):
    path = write_frames(
        tmp_path / "s.dcm", order, implicit=implicit, PatientAge="018M", PatientSex="M"
    )

    scan = read_scan(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    np.testing.assert_allclose(lps_affine(scan.image), AFFINE, atol=1e-9)
    assert (scan.slice_thickness_mm, scan.age_years, scan.sex) == (5.0, 1.5, "M")
    assert scan.input.series_uid == SERIES_UID
    assert scan.image.GetMetaDataKeys() == ()


def test_a_file_of_one_frame_each(tmp_path):
    for number in range(SLICE_COUNT):
        path = write_frames(tmp_path / f"{number * 5 % SLICE_COUNT}.dcm", [number])
        data = pydicom.dcmread(path)
        data.PerFrameFunctionalGroupsSequence[0].PixelValueTransformationSequence = rescaled(2.5)
        data.save_as(path)

    scan = read_scan(tmp_path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK * 2.5 - 3)
    np.testing.assert_allclose(lps_affine(scan.image), AFFINE, atol=1e-9)
    assert (scan.slice_thickness_mm, scan.findings) == (5.0, ())


def test_folder_of_one_such_file_is_the_same(tmp_path):
    path = write_frames(tmp_path / "s.dcm")

    assert read_scan(tmp_path).input.sha256 == read_scan(path).input.sha256


def test_compressed_frames(tmp_path):
    path = write_frames(tmp_path / "s.dcm", [5, 4, 3, 2, 1, 0])
    data = pydicom.dcmread(path)
    data.compress(RLELossless)
    data.save_as(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_scan(path).image), STACK)


def test_shared_rescale_slope_is_applied(tmp_path):
    path = write_frames(tmp_path / "s.dcm")
    data = pydicom.dcmread(path)
    data.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = rescaled(2.5)
    data.save_as(path)

    voxels = sitk.GetArrayFromImage(read_scan(path).image)

    np.testing.assert_allclose(voxels, STACK * 2.5 - 3)


def test_of_water_and_fat_in_one_file_water_is_taken(tmp_path):
    path = write_frames(tmp_path / "s.dcm", [*range(SLICE_COUNT)] * 2)
    data = pydicom.dcmread(path)
    for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        kind = Dataset()
        kind.FrameType = ["DERIVED", "PRIMARY", "DIXON", "FAT" if number < SLICE_COUNT else "WATER"]
        kind.ComplexImageComponent = "MAGNITUDE"
        frame.MRImageFrameTypeSequence = [kind]
    data.PixelData = np.concatenate([STACK // 9, STACK]).tobytes()
    data.save_as(path)

    scan = read_scan(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    assert [finding.code for finding in scan.findings] == ["several_volumes"]


def test_a_copy_of_the_file_counts_once(tmp_path):
    path = write_frames(tmp_path / "s.dcm")
    shutil.copy(path, tmp_path / "s (1).dcm")

    scan = read_scan(tmp_path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    assert [finding.code for finding in scan.findings] == ["copied_slices"]


def test_series_must_be_the_one_that_is_asked_for(tmp_path):
    path = write_frames(tmp_path / "s.dcm")

    assert read_scan(path, SERIES_UID).input.series_uid == SERIES_UID
    with pytest.raises(InputError, match="holds no DICOM series 1.2.3"):
        read_scan(path, "1.2.3")


@pytest.mark.parametrize("places", [range(6), [5, 4, 3, 2, 1, 0]])
def test_places_that_a_private_sequence_repeats(tmp_path, places):
    path = write_philips_frames(tmp_path / "s.dcm", places)

    scan = read_scan(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    np.testing.assert_allclose(lps_affine(scan.image), AFFINE, atol=1e-9)
    assert scan.slice_thickness_mm == 5.0


def group(sequence, **values):
    """Return the name of a functional group and what it holds."""
    inner = Dataset()
    for name, value in values.items():
        setattr(inner, name, value)
    return sequence, inner


def echo(milliseconds):
    return group("MREchoSequence", EffectiveEchoTime=milliseconds)


def component(word):
    kind = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    return group("MRImageFrameTypeSequence", FrameType=kind, ComplexImageComponent=word)


def temporal(index):
    return group("FrameContentSequence", TemporalPositionIndex=index)


def acquisition(number):
    return group("FrameContentSequence", FrameAcquisitionNumber=number)


def write_repetitions(path, versions, interleaved=False, implicit=False):
    """Write every slice once for each version, brighter each time; return the path."""
    pairs = [(place, n) for n in range(len(versions)) for place in range(SLICE_COUNT)]
    if interleaved:
        pairs.sort()
    write_frames(path, [place for place, _ in pairs], implicit=implicit)
    data = pydicom.dcmread(path)
    for frame, (_, n) in zip(data.PerFrameFunctionalGroupsSequence, pairs, strict=True):
        name, inner = versions[n]
        setattr(frame, name, [inner])
    pixels = [slice_pixels(place) + np.uint16(2000 * n) for place, n in pairs]
    data.PixelData = np.stack(pixels).tobytes()
    data.save_as(path)
    return path


@pytest.mark.parametrize(("interleaved", "implicit"), [(False, False), (True, True)])
@pytest.mark.parametrize(
    ("versions", "taken", "words"),
    [
        ([echo(80.0), echo(12.5)], 1, "echo time (ms); that of 12.5"),
        ([component("PHASE"), component("MAGNITUDE")], 1, "image type; that of ORIGINAL"),
        ([temporal(3), temporal(1), temporal(2)], 1, "3 volumes that differ in temporal position"),
        ([acquisition(2), acquisition(10)], 0, "acquisition number; that of 2"),
    ],
    ids=["echo", "component", "temporal", "acquisition"],
)
def test_one_repetition_is_taken_and_said_so(
    tmp_path, versions, taken, words, interleaved, implicit
):
    path = write_repetitions(tmp_path / "s.dcm", versions, interleaved, implicit)

    scan = read_scan(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK + 2000 * taken)
    (finding,) = scan.findings
    assert words in finding.message


def test_packages_of_frames_are_one_volume(tmp_path):
    path = write_frames(tmp_path / "s.dcm")
    data = pydicom.dcmread(path)
    for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        name, inner = acquisition(1 + number % 2)
        setattr(frame, name, [inner])
    data.save_as(path)

    scan = read_scan(path)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    assert scan.findings == ()


class TestNotOneVolume:
    def test_missing_frame(self, tmp_path, capfd):
        path = write_frames(tmp_path / "s.dcm", [0, 1, 2, 4, 5])

        assert "12.0 mm between the slices at 19.2 and 31.2 mm" in message_of(path, capfd)

    def test_two_frames_at_one_place(self, tmp_path, capfd):
        path = write_frames(tmp_path / "s.dcm", [0, 1, 2, 0, 1, 2])

        assert "several slices at one place" in message_of(path, capfd)

    def test_frames_of_several_directions(self, tmp_path, capfd):
        turned = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
        path = write_frames(
            tmp_path / "s.dcm", range(4), frame_orientations=[AXIAL, AXIAL, AXIAL, turned]
        )

        assert "differ in direction, size or pixel size" in message_of(path, capfd)

    def test_two_files_of_one_series(self, tmp_path, capfd):
        write_frames(tmp_path / "1.dcm")
        data = pydicom.dcmread(write_frames(tmp_path / "2.dcm"))
        data.PixelData = (STACK + 1).tobytes()
        data.save_as(tmp_path / "2.dcm")

        assert "holds 2 volumes" in message_of(tmp_path, capfd)

    @pytest.mark.parametrize("second", [[4, 5, 6], [4]])
    def test_one_volume_in_two_files(self, tmp_path, capfd, second):
        write_frames(tmp_path / "1.dcm", [0, 1, 2, 3])
        write_frames(tmp_path / "2.dcm", second)

        assert "holds a volume in 2 files" in message_of(tmp_path, capfd)

    def test_frames_without_a_place(self, tmp_path, capfd):
        path = write_frames(
            tmp_path / "s.dcm", object_class=MultiFrameGrayscaleWordSecondaryCaptureImageStorage
        )
        data = pydicom.dcmread(path)
        del data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence
        data.save_as(path)

        assert "does not say where each of its frames lies" in message_of(path, capfd)


class TestDamage:
    def test_file_that_ends_early(self, tmp_path, capfd):
        path = write_frames(tmp_path / "s.dcm")
        path.write_bytes(path.read_bytes()[:-100])

        assert "holds no complete DICOM image" in message_of(path, capfd)

    @pytest.mark.parametrize("count", [7, 10**9])
    def test_header_that_promises_more_frames(self, tmp_path, capfd, count):
        path = write_frames(tmp_path / "s.dcm")
        data = pydicom.dcmread(path)
        data.NumberOfFrames = count
        data.save_as(path)

        assert "holds no complete DICOM image" in message_of(path, capfd)
