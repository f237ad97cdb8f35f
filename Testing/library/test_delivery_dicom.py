"""DICOM in, DICOM out, and through an archive: the numbers stay the same."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from BrainAgeLib.report.dicom_report import NUMBERS, own
from Testing.library.scan.made_dicom import write_volume_series

hd = pytest.importorskip("highdicom", reason="the extra dicom is not installed")
ORTHANC = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")


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


def numbers_in(report):
    """Return the numbers of a structured report by their names in the record."""
    (group,) = report.content.get_image_measurement_groups()
    found = {name: group.get_measurements(name=own(code)) for name, code in NUMBERS.items()}
    return {name: values[0].value for name, values in found.items() if values}


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


def test_outputs_do_not_become_part_of_the_series(brainage, arguments, series):
    outcome = brainage(*arguments, "--output", series)

    assert outcome.code == 2
    assert "would become part of its series" in outcome.err


@contextmanager
def archive(folder):
    """Start Orthanc on loopback; yield the address of its REST interface and its DICOM port."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    settings = {
        "Name": "test", "HttpPort": ports[0], "DicomPort": ports[1], "DicomAet": "TEST",
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "store"), "IndexDirectory": str(folder / "store"),
        "DicomAlwaysAllowStore": True, "StableAge": 1, "Plugins": [],
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    command = [ORTHANC, str(folder / "orthanc.json")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{ports[0]}"
    try:
        for _ in range(150):
            try:
                fetch(f"{address}/system")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield address, ports[1]
    finally:
        process.terminate()
        process.wait(20)


def fetch(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.read()


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


def list_of(address, level):
    return json.loads(fetch(f"{address}/{level}"))
