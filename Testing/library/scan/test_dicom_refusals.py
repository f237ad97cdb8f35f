"""Folders and files that hold no DICOM series of one volume."""

import gzip
import re
import shutil
import zipfile

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import RawDataStorage, RLELossless

from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    COLUMNS,
    ROWS,
    SERIES_UID,
    SLICE_COUNT,
    dataset,
    slice_pixels,
    write_frames,
    write_report,
    write_series,
    write_slice,
    write_table_of_contents,
)
from Testing.library.scan.made_scans import SLIGHT_TILT, error_of, message_of, rotation, write_nifti

OTHER_UID = SERIES_UID + "0"  # begins like the first: the two must not be mixed up
STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = tuple(rotation(SLIGHT_TILT)[:, :2].T.ravel().round(6).tolist())


class TestNotOneVolume:
    def test_missing_slice_is_located(self, tmp_path, capfd):
        folder = write_series(tmp_path / "s", [0, 1, 2, 4, 5])

        message = message_of(folder, capfd)

        assert "12.0 mm between the slices at 19.2 and 31.2 mm, 6.0 mm elsewhere" in message

    @pytest.mark.parametrize("places", [[0, 1, 2, 0, 1, 2], [0, 0, 0], [0, 1, 1, 2, 3, 4]])
    def test_several_slices_at_one_place(self, tmp_path, capfd, places):
        for number, place in enumerate(places):
            write_slice(tmp_path / str(number), place, slice_pixels(number))

        assert "several slices at one place" in message_of(tmp_path, capfd)

    def test_localizer_of_several_directions(self, tmp_path, capfd):
        folder = write_series(tmp_path / "s", range(3))
        write_series(folder, range(3), ImageOrientationPatient=list(SAGITTAL))

        assert "differ in direction, size or pixel size" in message_of(folder, capfd)

    def test_files_of_many_frames_of_several_directions(self, tmp_path, capfd):
        write_frames(tmp_path / "1.dcm", [0, 1, 2])
        write_frames(tmp_path / "2.dcm", [3, 4], frame_orientations=[SAGITTAL] * 2)

        assert "holds 2 volumes" in message_of(tmp_path, capfd)

    @pytest.mark.parametrize(
        "tags",
        [
            {"PixelSpacing": [2.0, 2.0]},
            {"Rows": 10, "pixels": slice_pixels(0)[:10]},
        ],
    )
    def test_slices_of_several_sizes(self, tmp_path, capfd, tags):
        folder = write_series(tmp_path / "s", range(5))
        write_slice(folder / "odd", 5, **tags)

        assert "differ in direction, size or pixel size" in message_of(folder, capfd)

    @pytest.mark.parametrize(
        "tag", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
    )
    def test_slices_without_a_place(self, tmp_path, capfd, tag):
        folder = write_series(tmp_path / "s", **{tag: None})

        assert "does not say where its slice lies" in message_of(folder, capfd)

    def test_colour(self, tmp_path, capfd):
        for number in range(SLICE_COUNT):
            pixels = np.zeros((ROWS, COLUMNS, 3), np.uint8)
            colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
            bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PlanarConfiguration": 0}
            write_slice(tmp_path / str(number), number, pixels, **colour, **bits)

        assert "one grey value per voxel but colour" in message_of(tmp_path, capfd)

    def test_blank_series(self, tmp_path, capfd):
        blank = np.zeros((ROWS, COLUMNS), np.uint16)
        for number in range(SLICE_COUNT):
            write_slice(tmp_path / str(number), number, blank)

        assert "is empty: every voxel is 0" in message_of(tmp_path, capfd)


class TestDamage:
    @pytest.mark.parametrize("number", [0, 2, SLICE_COUNT - 1])
    @pytest.mark.parametrize("kept", [0.95, 0.5])
    def test_slice_that_is_cut_off_is_not_left_out(self, tmp_path, capfd, number, kept):
        path = write_series(tmp_path / "s") / f"IM{number:04}"
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])

        message = message_of(path.parent, capfd)

        assert f"a slice of {path.parent} is incomplete or damaged: {path.name}" in message

    @pytest.mark.parametrize("rows", [ROWS + 1, 60000])
    def test_header_that_promises_more_rows(self, tmp_path, capfd, rows):
        folder = write_series(tmp_path / "s", Rows=rows)

        assert "holds DICOM files but no complete image" in message_of(folder, capfd)

    def test_broken_compressed_pixels(self, tmp_path, capfd):
        for path in write_series(tmp_path / "s").iterdir():
            data = pydicom.dcmread(path)
            data.compress(RLELossless)
            data.save_as(path)
            content = bytearray(path.read_bytes())
            content[-200:-100] = bytes(100)
            path.write_bytes(content)

        assert "incomplete or damaged" in message_of(tmp_path / "s", capfd)


