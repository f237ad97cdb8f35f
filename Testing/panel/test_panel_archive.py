"""The way back to the archive: report and page into Slicer's DICOM database, and on from there."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
import slicer

import dicom_volumes
import phantom
from BrainAgeLib.report.dicom_report import NUMBERS, SERIES_DESCRIPTION
from BrainAgeLib.report.record import prediction_to_dict
from BrainAgeLib.scan.geometry import Volume
from dicom_database import DicomDatabase, StoredDatabase
from Testing.library.dicom_archive import ORTHANC, archive, fetch, list_of, numbers_in
from Testing.library.scan.made_dicom import write_volume_series

pytest.importorskip("highdicom", reason="the extra dicom is not installed")
LPS = [-1.0, -1.0, 1.0, 1.0]


@pytest.fixture
def database(person, tmp_path, monkeypatch):
    """Return Slicer's database with a head that is loaded from it and selected."""
    matrix = phantom.ijkToRAS(0.0)
    voxels = phantom.imageOf(phantom.world(matrix))
    head = Volume(voxels, (matrix.T * LPS).T)
    folder = write_volume_series(tmp_path / "series", head, PatientAge="061Y")
    loadFrom(folder, person, monkeypatch)
    (tmp_path / "database").mkdir()
    stored = StoredDatabase(tmp_path / "database", slicer.dicomDatabase)
    monkeypatch.setattr(slicer, "dicomDatabase", stored)
    yield stored
    slicer.app.userSettings().clear()
    person.ui.archiveAlwaysCheckBox.setChecked(False)


def loadFrom(folder, person, monkeypatch) -> None:
    node = dicom_volumes.load(folder, monkeypatch)
    person.rest()
    person.ui.inputSelector.setCurrentNode(node)
    person.rest()


def seriesIn(database) -> dict[str, tuple[str, Path]]:
    """Return what the database file says of each series: modality, words, file of one instance."""
    with sqlite3.connect(database.databaseFilename) as connection:
        rows = connection.execute(
            "SELECT Series.Modality, Series.SeriesDescription, Images.Filename FROM Series "
            "JOIN Images USING (SeriesInstanceUID) JOIN Studies USING (StudyInstanceUID)"
        ).fetchall()
    folder = Path(database.databaseDirectory)
    return {kind: (words, folder / name) for kind, words, name in rows}


def shownRecord(person) -> dict:
    from BrainAgeSlicer import results

    node = person.ui.inputSelector.currentNode()
    record = prediction_to_dict(results.findResult(node).prediction)
    record["interval_low"], record["interval_high"] = record["interval_years"]
    return {name: record[name] for name in NUMBERS if record[name] is not None}


def test_the_button_files_report_and_page_beside_the_study(person, database):
    import highdicom

    assert not person.ui.archiveButton.enabled
    person.applyAndWait()
    assert set(seriesIn(database)) == {"MR"}
    person.click(person.ui.archiveButton)

    assert "Written into Slicer" in person.ui.messageLabel.text
    there = seriesIn(database)
    assert set(there) == {"MR", "SR", "OT"}
    words, path = there["SR"]
    assert words == SERIES_DESCRIPTION
    report = highdicom.sr.srread(path)
    assert numbers_in(report) == pytest.approx(shownRecord(person), abs=1e-4)
    assert report.PatientName == "Doe^Jane"
    assert [each for each in person.temporary.iterdir() if each.name.startswith("BrainAge-")] == []


def test_always_files_every_result_and_is_remembered(person, database):
    from BrainAgeSlicer import archivecontrols

    person.click(person.ui.archiveAlwaysCheckBox)
    person.applyAndWait()

    assert set(seriesIn(database)) == {"MR", "SR", "OT"}
    assert archivecontrols._isAlways()
    person.click(person.ui.archiveAlwaysCheckBox)
    person.applyAndWait()
    with sqlite3.connect(database.databaseFilename) as connection:
        count = connection.execute("SELECT COUNT(*) FROM Series WHERE Modality = 'SR'").fetchone()
    assert count == (1,)


