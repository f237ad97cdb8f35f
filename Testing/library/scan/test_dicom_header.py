"""What one DICOM file says, by made files: facts, damage, and that nobody is named on the way."""

from __future__ import annotations

import logging
import warnings

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, MRImageStorage, RLELossless

from BrainAgeLib.records import SequenceTags
from BrainAgeLib.scan.dicom_header import read_dicom_header, read_frames
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import (
    COLUMN_MM,
    COLUMNS,
    ROW_MM,
    ROWS,
    SERIES_UID,
    place_of,
    state_otherwise,
    write_frames,
    write_philips_frames,
    write_report,
    write_slice,
)


def header_of(folder, **texts):
    """Return the header of a slice whose elements hold just those texts, valid or not."""
    path = write_slice(folder / "IM", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.dcmread(path)
        for keyword, text in texts.items():
            setattr(data, keyword, text)
        data.save_as(path)
    return read_dicom_header(path)


def test_sex_and_ages_as_given_and_from_dates(tmp_path):
    dates = {"PatientBirthDate": "19570301", "StudyDate": "20200301", "PatientSex": "F"}

    assert header_of(tmp_path, **dates).sex == "F"
    assert header_of(tmp_path, **dates).age_years == pytest.approx(63.0, abs=0.005)
    assert header_of(tmp_path, PatientAge="062Y", **dates).age_years == 62.0


def test_echo_planar_imaging_is_told(tmp_path):
    assert header_of(tmp_path, ScanningSequence=["EP", "SE"]).sequence.is_echo_planar


def test_facts_of_a_slice(tmp_path):
    times = {"EchoTime": 12.5, "RepetitionTime": 550, "InversionTime": 0}
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "M"], "ScanningSequence": ["GR", "IR"]}
    path = write_slice(
        tmp_path / "IM", 2, MRAcquisitionType="3D", ContrastBolusAgent="Gd", **times, **kind
    )

    header = read_dicom_header(path)

    assert (header.is_whole, header.is_grey, header.size) == (True, True, (COLUMNS, ROWS, 1))
    assert header.is_3d and header.is_gradient_echo
    assert not header.sequence.is_echo_planar
    assert (header.object_class, header.series_uid) == (MRImageStorage, SERIES_UID)
    assert header.sequence == SequenceTags("MR", 12.5, 550.0, 0.0, says_contrast_agent=True)
    assert header.slice.position_mm == tuple(place_of(2))
    assert header.slice.pixel_mm == (ROW_MM, COLUMN_MM)
    assert header.slice.thickness_mm == 5.0
    assert header.slice.image_type == "ORIGINAL\\PRIMARY\\M"


def test_unknown_facts_are_none(tmp_path):
    header = read_dicom_header(write_slice(tmp_path / "IM", 0, SliceThickness=None, Modality=None))

    assert (header.age_years, header.sex, header.slice.thickness_mm) == (None, None, None)
    assert (header.slice.echo_time_ms, header.slice.image_type) == (None, "")
    assert header.sequence == SequenceTags()


@pytest.mark.parametrize("agent", ["NONE", "no", "No contrast", ""])
def test_a_field_that_says_there_was_no_agent(tmp_path, agent):
    assert not header_of(tmp_path, ContrastBolusAgent=agent).sequence.says_contrast_agent


@pytest.mark.parametrize("content", [b"", b"0.9 ", b"0.9\\1.1\\1 ", b"0.9\\x ", b"0.9\\1e999"])
def test_numbers_that_are_not_those(tmp_path, content):
    path = write_slice(tmp_path / "IM", 0)
    state_otherwise(path, b"\x28\x00\x30\x00DS\x08\x001.1\\0.9 ", content)

    header = read_dicom_header(path)

    assert header.is_whole
    assert header.slice.pixel_mm is None


def test_description_is_safe_to_print(tmp_path):
    assert header_of(tmp_path, SeriesDescription="T1\x1b[2J").series_description == "T1?[2J"


