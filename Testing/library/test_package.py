"""What the package offers: typed keywords for everything, and nothing heavy before it is needed."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest
import SimpleITK as sitk
import torch

import BrainAgeLib
from BrainAgeLib import delivery, pipeline
from BrainAgeLib.options import Deliverables, Options
from Testing.library.outcomes import COMPLETE, names_in

LOADED = """
import sys, BrainAgeLib
dir(BrainAgeLib), BrainAgeLib.predict.__doc__, BrainAgeLib.Options(age_years=50.0)
print(*sorted({"torch", "SimpleITK", "deepbet"} & set(sys.modules)))
"""
OTHERS = {
    "age_years": 50.0,
    "sex": "F",
    "device": "cpu",
    "threads": 1,
    "model": "other",
    "brain_extracted": True,
    "in_template_space": True,
    "saliency": False,
    "correction": "cole",
    "force": True,
    "series_uid": "1.2",
    "site": "site.json",
    "keep_identifiers": True,
    "sequence": "T2w",
}


def keywords(function):
    """Return the keywords of a function with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def defaults(record):
    """Return the fields of a record with their defaults."""
    return {field.name: field.default for field in fields(record)}


def test_nothing_heavy_is_loaded_to_look_around():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []


def test_what_is_offered_is_there():
    assert set(BrainAgeLib.__all__) <= set(dir(BrainAgeLib))
    assert all(getattr(BrainAgeLib, name) is not None for name in BrainAgeLib.__all__)
    assert BrainAgeLib.run is pipeline.run
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        BrainAgeLib.guess  # noqa: B018


def test_every_option_is_a_keyword_with_its_default():
    assert keywords(BrainAgeLib.predict) == defaults(Options) | {"on_progress": None}
    assert keywords(BrainAgeLib.predict_to_folder) == (
        defaults(Options) | defaults(Deliverables) | {"on_progress": None}
    )


def test_every_keyword_reaches_the_work(monkeypatch):
    asked = []

    class Done:
        prediction = "the record"

    def run(*arguments):
        asked.append(arguments)
        return Done

    def deliver(*arguments):
        asked.append(arguments)
        return "the record", None

    monkeypatch.setattr(pipeline, "run", run)
    monkeypatch.setattr(delivery, "deliver", deliver)
    wanted = {"report": False, "dicom": True, "thumbnail": True}

    assert BrainAgeLib.predict("scan.nii", **OTHERS, on_progress=print) == "the record"
    written = BrainAgeLib.predict_to_folder(
        "scan.nii", "out", **OTHERS, **wanted, on_progress=print
    )

    assert set(OTHERS) == set(defaults(Options))
    assert written == "the record"
    assert asked == [
        ("scan.nii", Options(**OTHERS), print),
        ("scan.nii", "out", Options(**OTHERS), Deliverables(**wanted), print),
    ]


def test_a_call_leaves_the_process_as_it_was(image, in_place):
    before = torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    other = before[0] + 1

    BrainAgeLib.predict(image, threads=other, **in_place)

    after = torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    assert after == before


def test_everything_is_written_to_the_folder(brain_file, in_place, tmp_path):
    options = in_place | {"saliency": True}

    prediction = BrainAgeLib.predict_to_folder(brain_file, tmp_path / "out", 61.0, "F", **options)

    assert (prediction.chronological_age_years, prediction.sex) == (61.0, "F")
    assert names_in(tmp_path / "out") == COMPLETE | {"saliency.nii.gz"}
