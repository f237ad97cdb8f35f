"""Slices that go together although their files do not say so, and pictures that do not."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from BrainAgeLib.batch.tree import read_tree
from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.dicom_header import read_dicom_header
from BrainAgeLib.scan.dicom_sorting import without_strangers
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    SERIES_UID,
    SLICE_COUNT,
    place_of,
    slice_pixels,
    write_series,
    write_slice,
)

STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])
SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
TILTED = [1.0, 0.0, 0.0, 0.0, 0.96, 0.28]


def check_stack(folder, codes):
    scan = read_scan(folder)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    assert [item.code for item in scan.findings] == codes
    return scan


class TestSeriesOfOneSliceEach:
    @pytest.fixture
    def folder(self, tmp_path):
        for number in range(SLICE_COUNT):
            write_slice(tmp_path / f"IM{number}", number, SeriesInstanceUID=generate_uid())
        return tmp_path

    def test_they_are_one(self, folder):
        check_stack(folder, [])

    def test_they_are_one_of_a_batch(self, folder):
        (entry,), _ = read_tree(folder, folder / "out")

        assert (entry.scan, entry.complaint) == (str(folder), None)

    def test_another_series_beside_them_is_told_apart(self, folder):
        write_series(folder / "other", SeriesDescription="T2")
        for path in (folder / "other").iterdir():
            shutil.move(path, folder / f"other{path.name}")
        (folder / "other").rmdir()

        with pytest.raises(InputError, match="holds 2 DICOM series"):
            read_scan(folder)

    def test_echoes_stay_apart(self, folder):
        for number in range(SLICE_COUNT):
            tags = {"SeriesInstanceUID": generate_uid(), "EchoTime": 80.0}
            write_slice(folder / f"second{number}", number, **tags)

        with pytest.raises(InputError, match="holds 2 DICOM series"):
            read_scan(folder)

    def test_echoes_whose_places_part_when_they_are_rounded_stay_apart(self, folder):
        for number in range(SLICE_COUNT):
            for off_mm, pixels in ((-0.0001, 0), (0.0001, 50)):
                place = [-20.05 + off_mm, *place_of(number)[1:]]
                tags = {"SeriesInstanceUID": generate_uid(), "ImagePositionPatient": place}
                write_slice(folder / f"IM{number}{pixels}", number, slice_pixels(pixels), **tags)
            (folder / f"IM{number}").unlink()

        with pytest.raises(InputError, match="DICOM series"):
            read_scan(folder)


class TestCopies:
    @pytest.mark.parametrize("numbers", [[3], [0, 1, 5], list(range(SLICE_COUNT))])
    @pytest.mark.parametrize("new_numbers", [False, True])
    def test_they_count_once(self, tmp_path, numbers, new_numbers):
        folder = write_series(tmp_path / "s")
        for number in numbers:
            if new_numbers:
                write_slice(folder / f"copy{number}", number)
            else:
                shutil.copy(folder / f"IM{number:04}", folder / f"IM{number:04} (1)")

        (finding,) = check_stack(folder, ["copied_slices"]).findings
        assert finding.value == len(numbers)

    def test_they_count_once_where_rounding_parts_their_places(self, tmp_path):
        for number in range(SLICE_COUNT):
            for off_mm in (-0.0001, 0.0001):
                place = [-20.05 + off_mm, *place_of(number)[1:]]
                path = tmp_path / f"IM{number}{off_mm}"
                write_slice(path, number, ImagePositionPatient=place)

        check_stack(tmp_path, ["copied_slices"])

    def test_other_pixels_at_the_same_place_are_no_copy(self, tmp_path):
        folder = write_series(tmp_path / "s")
        write_slice(folder / "other", 3, slice_pixels(99))

        with pytest.raises(InputError, match="several slices at one place"):
            read_scan(folder)


class TestOtherPictures:
    def test_a_screenshot(self, tmp_path):
        folder = write_series(tmp_path / "s")
        colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
        bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PlanarConfiguration": 0}
        nowhere = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
        pixels = np.zeros((*STACK.shape[1:], 3), np.uint8)
        kind = {"object_class": SecondaryCaptureImageStorage}
        write_slice(folder / "shot", 0, pixels, **colour, **bits, **nowhere, **kind)

        check_stack(folder, ["other_pictures"])

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_localizer(self, tmp_path, count):
        folder = write_series(tmp_path / "s")
        for number in range(count):
            tags = {"ImageOrientationPatient": SAGITTAL, "ImagePositionPatient": place_of(number)}
            write_slice(folder / f"loc{number}", number, **tags)

        (finding,) = check_stack(folder, ["other_pictures"]).findings
        assert (finding.severity, finding.value) == ("warn", count)

    def test_a_slice_whose_direction_is_a_little_off_is_not_passed_over(self, tmp_path):
        folder = write_series(tmp_path / "s", range(5))
        write_slice(folder / "odd", 5, ImageOrientationPatient=[1.0, 0.003, 0.0, -0.003, 1.0, 0.0])

        with pytest.raises(InputError, match="differ in direction"):
            read_scan(folder)


def test_the_direction_of_a_file_is_worked_out_once(tmp_path, monkeypatch):
    headers = [read_dicom_header(path) for path in write_series(tmp_path / "s").iterdir()]
    sagittal = replace(headers[0].slice, orientation=tuple(SAGITTAL))
    nowhere = replace(headers[0].slice, orientation=None)
    strangers = [replace(headers[0], slice=one) for one in (sagittal, nowhere)]
    asked = []
    cross = np.cross
    monkeypatch.setattr(np, "cross", lambda *pair: asked.append(pair) or cross(*pair))

    kept, finding = without_strangers([*strangers, *headers])

    assert (kept, finding.value) == (headers, 2)
    assert len(asked) <= len(headers) + 2


class TestRoundedPositions:
    @pytest.mark.parametrize("unit_mm", [1.0, 0.1])
    def test_they_are_a_stack(self, tmp_path, unit_mm):
        for number in range(24):
            exact = np.array(place_of(number, TILTED))
            place = (np.rint(exact / unit_mm) * unit_mm).round(3).tolist()
            tags = {"ImageOrientationPatient": TILTED, "ImagePositionPatient": place}
            write_slice(tmp_path / f"IM{number:02}", number, **tags)

        spacing_mm = read_scan(tmp_path).image.GetSpacing()[2]

        assert spacing_mm == pytest.approx(6.0, abs=0.06)

    def test_a_missing_slice_is_still_found(self, tmp_path):
        for number in (0, 1, 2, 4, 5, 6):
            place = np.rint(place_of(number, TILTED)).tolist()
            tags = {"ImageOrientationPatient": TILTED, "ImagePositionPatient": place}
            write_slice(tmp_path / f"IM{number:02}", number, **tags)

        with pytest.raises(InputError, match="not evenly spaced"):
            read_scan(tmp_path)


def test_the_number_of_a_series_is_kept(tmp_path):
    assert read_scan(write_series(tmp_path / "s")).input.series_uid == SERIES_UID
