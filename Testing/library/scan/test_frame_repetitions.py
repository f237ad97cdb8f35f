"""Enhanced MR: one file with several echoes, acquisitions, magnitude and phase."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import SLICE_COUNT, slice_pixels, write_frames

STACK = np.stack([slice_pixels(number) for number in range(SLICE_COUNT)])


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


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("interleaved", [False, True])
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
    assert (finding.code, finding.severity) == ("several_volumes", "warn")
    assert words in finding.message


def test_frames_that_nothing_tells_apart_are_refused(tmp_path):
    path = write_repetitions(tmp_path / "s.dcm", [echo(12.5), echo(12.5)])

    with pytest.raises(InputError, match="several slices at one place"):
        read_scan(path)


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
