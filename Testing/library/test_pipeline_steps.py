"""The steps of the way: what a scan brings along, what is skipped, and where work is done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib import pipeline, predict
from BrainAgeLib.gate import field_of_view
from BrainAgeLib.model import devices, ensemble
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import Answer, is_withheld
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.read import scan_from_image
from BrainAgeLib.template import template as template_module
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from Testing.library.scan.made_dicom import write_volume_series


@pytest.fixture
def from_header(monkeypatch):
    """Let the header of every image tell an age and a sex."""
    monkeypatch.setattr(
        "BrainAgeLib.case.scan_from_image",
        lambda image: replace(
            scan_from_image(image), age_years=61.0, sex="F", slice_thickness_mm=5.0
        ),
    )


@pytest.mark.usefixtures("from_header")
def test_the_header_tells_what_the_caller_does_not(image, in_place):
    found = predict(image, **in_place)
    overruled = predict(image, 40.0, "M", **in_place)

    assert (found.chronological_age_years, found.sex) == (61.0, "F")
    assert found.acquisition.slice_thickness_mm == 5.0
    assert (overruled.chronological_age_years, overruled.sex) == (40.0, "M")
    assert found.brain_age_years == overruled.brain_age_years


def test_what_was_skipped_took_no_time_at_all(image, in_place, monkeypatch, small_model):
    seconds = predict(image, **in_place).timings_seconds
    assert (seconds.brain_extraction, seconds.registration) == (None, None)
    assert seconds.read is not None
    assert seconds.prediction is not None

    monkeypatch.setattr(
        pipeline, "register_to_template", lambda *_: Registration(np.eye(4), similarity=0.95)
    )
    options = {"brain_extracted": True, "saliency": False, "model": str(small_model)}
    seconds = predict(image, **options).timings_seconds
    assert seconds.brain_extraction is None
    assert seconds.registration is not None


def test_a_first_scan_finds_ready_what_depends_on_no_scan(small_model, monkeypatch):
    ensemble._weights.cache_clear()
    tools = pipeline.prepare(Options(model=str(small_model), device="cpu"))
    tools = replace(tools, template=replace(tools.template))  # nothing was made of it yet

    tools.get_ready()

    monkeypatch.delattr(ensemble, "load_weights")
    monkeypatch.delattr(template_module, "distance_outside_mm")
    monkeypatch.delattr(field_of_view, "distance_outside_mm")
    assert len(tools.ensemble.weights("cpu").members) > 0
    assert tools.template.tissues.max() == template_module.VENTRICLE
    assert field_of_view.template_grid(tools.template).brain.any()


def test_too_little_gpu_memory_means_the_cpu_and_a_note(image, in_place, monkeypatch):
    slices = PlacedScan.slices

    def large(self, template, device, sequence):
        if device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return slices(self, template, device, sequence)

    on_the_cpu = predict(image, **in_place)
    monkeypatch.setattr(PlacedScan, "slices", large)
    monkeypatch.setattr(devices, "resolve_device", lambda _name: "cuda:0")
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    found = predict(image, **in_place)

    assert found.device == "cpu"
    assert [finding.code for finding in found.quality.findings] == ["gpu_memory"]
    assert found.quality.verdict == "pass"
    assert found.brain_age_years == on_the_cpu.brain_age_years


REFUSAL = Finding("made_up", "refuse", "This cannot be.")
NOTE = Finding("made_up", "note", "This is so.")


@pytest.mark.parametrize(
    ("of_reader", "judged", "force", "withheld"),
    [
        ((), (), False, False),
        ((NOTE,), (NOTE,), False, False),
        ((), (REFUSAL,), False, True),
        ((REFUSAL,), (), False, True),
        ((), (REFUSAL,), True, False),
    ],
)
def test_no_number_leaves_a_refusal_unless_somebody_insists(
    image, in_place, of_reader, judged, force, withheld
):
    options = Options(**in_place, force=force)
    case = pipeline.read(image, options)
    case = replace(case, scan=replace(case.scan, findings=of_reader))

    assert is_withheld(case, Answer(judged), pipeline.prepare(options)) == withheld


def test_two_ages_of_a_header_are_a_warning_unless_the_age_is_given(thick_brain, tmp_path):
    ages = {"PatientAge": "042Y", "PatientBirthDate": "19660101"}
    folder = write_volume_series(tmp_path / "s", thick_brain, **ages)

    of_header = pipeline.read(folder, Options())
    given = pipeline.read(folder, Options(age_years=54.0))

    assert of_header.age_years == 42.0
    assert [item.code for item in of_header.scan.findings] == ["two_ages"]
    assert (given.age_years, given.scan.findings) == (54.0, ())


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"age_years": 41.0, "sex": "F"}, ["two_ages", "two_sexes"]),
        ({"age_years": 31.6}, ["two_ages"]),
        ({"age_years": 31.4, "sex": "M"}, []),
        ({"sex": "F"}, ["two_sexes"]),
    ],
)
def test_a_person_unlike_the_header_is_told(thick_brain, tmp_path, given, codes):
    person = {"PatientAge": "030Y", "PatientBirthDate": "", "PatientSex": "M"}
    folder = write_volume_series(tmp_path / "s", thick_brain, **person)

    case = pipeline.read(folder, Options(**given))

    assert [item.code for item in case.scan.findings] == codes
    assert case.age_years == given.get("age_years", 30.0)
    assert case.sex == given.get("sex", "M")
    for finding in case.scan.findings:
        assert "the DICOM header says 30." in finding.message or "says M." in finding.message
