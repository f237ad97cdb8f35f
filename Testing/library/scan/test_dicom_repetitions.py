"""Series that show the same slices several times, as scanners store them."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import SLICE_COUNT, slice_pixels, write_series, write_slice

STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])


def write_repetitions(folder, *versions, places=range(SLICE_COUNT)):
    """Write the same slices once for each set of tags, brighter each time."""
    folder.mkdir()
    for n, tags in enumerate(versions):
        for place in places:
            pixels = slice_pixels(place) + np.uint16(2000 * n)
            write_slice(folder / f"IM{n}{place:03}", place, pixels, **tags)
    return folder


@pytest.mark.parametrize(
    ("versions", "taken", "words"),
    [
        ([{"EchoTime": 80.0}, {"EchoTime": 12.0}], 1, "echo time (ms); that of 12"),
        ([{"AcquisitionNumber": 2}, {"AcquisitionNumber": 10}], 0, "acquisition number; that of 2"),
        (
            [{"TemporalPositionIdentifier": n} for n in (3, 1, 2)],
            1,
            "3 volumes that differ in temporal position; that of 1",
        ),
        (
            [{"ImageType": ["ORIGINAL", "PRIMARY", kind, "ND"]} for kind in ("P", "M")],
            1,
            "image type; that of ORIGINAL PRIMARY M ND",
        ),
    ],
)
def test_one_repetition_is_taken_and_said_so(tmp_path, versions, taken, words):
    scan = read_scan(write_repetitions(tmp_path / "s", *versions))

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK + 2000 * taken)
    (finding,) = scan.findings
    assert (finding.code, finding.severity) == ("several_volumes", "warn")
    assert words in finding.message
    assert len(scan.dicom_files) == SLICE_COUNT


def test_echoes_of_magnitude_and_phase(tmp_path):
    versions = [
        {"EchoTime": echo, "ImageType": ["ORIGINAL", "PRIMARY", kind]}
        for echo in (20.0, 10.0)
        for kind in "PM"
    ]

    scan = read_scan(write_repetitions(tmp_path / "s", *versions))

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK + 2000 * 3)
    assert len(scan.findings) == 2


def test_packages_of_slices_are_one_volume(tmp_path):
    folder = write_series(tmp_path / "s", range(0, SLICE_COUNT, 2), AcquisitionNumber=1)
    write_series(folder, range(1, SLICE_COUNT, 2), AcquisitionNumber=2, EchoTime=13.0)

    scan = read_scan(folder)

    np.testing.assert_array_equal(sitk.GetArrayFromImage(scan.image), STACK)
    assert scan.findings == ()


def test_repetitions_that_are_not_alike_are_refused(tmp_path):
    folder = write_repetitions(tmp_path / "s", {"EchoTime": 10.0})
    write_series(folder, range(SLICE_COUNT - 1), EchoTime=20.0)

    with pytest.raises(InputError, match="several slices at one place"):
        read_scan(folder)
