"""DICOM in, DICOM out, and through an archive: the numbers stay the same."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from BrainAgeLib import delivery
from BrainAgeLib.report.dicom_report import NUMBERS
from BrainAgeLib.whole_file import full_disk_error
from Testing.library.dicom_archive import ORTHANC, archive, fetch, list_of, numbers_in
from Testing.library.scan.made_dicom import write_volume_series

hd = pytest.importorskip("highdicom", reason="the extra dicom is not installed")


@pytest.fixture(scope="module")
def series(thick_brain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom") / "series"
    return write_volume_series(folder, thick_brain, PatientAge="061Y", PatientSex="F")


@pytest.fixture
def arguments(series, small_model):
    return [
        *("predict", series, "--in-template-space", "--model", small_model),
        *("--no-saliency", "--no-report", "--dicom"),
    ]


def record_in(folder):
    record = json.loads((folder / "prediction.json").read_text("utf-8"))
    record["interval_low"], record["interval_high"] = record["interval_years"]
    return {name: record[name] for name in NUMBERS if record[name] is not None}


def test_the_report_has_the_numbers_of_the_record(brainage, arguments, tmp_path):
    outcome = brainage(*arguments, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    numbers = numbers_in(hd.sr.srread(tmp_path / "out" / "report.dcm"))
    assert numbers == pytest.approx(record_in(tmp_path / "out"), abs=1e-4)
    assert {"brain_age_years", "gap_years"} <= set(numbers)
    assert (tmp_path / "out" / "page.dcm").is_file()


@pytest.mark.filterwarnings("always")
def test_odd_values_are_left_out_and_not_shown(brainage, arguments, thick_brain, tmp_path, recwarn):
    odd = {"PatientBirthDate": "17 Mar 1940", "PatientSex": "X", "StudyTime": "noon"}
    study = "1.2.840.01940"  # no number may begin with 0: pydicom warns, and shows it
    arguments[1] = write_volume_series(tmp_path / "s", thick_brain, StudyInstanceUID=study, **odd)
    recwarn.clear()

    outcome = brainage(*arguments, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    report = hd.sr.srread(tmp_path / "out" / "report.dcm")
    assert not report.PatientBirthDate
    assert report.PatientName == "Doe^Jane"
    shown = [str(warning.message) for warning in recwarn]
    assert "1940" not in outcome.out + outcome.err + "".join(shown)


def test_a_scan_that_is_not_dicom_has_none_and_a_note(brainage, arguments, brain_file, tmp_path):
    arguments[1] = brain_file

    outcome = brainage(*arguments, "--output", tmp_path / "out")

    assert outcome.code == 0
    assert "not DICOM" in outcome.err
    assert not list((tmp_path / "out").glob("*.dcm"))


@pytest.mark.parametrize("failing", ["read_source", "write_structured_report", "write_page"])
def test_whatever_goes_wrong_over_the_headers_the_record_is_there(
    brainage, arguments, tmp_path, monkeypatch, failing
):
    def fails(*_):
        raise ValueError("Doe^Jane is no value")

    monkeypatch.setattr(delivery, failing, fails)
    outcome = brainage(*arguments, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    assert record_in(tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.dcm"))
    (line,) = [line for line in outcome.err.splitlines() if "could not be made" in line]
    assert "ValueError" in line and "Jane" not in outcome.err


def test_a_header_that_cannot_be_referred_to_costs_no_record(
    brainage, arguments, thick_brain, tmp_path
):
    arguments[1] = write_volume_series(tmp_path / "s", thick_brain, StudyInstanceUID=None)

    outcome = brainage(*arguments, "--output", tmp_path / "out")

    assert outcome.code == 0, outcome.err
    assert "has no StudyInstanceUID" in outcome.err
    assert record_in(tmp_path / "out")


def test_a_full_disk_is_an_error_all_the_same(brainage, arguments, tmp_path, monkeypatch):
    def full(_prediction, _source, path):
        raise full_disk_error(path)

    monkeypatch.setattr(delivery, "write_structured_report", full)
    outcome = brainage(*arguments, "--output", tmp_path / "out")

    assert outcome.code == 4
    assert not (tmp_path / "out" / "prediction.json").exists()


def test_outputs_do_not_become_part_of_the_series(brainage, arguments, series):
    outcome = brainage(*arguments, "--output", series)

    assert outcome.code == 2
    assert "would become part of its series" in outcome.err


@pytest.mark.skipif(ORTHANC is None, reason="Orthanc is not installed (Debian: orthanc)")
@pytest.mark.skipif(shutil.which("storescu") is None, reason="storescu is not installed: dcmtk")
def test_the_report_comes_back_from_an_archive_with_the_same_numbers(
    brainage, arguments, series, tmp_path
):
    out = tmp_path / "out"
    brainage(*arguments, "--output", out)

    with archive(tmp_path) as (address, port):
        send = ["storescu", "-aec", "TEST", "-xr", "127.0.0.1", str(port), str(out / "page.dcm")]
        subprocess.run(send, check=True, timeout=60)
        send = ["storescu", "-aec", "TEST", "127.0.0.1", str(port), str(out / "report.dcm")]
        subprocess.run([*send, "+sd", str(series)], check=True, timeout=60)
        found = [json.loads(fetch(f"{address}/series/{uid}")) for uid in list_of(address, "series")]
        kinds = {one["MainDicomTags"]["Modality"]: one["Instances"] for one in found}
        report = fetch(f"{address}/instances/{kinds['SR'][0]}/file")
        studies = list_of(address, "studies")

    (tmp_path / "back.dcm").write_bytes(report)
    assert set(kinds) == {"MR", "SR", "OT"}
    assert len(studies) == 1
    assert numbers_in(hd.sr.srread(tmp_path / "back.dcm")) == pytest.approx(
        record_in(out), abs=1e-4
    )