class TestNoSeries:
    def test_single_slice_wants_its_folder(self, tmp_path, capfd):
        error = error_of(write_series(tmp_path / "s") / "IM0002", capfd)

        assert "is a single DICOM slice, not a volume" in error.message
        assert "give the folder that holds the series" in error.hint

    @pytest.mark.parametrize("is_folder", [True, False])
    def test_a_mosaic_is_no_single_slice(self, tmp_path, capfd, is_folder):
        path = write_slice(tmp_path / "1", 0, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])

        assert "is a Siemens mosaic" in message_of(path.parent if is_folder else path, capfd)

    def test_folder_of_links_to_nothing(self, tmp_path, capfd):
        (tmp_path / "1.dcm").symlink_to("nothing")

        assert "links to files that are not there" in message_of(tmp_path, capfd)

    def test_folder_of_one_slice(self, tmp_path, capfd):
        error = error_of(write_series(tmp_path / "s", [0]), capfd)

        assert "is a single DICOM slice" in error.message
        assert error.hint == "export the whole series"

    def test_folder_of_two_echoes_of_one_slice(self, tmp_path, capfd):
        for number in (1, 2):
            write_slice(tmp_path / str(number), 0, EchoTime=10.0 * number)

        assert "is a single DICOM slice" in message_of(tmp_path, capfd)

    def test_folder_of_scans_is_told_with_the_lines_to_type(self, tmp_path, capfd):
        write_nifti(tmp_path / "s.nii.gz")
        for name in ("T1 tra", "T2 tra", "FLAIR"):
            write_series(tmp_path / "visit 1" / name, SeriesDescription=name)

        error = error_of(tmp_path, capfd)

        assert "s.nii.gz, FLAIR, T1 tra, T2 tra" in error.message
        assert f"brainage batch {tmp_path} --output DIR" in error.hint
        lines = [line.split("  # ") for line in error.details]
        assert [what for _, what in lines] == ["s.nii.gz", "FLAIR", "T1 tra", "T2 tra"]
        assert lines[2][0] == f"brainage predict '{tmp_path}/visit 1/T1 tra' --output DIR"
        assert read_scan(tmp_path / "visit 1" / "T1 tra").image.GetSize()[2] == SLICE_COUNT

    def test_a_disc_tells_what_lies_on_it(self, tmp_path, capfd):
        write_series(tmp_path / "DICOM" / "S1")
        write_table_of_contents(tmp_path / "DICOMDIR")
        write_report(tmp_path / "report.dcm")

        error = error_of(tmp_path, capfd)

        assert "scans or folders with scans: T1 tse tra" in error.message
        assert error.details[0].startswith(f"brainage predict {tmp_path}/DICOM/S1 --output DIR")

    def test_files_that_never_hold_a_picture_are_named(self, tmp_path, capfd):
        contents = write_table_of_contents(tmp_path / "DICOMDIR")
        write_report(tmp_path / "report.dcm")

        shown = "the table of contents of a disc (DICOMDIR)"
        assert f"but a report, {shown}" in message_of(tmp_path, capfd)
        assert shown in message_of(contents, capfd)

    def test_raw_data_beside_folders_of_scans_hide_none(self, tmp_path, capfd):
        write_series(tmp_path / "T1")
        dataset(RawDataStorage).save_as(tmp_path / "XX_0001", enforce_file_format=True)

        assert "scans or folders with scans: T1 tse tra" in message_of(tmp_path, capfd)

    def test_a_slice_cut_short_beside_a_report_is_damaged(self, tmp_path, capfd):
        write_report(tmp_path / "report.dcm")
        path = write_slice(tmp_path / "IM0", 0)
        path.write_bytes(path.read_bytes()[:-50])

        assert "holds DICOM files but no complete image" in message_of(tmp_path, capfd)

    def test_half_of_a_pair_is_no_scan_to_choose(self, tmp_path, capfd):
        write_nifti(tmp_path / "T1.nii.gz")
        pair = nibabel.Nifti1Pair(np.ones((9, 9, 9), np.float32), np.eye(4))
        nibabel.save(pair, tmp_path / "T2.hdr")

        message = message_of(tmp_path, capfd)

        assert "T1.nii.gz" in message
        assert "T2" not in message

    @pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
    def test_a_folder_of_pairs_alone_says_what_to_do_with_them(self, tmp_path, capfd, kind):
        nibabel.save(kind(np.ones((9, 9, 9), np.float32), np.eye(4)), tmp_path / "T2.hdr")

        error = error_of(tmp_path, capfd)

        assert "what it holds is half of an Analyze or NIfTI pair" in error.message
        assert error.hint == "convert the scan to one .nii.gz file"

    def test_folder_of_many_scans_lists_the_first(self, tmp_path, capfd):
        for number in range(30):
            write_nifti(tmp_path / f"{number:02}.nii.gz")

        details = error_of(tmp_path, capfd).details

        assert len(details) == 21
        assert details[0].endswith("00.nii.gz")

    def test_files_that_are_packed(self, tmp_path, capfd):
        for path in write_series(tmp_path / "s").iterdir():
            path.with_suffix(".dcm.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()

        error = error_of(tmp_path / "s", capfd)

        assert "packed by gzip" in error.message
        assert "unpack" in error.hint

    @pytest.mark.parametrize("name", ["export.zip", "export"])
    def test_an_archive(self, tmp_path, capfd, name):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("IM0", b"x")

        assert "is an archive" in message_of(tmp_path / name, capfd)

    def test_empty_folder(self, tmp_path, capfd):
        assert "holds no DICOM image" in message_of(tmp_path, capfd)

    def test_file_without_an_image(self, tmp_path, capfd):
        path = write_report(tmp_path / "report.dcm")

        assert "holds no complete DICOM image" in message_of(path, capfd)


def test_name_of_a_slice_that_is_not_utf_8(tmp_path, capfd):
    folder = write_series(tmp_path / "s")
    try:
        shutil.move(folder / "IM0005", bytes(folder) + b"/IM\xff")
    except (OSError, TypeError, UnicodeDecodeError):
        pytest.skip("this file system takes UTF-8 only")

    assert re.search("the path of IM. in .* is not UTF-8", message_of(folder, capfd))