def test_the_notice_says_what_they_hold(person, database):
    assert person.ui.archiveLabel.visible
    for words in ("patient's name", "ages", "pictures", "Not a medical device"):
        assert words in person.ui.archiveLabel.text


def test_the_scene_that_people_pass_on_names_nobody(person, database, tmp_path):
    person.applyAndWait()
    person.click(person.ui.archiveButton)
    scene = tmp_path / "scene.mrml"
    slicer.mrmlScene.SetURL(str(scene))
    slicer.mrmlScene.Commit(str(scene))

    texts = [each.GetText() for each in slicer.util.getNodesByClass("vtkMRMLTextNode")]
    assert not any(
        name in text for text in [*texts, scene.read_text()] for name in ("Doe", "P-4711")
    )


@pytest.mark.parametrize(("result", "words"), [(False, "no result"), (True, "not loaded from")])
def test_what_keeps_a_result_from_being_filed_is_said(person, head, result, words):
    if result:
        person.applyAndWait()
    assert not person.ui.archiveButton.enabled
    assert words in person.ui.archiveButton.toolTip


def test_a_result_of_an_earlier_session_asks_for_another_run(person, database):
    from BrainAgeSlicer import archive

    person.applyAndWait()
    archive._kept.clear()
    person.click(person.ui.archiveButton)

    assert "press Apply again" in person.ui.messageLabel.text.replace("Press", "press")
    assert set(seriesIn(database)) == {"MR"}


def test_without_the_package_it_asks_and_a_no_changes_nothing(person, database, monkeypatch):
    from BrainAgeLib.errors import InstallationError
    from BrainAgeSlicer import archive

    def refuse(path):
        assert path.name == "requirements_dicom.txt" and path.is_file()
        raise InstallationError("Nothing was installed.")

    monkeypatch.setattr(archive, "packageIsThere", lambda: False)
    monkeypatch.setattr(person.module.widget.panel._archive, "_ensureDependencies", refuse)
    person.applyAndWait()
    person.click(person.ui.archiveButton)
    assert "Nothing was installed" in person.ui.messageLabel.text
    person.click(person.ui.archiveAlwaysCheckBox)
    assert not person.ui.archiveAlwaysCheckBox.checked
    assert set(seriesIn(database)) == {"MR"}


def test_a_database_that_takes_nothing_is_said(person, database, monkeypatch):
    person.applyAndWait()
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase())
    person.click(person.ui.archiveButton)

    assert "did not take the report" in person.ui.messageLabel.text


@pytest.mark.skipif(ORTHANC is None, reason="Orthanc is not installed (Debian: orthanc)")
@pytest.mark.skipif(shutil.which("findscu") is None, reason="findscu is not installed: dcmtk")
def test_what_was_filed_is_found_in_an_archive(person, database, tmp_path):
    """Sent on from the database's folder, and asked for as a viewer does."""
    import highdicom

    person.applyAndWait()
    person.click(person.ui.archiveButton)
    _words, path = seriesIn(database)["SR"]
    study = str(highdicom.sr.srread(path).StudyInstanceUID)

    with archive(tmp_path) as (address, port):
        send = ["storescu", "-aec", "TEST", "127.0.0.1", str(port), str(path)]
        subprocess.run(send, check=True, timeout=60)
        keys = ["QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study}", "Modality=SR"]
        asked = [part for key in [*keys, "SeriesDescription"] for part in ("-k", key)]
        find = ["findscu", "-v", "-S", "-aec", "TEST", *asked, "127.0.0.1", str(port)]
        answer = subprocess.run(find, check=True, timeout=60, capture_output=True, text=True)
        (uid,) = list_of(address, "instances")
        (tmp_path / "back.dcm").write_bytes(fetch(f"{address}/instances/{uid}/file"))
        tags = json.loads(fetch(f"{address}/instances/{uid}"))

    assert SERIES_DESCRIPTION in answer.stdout + answer.stderr and tags
    back = numbers_in(highdicom.sr.srread(tmp_path / "back.dcm"))
    assert back == pytest.approx(shownRecord(person), abs=1e-4)