def test_description_in_another_alphabet(tmp_path):
    header = header_of(tmp_path, SpecificCharacterSet="ISO_IR 192", SeriesDescription="T1 été")

    assert header.series_description == "T1 été"


class TestWithoutAWholeImage:
    def test_report(self, tmp_path):
        assert not read_dicom_header(write_report(tmp_path / "report.dcm")).is_whole

    @pytest.mark.parametrize("kept", [0.99, 0.6, 0.3])
    def test_file_that_ends_early_still_tells_what_it_is(self, tmp_path, kept):
        path = write_slice(tmp_path / "IM", 0)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])

        header = read_dicom_header(path)

        assert not header.is_whole
        assert header.object_class == MRImageStorage

    def test_damage_after_the_series_is_named(self, tmp_path):
        path = write_slice(tmp_path / "IM", 0)
        content = path.read_bytes()
        start = content.index(b"\x20\x00\x32\x00DS")
        endless = b"\x20\x00\x31\x00SQ\0\0\xff\xff\xff\xff" + b"\x07" * 9
        path.write_bytes(content[:start] + endless)

        header = read_dicom_header(path)

        assert (header.is_whole, header.series_uid) == (False, SERIES_UID)

    def test_bytes_after_the_pixels_that_promise_the_world(self, tmp_path):
        path = write_slice(tmp_path / "IM", 0)
        path.write_bytes(path.read_bytes() + b"\xe1\x7f\x10\x10OB\0\0\xf0\xff\xff\xff" + bytes(99))

        assert not read_dicom_header(path).is_whole

    def test_zeros_after_the_pixels_do_no_harm(self, tmp_path):
        path = write_slice(tmp_path / "IM", 0)
        path.write_bytes(path.read_bytes() + bytes(512))

        assert read_dicom_header(path).is_whole

    @pytest.mark.parametrize("length", [b"\xf0\xff\xff\xff", b"\xff\xff\xff\xff", b"\x02\0\0\0"])
    def test_compressed_pixels_of_another_length(self, tmp_path, length):
        path = write_slice(tmp_path / "IM", 0)
        data = pydicom.dcmread(path)
        data.compress(RLELossless)
        data.save_as(path)
        assert read_dicom_header(path).is_whole
        head, item, pixels = path.read_bytes().rpartition(b"\xfe\xff\x00\xe0")
        path.write_bytes(head + item + length + pixels[4:])

        assert not read_dicom_header(path).is_whole

    @pytest.mark.parametrize("content", [b"", b"\x08\x00", bytes(128) + b"DICM", b"\x08\x00" * 999])
    def test_file_of_nothing(self, tmp_path, content):
        path = tmp_path / "IM"
        path.write_bytes(content)

        header = read_dicom_header(path)

        assert (header.is_whole, header.object_class, header.series_uid) == (False, "", "")


def test_a_deflated_data_set_is_read(tmp_path):
    path = write_slice(tmp_path / "IM", 0, PatientAge="063Y")
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path)

    header = read_dicom_header(path)

    assert (header.is_whole, header.age_years) == (True, 63.0)


def test_frames_of_a_file_without_groups(tmp_path):
    assert read_frames(write_slice(tmp_path / "IM", 0)) == []


class TestPrivacy:
    def test_no_warning_and_no_log_shows_a_value(self, tmp_path, capfd, caplog):
        with pytest.warns(UserWarning, match="Doe"):
            path = write_slice(tmp_path / "IM", 0, StudyInstanceUID="1.2.Doe.4711")
        with pytest.warns(UserWarning, match="Doe"):  # as pydicom does by itself
            assert pydicom.dcmread(path).StudyInstanceUID
        caplog.clear()
        capfd.readouterr()

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert read_dicom_header(path).study_uid

        assert caught == []
        assert caplog.text == ""
        assert capfd.readouterr() == ("", "")
        assert not logging.getLogger("pydicom").disabled

    def test_a_header_holds_no_name_and_no_number(self, tmp_path):
        header = read_dicom_header(write_slice(tmp_path / "IM", 0))

        assert "Doe" not in repr(header)
        assert "P-4711" not in repr(header)


