"""Whose age it is: what is typed goes to the worker, what a header says is the worker's to read."""

from __future__ import annotations

import pytest
import slicer

import dicom_volumes
import phantom
from BrainAgeLib.scan.geometry import Volume
from dicom_database import DicomDatabase
from Testing.library.scan.made_dicom import write_volume_series

LPS = [-1.0, -1.0, 1.0, 1.0]
HEADER = {"0010,1010": "063Y", "0010,0040": "F"}
OTHER_DATES = {"0010,0030": "19400101", "0008,0020": "20200101"}


@pytest.fixture
def fromFiles(person, tmp_path, monkeypatch):
    """A head that was loaded from DICOM files which are all there."""
    matrix = phantom.ijkToRAS(0.0)
    head = Volume(phantom.imageOf(phantom.world(matrix)), (matrix.T * LPS).T)
    folder = write_volume_series(tmp_path / "series", head, PatientAge="061Y", PatientSex="M")
    return selected(person, dicom_volumes.load(folder, monkeypatch))


@pytest.fixture
def imageAlone(person, monkeypatch):
    """Return a function that selects a head from DICOM whose files are gone; with its header."""

    def load(**tags):
        monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase({"1.2.3": HEADER | tags}))
        node = phantom.addHead()
        node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
        return selected(person, node)

    return load


def selected(person, node):
    person.rest()
    person.ui.inputSelector.setCurrentNode(node)
    person.rest()
    return node


def given(person, option: str) -> str | None:
    """Return what the last worker was given for an option."""
    arguments = person.workers()[-1]["argv"]
    return arguments[arguments.index(option) + 1] if option in arguments else None


def test_a_header_that_the_worker_reads_is_not_given_as_typed(person, fromFiles):
    assert person.ui.ageEdit.text == "61" and person.ui.subjectLabel.visible
    person.applyAndWait()
    assert given(person, "--age") is None and given(person, "--sex") is None


def test_a_typed_age_is_given_and_an_emptied_field_is_the_headers_again(person, fromFiles):
    person.type(person.ui.ageEdit, "45")
    person.applyAndWait()
    assert given(person, "--age") == "45.0" and given(person, "--sex") is None
    person.type(person.ui.ageEdit, "")
    person.rest()
    assert person.ui.ageEdit.placeholderText == "61 by the DICOM header"
    person.applyAndWait()
    assert given(person, "--age") is None
    other = phantom.addHead("other")
    selected(person, other)
    assert person.ui.ageEdit.placeholderText == "not known"
    selected(person, fromFiles)
    assert person.ui.ageEdit.text == "61"


def test_a_typed_age_is_given_as_exactly_as_it_was_typed(person, fromFiles):
    for typed in ("63.25", "61.04"):  # the second within the tenth that the field showed
        person.type(person.ui.ageEdit, typed)
        person.applyAndWait()
        assert given(person, "--age") == typed
    selected(person, phantom.addHead("other"))
    selected(person, fromFiles)
    assert person.ui.ageEdit.text == "61.04"


def test_the_age_of_a_baby_can_be_typed_again(person, imageAlone):
    imageAlone(**{"0010,1010": "002W"})
    assert person.ui.ageEdit.text == "0.038"
    person.applyAndWait()
    assert float(given(person, "--age")) == pytest.approx(2 / 52.18, abs=1e-3)


def test_an_age_of_dates_is_no_changed_one(person, imageAlone):
    imageAlone(**{"0010,1010": "", "0010,0030": "19730115", "0008,0020": "20200514"})
    assert person.ui.ageEdit.text == "47.3"
    person.applyAndWait()
    assert "changed" not in person.ui.stateLabel.text
    person.type(person.ui.ageEdit, "47.4")
    person.rest()
    assert "The age was changed" in person.ui.stateLabel.text


def test_an_image_alone_takes_age_and_sex_of_its_header_along(person, imageAlone):
    imageAlone()
    person.applyAndWait()
    assert given(person, "--age") == "63.0" and given(person, "--sex") == "F"
    assert "two ages" not in person.ui.stateLabel.text


def test_a_script_that_names_no_age_has_the_headers(person, imageAlone):
    person.module.widget.logic.process(imageAlone())
    assert given(person, "--age") == "63.0"


@pytest.mark.parametrize(
    ("tags", "typed", "words"),
    [
        (OTHER_DATES, "", "gives two ages: 63 years, and 80 by its dates"),
        ({}, "45", "given, 45, is not that of the DICOM header, 63"),
        ({}, "63.5", ""),
    ],
)
def test_two_ages_of_an_image_alone_are_said(person, imageAlone, tags, typed, words):
    imageAlone(**tags)
    if typed:
        person.type(person.ui.ageEdit, typed)
    person.applyAndWait()
    said = person.ui.stateLabel.text
    assert "Judged by its image alone" in said
    assert words in said and ("63" in said) == bool(words)


def test_an_age_of_an_image_alone_that_cannot_be_read_is_said(person, imageAlone):
    imageAlone(**{"0010,1010": "063J"})
    person.applyAndWait()
    assert "an age that cannot be read" in person.ui.stateLabel.text


def test_the_row_of_a_failed_run_has_the_headers_age(person, imageAlone, worker):
    from BrainAgeSlicer import table

    imageAlone()
    worker("error")
    person.applyAndWait()
    assert (table.rows()[-1].age, table.rows()[-1].sex) == (63.0, "F")
