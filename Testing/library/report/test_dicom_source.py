"""Headers as scanners write them: whatever they hold, report and page can be made and filed."""

from __future__ import annotations

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.report.dicom_page import write_page
from BrainAgeLib.report.dicom_report import write_structured_report
from BrainAgeLib.report.dicom_source import UTF_8, read_source
from BrainAgeLib.scan.dicom_elements import silent_pydicom
from Testing.library.scan.made_dicom import write_frames, write_series, write_slice

pydicom = pytest.importorskip("pydicom", reason="the extra dicom is not installed")
hd = pytest.importorskip("highdicom", reason="the extra dicom is not installed")

JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"
KOREAN = "Hong^Gildong=洪^吉洞=홍^길동"
CHINESE = "Wang^XiaoDong=王^小东"
LATIN = "Müller^Jörg"


@pytest.fixture
def made_of(person, pictures, tmp_path):
    """Return a maker of report and page of some files, which gives them back as read."""

    def call(files):
        with silent_pydicom():
            source = read_source(files)
            write_structured_report(person(), source, tmp_path / "report.dcm")
            write_page(person(), pictures, source, tmp_path / "page.dcm")
        return hd.sr.srread(tmp_path / "report.dcm"), pydicom.dcmread(tmp_path / "page.dcm")

    return call


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        (["", "ISO 2022 IR 87"], JAPANESE),
        (["", "ISO 2022 IR 149"], KOREAN),
        (["", "ISO 2022 IR 58"], "Wang^XiaoDong"),
        ("GB18030", CHINESE),
        ("ISO_IR 100", LATIN),
        ("ISO-IR 100", LATIN),
        ("ISO IR 100", LATIN),
        ("UTF-8", JAPANESE),
        ("ISO_IR 6", "Doe^Jane"),
        ("", "Doe^Jane"),
        ("NONE", "Doe^Jane"),
        (None, "Doe^Jane"),
    ],
)
def test_names_and_texts_in_any_character_set(made_of, tmp_path, declared, name):
    tags = {"PatientName": name, "StudyDescription": name.split("=")[-1]}
    if declared is not None:
        tags["SpecificCharacterSet"] = declared
    with silent_pydicom():
        folder = write_series(tmp_path / "s", **tags)

    for made in made_of(sorted(folder.iterdir())):
        assert (made.SpecificCharacterSet, made.PatientName) == (UTF_8, name)
    assert made_of(sorted(folder.iterdir()))[0].StudyDescription == tags["StudyDescription"]


def test_chinese_letters_without_their_escapes(made_of, tmp_path):
    stored = b"Wang^XiaoDong=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab"
    name = pydicom.valuerep.PersonName(stored, ["iso8859", "iso_ir_58"])
    tags = {"SpecificCharacterSet": ["", "ISO 2022 IR 58"], "PatientName": name}
    path = write_slice(tmp_path / "IM", 0, **tags)

    report, _ = made_of([path])

    assert stored in path.read_bytes()
    assert report.PatientName == CHINESE


@pytest.mark.parametrize(
    "tags",
    [
        {"SliceThickness": None},
        {"SliceThickness": ""},
        {"PixelSpacing": None},
        {"Modality": None},
        {"Modality": ""},
        {"PatientName": ["Doe^Jane", "Roe^Jane"]},
        {"ReferringPhysicianName": ["A", "B"], "AccessionNumber": ["1", "2"]},
    ],
)
def test_elements_that_are_missing_or_double(made_of, tmp_path, tags):
    files = sorted(write_series(tmp_path / "s", **tags).iterdir())

    report, page = made_of(files)

    assert report.PatientName == page.PatientName == "Doe^Jane"
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    assert len(study.ReferencedSeriesSequence[0].ReferencedSOPSequence) == len(files)


def test_a_file_of_many_frames_is_where_its_first_frame_is(made_of, tmp_path):
    path = write_frames(tmp_path / "enhanced.dcm")

    (header,) = read_source([path])
    report, _ = made_of([path])

    assert (list(header.PixelSpacing), header.SliceThickness) == ([1.1, 0.9], 5.0)
    assert list(header.ImagePositionPatient) == [-20.0, -16.5, 7.25]
    assert "Image Library" in str(report)


def test_empty_fields_stand_for_those_that_are_missing(tmp_path):
    path = write_slice(tmp_path / "IM", 0, PatientID=None, PatientName=None)

    (header,) = read_source([path])

    assert (header.PatientID, header.AccessionNumber) == (None, None)
    assert "PixelData" not in header


def test_an_image_without_its_study_cannot_be_referred_to(tmp_path):
    path = write_slice(tmp_path / "IM", 0, StudyInstanceUID=None)

    with pytest.raises(InputError, match="no StudyInstanceUID"):
        read_source([path])