def test_places_in_a_private_sequence_are_passed_over(tmp_path):
    path = write_philips_frames(tmp_path / "s.dcm", [2, 0, 1])
    assert path.read_bytes().count(b"\x20\x00\x32\x00DS") == 6

    frames = read_frames(path)

    assert [frame.position_mm for frame in frames] == [tuple(place_of(n)) for n in (2, 0, 1)]
    assert {frame.pixel_mm for frame in frames} == {(ROW_MM, COLUMN_MM)}
    assert {frame.thickness_mm for frame in frames} == {5.0}


def write_timed_frames(path, where, echo_ms, repetition_ms, inversion_ms=None, agent=None):
    """Write frames that name their times as Enhanced files do: shared, or each frame its own."""
    write_frames(path, EchoPulseSequence="GRADIENT", EchoPlanarPulseSequence="YES")
    data = pydicom.dcmread(path)
    shared = data.SharedFunctionalGroupsSequence
    for groups in shared if where == "shared" else data.PerFrameFunctionalGroupsSequence:
        echo, timing = Dataset(), Dataset()
        echo.EffectiveEchoTime, timing.RepetitionTime = echo_ms, repetition_ms
        groups.MREchoSequence = [echo]
        groups.MRTimingAndRelatedParametersSequence = [timing]
        if inversion_ms is not None:
            modifier = Dataset()
            modifier.InversionRecovery, modifier.InversionTimes = "YES", [inversion_ms]
            groups.MRModifierSequence = [modifier]
        if agent is not None:
            usage = Dataset()
            usage.ContrastBolusAgentAdministered = agent
            groups.ContrastBolusUsageSequence = [usage]
    data.save_as(path)
    return path


@pytest.mark.parametrize("where", ["shared", "each"])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((10.0, 550.0), SequenceTags("MR", 10.0, 550.0, is_echo_planar=True)),
        ((3.2, 2300.0, 900.0, "NO"), SequenceTags("MR", 3.2, 2300.0, 900.0, is_echo_planar=True)),
        ((10.0, 550.0, None, "YES"), SequenceTags("MR", 10.0, 550.0, None, True, None, True)),
    ],
)
def test_times_and_agent_are_those_of_the_functional_groups(tmp_path, where, said, expected):
    path = write_timed_frames(tmp_path / "s.dcm", where, *said)

    header = read_dicom_header(path)
    assert (header.sequence, header.is_gradient_echo) == (expected, True)
    assert read_scan(path).sequence == expected


def test_a_frames_own_time_goes_before_the_shared_one(tmp_path):
    path = write_timed_frames(tmp_path / "s.dcm", "shared", 10.0, 550.0)
    data = pydicom.dcmread(path)
    own = Dataset()
    own.EffectiveEchoTime = 90.0
    for groups in data.PerFrameFunctionalGroupsSequence:
        groups.MREchoSequence = [own]
    data.save_as(path)

    assert read_dicom_header(path).sequence == SequenceTags("MR", 90.0, 550.0, is_echo_planar=True)


@pytest.mark.parametrize(
    ("kind", "age_years"), [(b"AS", 63.0), (b"LO", 63.0), (b"ZZ", None), (b"FD", None)]
)
def test_an_age_stored_as_another_kind_is_read_or_told(tmp_path, kind, age_years):
    path = write_slice(tmp_path / "IM1", 0, PatientAge="063Y")
    path.write_bytes(path.read_bytes().replace(b"\x10\x00\x10\x10AS", b"\x10\x00\x10\x10" + kind))

    header = read_dicom_header(path)
    assert header.age_years == age_years
    assert bool(header.doubt and header.doubt.code == "age_not_read") == (age_years is None)
