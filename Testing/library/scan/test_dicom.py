"""Series in a folder, through the same door as every other scan."""

import hashlib

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.dicom_header import read_dicom_header
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    COLUMN_MM,
    COLUMNS,
    CORNER_MM,
    GAP_MM,
    ROW_MM,
    ROWS,
    SERIES_UID,
    SLICE_COUNT,
    place_of,
    slice_pixels,
    write_report,
    write_series,
    write_slice,
)
from Testing.library.scan.made_scans import SLIGHT_TILT, error_of, lps_affine, rotation, write_nifti

OTHER_UID = SERIES_UID + "0"  # begins like the first: the two must not be mixed up
STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = tuple(rotation(SLIGHT_TILT)[:, :2].T.ravel().round(6).tolist())


def voxels_of(scan):
    return sitk.GetArrayFromImage(scan.image)


class TestSeries:
    @pytest.mark.parametrize("orientation", [(1.0, 0, 0, 0, 1.0, 0), SAGITTAL, OBLIQUE])
    def test_voxels_lie_where_the_header_says(self, tmp_path, orientation):
        folder = write_series(tmp_path / "s", ImageOrientationPatient=list(orientation))

        scan = read_scan(folder)

        along_row, along_column = np.reshape(orientation, (2, 3))
        normal = np.cross(along_row, along_column)
        affine = lps_affine(scan.image)
        np.testing.assert_array_equal(voxels_of(scan), STACK)
        np.testing.assert_allclose(affine[:3, 0], along_row * COLUMN_MM, atol=1e-5)
        np.testing.assert_allclose(affine[:3, 1], along_column * ROW_MM, atol=1e-5)
        np.testing.assert_allclose(affine[:3, 2], normal * GAP_MM, atol=1e-5)
        np.testing.assert_allclose(affine[:3, 3], CORNER_MM)

    def test_files_are_ordered_by_position(self, tmp_path):
        order = [3, 0, 5, 1, 4, 2]
        folder = write_series(tmp_path / "s", order)

        scan = read_scan(folder)

        np.testing.assert_array_equal(voxels_of(scan), STACK)
        by_position = [folder / f"IM{order.index(number):04}" for number in range(SLICE_COUNT)]
        content = b"".join(path.read_bytes() for path in by_position)
        assert scan.input.path == str(folder)
        assert scan.input.sha256 == hashlib.sha256(content).hexdigest()
        assert scan.input.series_uid == SERIES_UID

    def test_facts_of_the_header_are_read(self, tmp_path):
        folder = write_series(tmp_path / "s", PatientAge="063Y", PatientSex="F")

        scan = read_scan(folder)

        assert (scan.slice_thickness_mm, scan.age_years, scan.sex) == (5.0, 63.0, "F")
        assert scan.image.GetMetaDataKeys() == ()

    def test_files_without_preamble_are_read(self, tmp_path):
        for path in write_series(tmp_path / "s").iterdir():
            data = pydicom.dcmread(path)
            plain = pydicom.Dataset({element.tag: element for element in data})
            pydicom.dcmwrite(
                path, plain, implicit_vr=True, little_endian=True, enforce_file_format=False
            )

        np.testing.assert_array_equal(voxels_of(read_scan(tmp_path / "s")), STACK)

    def test_other_files_in_the_folder_are_passed_over(self, tmp_path):
        folder = write_series(tmp_path / "s")
        (folder / "notes.txt").write_text("hello")
        (folder / "empty").touch()
        (folder / "inner").mkdir()
        write_slice(folder / "inner" / "IM", 9)
        write_nifti(folder / "s.nii.gz")
        write_report(folder / "report.dcm")

        assert read_scan(folder).image.GetSize() == (COLUMNS, ROWS, SLICE_COUNT)


