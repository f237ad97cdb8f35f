"""The structured report: every number reads back, and the validators have nothing to say."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.dicom_report import (
    NUMBERS,
    PERCENTILE,
    dicom_packages,
    own,
    write_structured_report,
)
from BrainAgeLib.report.dicom_source import read_source
from BrainAgeLib.report.record import prediction_to_dict
from Testing.library.scan.made_dicom import SERIES_UID, write_series

hd = pytest.importorskip("highdicom", reason="the extra dicom is not installed")


@pytest.fixture
def source(tmp_path):
    """Return the headers of a made-up series."""
    return read_source(sorted(write_series(tmp_path / "series").iterdir()))


@pytest.fixture
def write(source, tmp_path):
    """Return a writer of the report of a prediction."""

    def call(prediction):
        write_structured_report(prediction, source, tmp_path / "report.dcm")
        return tmp_path / "report.dcm"

    return call


def group_in(path):
    """Return the one group of measurements, as highdicom reads it."""
    report = hd.sr.srread(path)
    (group,) = report.content.get_image_measurement_groups()
    return group


def value_of(group, code):
    found = group.get_measurements(name=own(code))
    return found[0].value if found else None


def test_every_number_reads_back(write, person):
    record = prediction_to_dict(person())
    record["interval_low"], record["interval_high"] = record["interval_years"]

    group = group_in(write(person()))

    assert {field: value_of(group, code) for field, code in NUMBERS.items()} == pytest.approx(
        {field: record[field] for field in NUMBERS}, abs=1e-4
    )
    assert value_of(group, PERCENTILE) == 68.5
    (age,) = [one for one in group.get_measurements() if one.name.value == "121033"]
    assert (age.value, age.unit.value) == (61.0, "a")


def test_algorithm_quality_and_notice_are_there(write, person):
    path = write(person())
    group = group_in(path)
    verdict, *findings = [
        evaluation.value.value for evaluation in group.get_qualitative_evaluations()
    ]
    texts = [str(item.TextValue) for item in group[0].ContentSequence if "TextValue" in item]

    assert (verdict, findings) == (
        "warn",
        ["nan_voxels", "slice_spacing", "training-scanner", "cole"],
    )
    assert "SlicerBrainAge 0.1.0, thick-slice" in texts
    assert "1.0.0" in texts
    assert NOTICE in texts


def test_what_is_no_plain_t1_is_said_with_the_quality(write, person):
    def said(sequence):
        group = group_in(write(person(sequence=sequence)))
        return {
            one.name.value: (one.value.value, one.value.meaning)
            for one in group.get_qualitative_evaluations()
        }.get("sequence")

    assert said("FLAIR") == ("FLAIR", "a FLAIR scan")
    after = "T1w-after-contrast", "a T1-weighted scan after contrast agent"
    assert said("T1w after contrast") == after
    assert said("T1w") is None and said(None) is None


def test_the_source_series_is_referred_to(write, person, source):
    report = hd.sr.srread(write(person()))

    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == SERIES_UID
    assert len(series.ReferencedSOPSequence) == len(source)
    assert len(group_in(report.filename).source_images) == len(source)
    assert (report.PatientID, report.StudyInstanceUID) == ("P-4711", source[0].StudyInstanceUID)
    assert report.SeriesInstanceUID != SERIES_UID


def test_a_refused_scan_has_quality_but_no_age(write, refused):
    group = group_in(write(refused))

    assert all(value_of(group, code) is None for code in NUMBERS.values())
    assert group.get_qualitative_evaluations()[0].value.value == "refuse"


def test_what_is_not_known_is_left_out(write, person):
    unknown = person(
        chronological_age_years=None, corrected_brain_age_years=None, correction=None,
        gap_percentile=None, interval_years=None,
    )  # fmt: skip

    (only,) = group_in(write(unknown)).get_measurements()

    assert only.value == pytest.approx(63.4124)


@pytest.mark.parametrize("is_refused", [False, True])
def test_dciodvfy_finds_no_error(write, person, refused, is_refused):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    path = write(refused if is_refused else person())

    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)

    assert "ComprehensiveSR" in done.stderr
    assert "Error" not in done.stderr


def test_dsrdump_prints_it(write, person):
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump is not installed (Debian: dcmtk)")

    done = subprocess.run(
        ["dsrdump", "-Er", write(person())], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert '"63.4124" (a,UCUM,"year")' in done.stdout
    assert "Comprehensive SR Document" in done.stdout


def test_without_the_extra_the_line_that_adds_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)

    with pytest.raises(InputError) as caught:
        dicom_packages()
    assert caught.value.hint == 'pip install "slicerbrainage[dicom]"'
