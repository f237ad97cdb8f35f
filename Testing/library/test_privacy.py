"""Nothing leaves the machine, and nobody is named unless it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from BrainAgeLib import delivery
from BrainAgeLib.scan.dicom_header import read_identifiers
from Testing.library.commands import without_network
from Testing.library.scan.made_dicom import write_frames, write_series, write_slice

# Long enough not to turn up by chance in checksums and pictures.
NAME, NUMBER, BORN, ACCESSION = "Doroszewicz^Zenobia", "QX-4711-77", "19400317", "ACC-0815-9"
PERSON = {"PatientName": NAME, "PatientID": NUMBER, "PatientBirthDate": BORN}


def test_the_whole_job_touches_no_socket(full_job):
    """The job of this fixture runs where a socket is the end: see ``without_network``."""
    assert full_job.code == 0, full_job.err
    assert full_job.err == ""


@pytest.mark.parametrize(
    "call",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
        "socket.socket().bind(('127.0.0.1', 0))",
    ],
)
def test_a_socket_would_be_noticed(tmp_path, call):
    command = [sys.executable, "-c", f"import socket; {call}"]
    done = subprocess.run(
        command, env=without_network(tmp_path), capture_output=True, text=True, check=False
    )

    assert done.returncode == 99
    assert "network: socket." in done.stderr


@pytest.fixture
def dicom_scan(thick_brain, tmp_path):
    """Return the folder of a DICOM series of a brain in template space, of somebody by name."""
    folder = tmp_path / "series"
    folder.mkdir()
    voxels = np.rint(thick_brain.voxels * 4).astype(np.uint16)
    matrix, spacing = thick_brain.affine[:3, :3], thick_brain.spacing_mm
    directions = matrix / spacing
    for number, pixels in enumerate(voxels):
        corner = thick_brain.affine[:3, 3] + number * matrix[:, 2]
        write_slice(
            folder / f"IM{number:04}",
            number,
            pixels,
            **PERSON,
            AccessionNumber=ACCESSION,
            Rows=pixels.shape[0],
            Columns=pixels.shape[1],
            ImageOrientationPatient=[*directions[:, 0].tolist(), *directions[:, 1].tolist()],
            ImagePositionPatient=[round(float(value), 4) for value in corner],
            PixelSpacing=[float(spacing[1]), float(spacing[0])],
        )
    return folder


def everything_in(folder):
    """Return all that is written there, as one text."""
    return "\n".join(path.read_bytes().decode("latin-1") for path in sorted(folder.iterdir()))


def is_named(text):
    """Say whether somebody is named in a text."""
    return any(word in text for word in (*NAME.split("^"), NUMBER, BORN, ACCESSION))


def test_nobody_is_named(brainage, fast, dicom_scan, tmp_path):
    fast[1], out = dicom_scan, tmp_path / "out"
    fast.remove("--no-report")

    outcome = brainage(*fast, "--output", out, "--verbose")

    assert outcome.code == 0
    assert "DICOM files" in outcome.err
    assert "the gate finds" in outcome.err
    assert "prediction took" in outcome.err
    assert str(dicom_scan) not in outcome.err  # a path may name somebody
    record = json.loads((out / "prediction.json").read_text("utf-8"))
    assert record["chronological_age_years"] == pytest.approx(79.95, abs=0.01)
    assert "identifiers" not in record
    assert not is_named(outcome.out + outcome.err + everything_in(out))


def test_whoever_asks_gets_the_identifiers_in_the_record_and_nowhere_else(
    brainage, fast, dicom_scan, tmp_path
):
    fast[1], out = dicom_scan, tmp_path / "out"
    fast.remove("--no-report")

    outcome = brainage(*fast, "--output", out, "--keep-identifiers", "--verbose")

    assert outcome.code == 0
    record = json.loads((out / "prediction.json").read_text("utf-8"))
    assert record["identifiers"] == {
        "patient_name": NAME,
        "patient_id": NUMBER,
        "patient_birth_date": BORN,
        "accession_number": ACCESSION,
    }
    page = (out / "report.html").read_text("utf-8")
    assert not is_named(outcome.out + outcome.err + page)


def test_a_file_without_identifiers_has_none(brainage, fast, tmp_path):
    assert brainage(*fast, "--output", tmp_path / "out", "--keep-identifiers").code == 0

    record = json.loads((tmp_path / "out" / "prediction.json").read_text("utf-8"))
    assert record["identifiers"] == {}


@pytest.mark.parametrize("arguments", [["--series", "1.2.3"], ["--model", "nowhere"]])
def test_an_error_names_nobody(brainage, fast, dicom_scan, tmp_path, arguments):
    fast[1] = dicom_scan

    outcome = brainage(*fast, "--output", tmp_path / "out", *arguments)

    assert outcome.code == 2
    assert not is_named(outcome.err)


def test_identifiers_are_one_line_each(tmp_path):
    hostile = "Doe^<script>alert(1)</script>"
    folder = write_series(tmp_path / "s", places=[0], PatientName=hostile, PatientID="47\n11")

    found = read_identifiers(next(folder.iterdir()))

    assert found == {"patient_name": hostile, "patient_id": "47?11"}


def test_identifiers_of_many_frames(tmp_path):
    found = read_identifiers(write_frames(tmp_path / "f.dcm", **PERSON))

    assert found["patient_name"] == NAME


@pytest.mark.parametrize("ending", ["success", "error", "cancel"])
def test_no_temporary_file_is_left(brainage, fast, brain_file, tmp_path, monkeypatch, ending):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    scan = tmp_path / "scan"  # without a suffix it is read through a temporary link
    scan.write_bytes(brain_file.read_bytes())
    fast[1] = scan
    if ending == "error":
        scan.write_bytes(brain_file.read_bytes()[:-1000])
    elif ending == "cancel":

        def cancelled(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(delivery, "_write", cancelled)
    code = brainage(*fast, "--output", tmp_path / "out").code

    assert code == {"success": 0, "error": 2, "cancel": 130}[ending]
    assert not list(temporary.iterdir())
    assert not list((tmp_path / "out").glob(".*"))