class TestSeveralSeries:
    @pytest.fixture
    def folder(self, tmp_path):
        write_series(tmp_path / "s", SeriesDescription="T1 \x1b[31mtse")
        return write_series(
            tmp_path / "s", range(4), SeriesInstanceUID=OTHER_UID, SeriesDescription=None
        )

    def test_they_are_listed_without_naming_anyone(self, folder, capfd):
        error = error_of(folder, capfd)

        assert "holds 2 DICOM series" in error.message
        assert f"brainage predict {folder} --series {SERIES_UID} --output DIR" in error.hint
        assert error.details == (
            f"{SERIES_UID}  T1 ?[31mtse, 6 files",
            f"{OTHER_UID}  no description, 4 files",
        )

    @pytest.mark.parametrize(("uid", "count"), [(SERIES_UID, 6), (OTHER_UID, 4)])
    def test_one_is_picked(self, folder, uid, count):
        scan = read_scan(folder, series_uid=uid)

        np.testing.assert_array_equal(voxels_of(scan), STACK[:count])
        assert scan.input.series_uid == uid

    def test_one_that_is_not_there(self, folder, capfd):
        error = error_of(folder, capfd, series_uid="1.2.3")

        assert "holds no DICOM series 1.2.3" in error.message
        assert len(error.details) == 2

    def test_damage_in_another_series_does_not_matter(self, folder):
        last = folder / "IM0009"
        last.write_bytes(last.read_bytes()[:-40])

        assert read_scan(folder, SERIES_UID).image.GetSize()[2] == 6
        with pytest.raises(InputError, match="IM0009"):
            read_scan(folder, OTHER_UID)


def test_slices_may_be_links(tmp_path):
    folder = write_series(tmp_path / "s")
    links = tmp_path / "links of été"
    links.mkdir()
    for path in folder.iterdir():
        (links / path.name).symlink_to(path)

    assert read_scan(links).input.sha256 == read_scan(folder).input.sha256


@pytest.mark.parametrize("name", ["1", "IM0001.IMA", "1.2.840.4711", "slice.nii"])
def test_names_do_not_matter(tmp_path, name):
    for number in range(SLICE_COUNT):
        (tmp_path / "s" / str(number)).mkdir(parents=True)
        written = write_slice(tmp_path / "s" / str(number) / name, number)
        written.rename(tmp_path / f"{number}{name}")

    np.testing.assert_array_equal(voxels_of(read_scan(tmp_path)), STACK)


@pytest.mark.parametrize(
    "versions",
    [
        [{"EchoTime": 80.0}, {"EchoTime": 12.0}],
        [{"AcquisitionNumber": 2}, {"AcquisitionNumber": 1}],
        [{"TemporalPositionIdentifier": 2}, {"TemporalPositionIdentifier": 1}],
        [{"ImageType": ["ORIGINAL", "PRIMARY", kind, "ND"]} for kind in ("P", "M")],
        [{"ImageType": ["DERIVED", "PRIMARY", "DIXON", kind]} for kind in ("FAT", "WATER")],
    ],
    ids=lambda versions: " ".join(map(str, next(iter(versions[1].items())))),
)
def test_one_of_two_repetitions_is_taken(tmp_path, versions):
    for n, tags in enumerate(versions):
        for place in range(SLICE_COUNT):
            pixels = slice_pixels(place) + np.uint16(2000 * n)
            write_slice(tmp_path / f"IM{n}{place:03}", place, pixels, **tags)

    scan = read_scan(tmp_path)

    np.testing.assert_array_equal(voxels_of(scan), STACK + 2000)
    assert [finding.code for finding in scan.findings] == ["several_volumes"]
    assert len(scan.dicom_files) == SLICE_COUNT


def test_a_plain_slice_with_groups_of_a_frame_as_well_lies_where_it_says(tmp_path):
    path = write_slice(tmp_path / "s.dcm", 2)
    before = read_dicom_header(path).slice
    data = pydicom.dcmread(path)
    data.PerFrameFunctionalGroupsSequence = [pydicom.Dataset()]
    data.save_as(path)

    assert read_dicom_header(path).slice == before
    assert before.position_mm == tuple(place_of(2))
