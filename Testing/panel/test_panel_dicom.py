"""One DICOM series, from Slicer and from the command line: one judgement."""

from __future__ import annotations

import importlib.util
import json

import pytest

import dicom_volumes
from BrainAgeLib.command_line.main import main
from BrainAgeLib.errors import BrainAgeError, ExitCode
from BrainAgeLib.report.record import prediction_to_dict
from Testing.library.model_folders import write_small_model
from Testing.library.phantoms import template_brain, thick_slices_of
from Testing.library.scan.made_dicom import write_volume_series

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]
REAL_SECONDS = 400.0  # the worker steps back where the machine is busy
HEADER = {"PatientAge": "061Y", "PatientSex": "F", "EchoTime": 12.0, "RepetitionTime": 550.0}
LONG_ECHO = {"EchoTime": 98.0, "RepetitionTime": 4200.0}
CONTRAST = {"ContrastBolusAgent": "Gadovist"}
OTHER_DATES = {"PatientBirthDate": "19400101", "StudyDate": "20200101"}  # an age of 80


@pytest.fixture
def judged(person, tmp_path, monkeypatch):
    """Return a function that judges a series both ways."""
    model = write_small_model(tmp_path / "models")
    person.useRealWorker()

    def judge(change=lambda _folder: None, age=None, **header):
        folder = write_volume_series(tmp_path / "series", thick_slices_of(template_brain()))
        change(folder)
        rewrite(folder, HEADER | header)
        node = dicom_volumes.load(folder, monkeypatch, folder.name)
        out = tmp_path / "out"
        arguments = ["predict", str(folder), "--output", str(out), "--brain-extracted"]
        arguments += ["--age", age] if age else []
        code = main([*arguments, "--model", str(model), "--no-saliency", "--no-report"])
        try:
            inSlicer = applied(person, node, model, age)
        except BrainAgeError as error:
            return code, None, error
        return code, json.loads((out / "prediction.json").read_text()), inSlicer

    return judge


def applied(person, node, model, age):
    """Return what the panel makes of a scan, as a person works it. Raises BrainAgeError."""
    from BrainAgeSlicer import results

    person.rest()
    person.ui.inputSelector.setCurrentNode(node)
    person.rest()
    parameters = person.module.widget.panel._parameters
    parameters.brainExtracted, parameters.model = True, str(model)
    parameters.makeSaliency = parameters.makeReport = False
    if age:
        person.type(person.ui.ageEdit, age)
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply", REAL_SECONDS)
    (ended,) = person.module.widget.panel._runs._ends
    if ended.error is not None:
        raise ended.error
    return results.findResult(node).prediction


def rewrite(folder, values) -> None:
    """Write values into the header of every file."""
    import pydicom

    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        for name, value in values.items():
            setattr(data, name, value)
        data.save_as(path)


def withoutPathsAndTimes(record: dict) -> dict:
    record["input"]["path"] = record["timings_seconds"] = None
    return record


@pytest.mark.parametrize(
    ("header", "age", "finding"),
    [
        ({}, None, None),
        (LONG_ECHO, None, "header_not_t1"),
        (CONTRAST, None, "contrast_agent"),
        (OTHER_DATES, None, "two_ages"),
        ({}, "45", "two_ages"),
    ],
    ids=["plain", "a long echo", "contrast agent", "other dates", "a typed age"],
)
def test_the_records_are_equal(judged, header, age, finding):
    code, record, prediction = judged(age=age, **header)

    inSlicer = withoutPathsAndTimes(json.loads(json.dumps(prediction_to_dict(prediction))))
    assert inSlicer == withoutPathsAndTimes(record)
    assert record["acquisition"]["slice_thickness_mm"] == 5.0
    assert record["input"]["series_uid"]
    assert record["chronological_age_years"] == float(age or 61)
    codes = [each["code"] for each in record["quality"]["findings"]]
    assert finding is None or finding in codes, codes


def test_a_missing_slice_is_refused_with_the_same_code(judged):
    def loseOne(folder):
        sorted(folder.iterdir())[9].unlink()

    code, _record, error = judged(loseOne)

    assert code == error.exit_code == ExitCode.UNUSABLE_INPUT
    assert "not evenly spaced" in error.message
