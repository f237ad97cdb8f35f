"""When and of whom the scans are that the panel compares."""

from __future__ import annotations

import json
import shutil

import pytest
import slicer

from dicom_database import DicomDatabase
from two_scans import compare


def test_the_days_of_dicom_go_before_ages(person, twoScans, monkeypatch):
    days = {"1.1": "20200101", "1.2": "20210101"}
    database = DicomDatabase({uid: {"0008,0020": day} for uid, day in days.items()})
    nodes = twoScans()
    for node, uid in zip(nodes, days, strict=True):
        node.SetAttribute("DICOM.instanceUIDs", uid)
    monkeypatch.setattr(slicer, "dicomDatabase", database)
    compare(person)

    assert "+5.0 years a year" in person.ui.followLabel.text


def test_scans_days_apart_have_no_rate(person, twoScans):
    twoScans()
    person.type(person.ui.yearsEdit, "0.0192")
    compare(person)

    text = person.ui.followLabel.text
    assert "Change of brain age: <b>+5.0 years</b>" in text and "over 7 days" in text
    assert "260" not in text


@pytest.mark.parametrize("ids", [("P-4711", "P-0815"), ("P-4711", "P-4711")])
def test_scans_of_two_patients_are_warned_of_and_neither_is_named(
    person, twoScans, monkeypatch, ids
):
    from BrainAgeSlicer import follow, results

    uids = ("1.1", "1.2")
    database = DicomDatabase({uid: {"0010,0020": one} for uid, one in zip(uids, ids, strict=True)})
    nodes = twoScans()
    for node, uid in zip(nodes, uids, strict=True):
        node.SetAttribute("DICOM.instanceUIDs", uid)
    monkeypatch.setattr(slicer, "dicomDatabase", database)
    compare(person)

    text, differ = person.ui.followLabel.text, ids[0] != ids[1]
    assert ("since the patient IDs of their headers differ: first, later" in text) is differ
    comparison = follow.compare(*map(results.findResult, nodes), None)
    run = follow.FollowRun(comparison, ["false"], lambda _made, _error: None)
    records = [json.loads(path.read_text("utf-8")) for path in run._folder.rglob("prediction.json")]
    shutil.rmtree(run._folder)
    told = {each["identifiers"]["patient_id"] for each in records}
    assert len(records) == 2 and len(told) == 1 + differ
    assert not any(one in text or one in told for one in ids)
