"""The demo is ``predict`` on the bundled sample, and says what to expect."""

from __future__ import annotations

import json

import pytest

from BrainAgeLib.command_line import predict_command
from BrainAgeLib.command_line.demo_command import EXPECTATION
from BrainAgeLib.resources import sample_scan


@pytest.fixture
def fast_sample(brain_file, monkeypatch):
    """Let a brain-extracted scan in template space stand for the sample."""
    monkeypatch.setattr("BrainAgeLib.command_line.demo_command.sample_scan", lambda: brain_file)
    predict_and_show = predict_command.predict_and_show

    def in_template_space(options, scan, json_lines):
        options.in_template_space = True
        return predict_and_show(options, scan, json_lines)

    monkeypatch.setattr("BrainAgeLib.command_line.demo_command.predict_and_show", in_template_space)


def test_what_a_nifti_file_cannot_have_is_not_offered(brainage):
    words = brainage("demo", "--help").out

    assert "--no-saliency" in words
    assert "--dicom" not in words and "--keep-identifiers" not in words


def test_the_sample_is_bundled():
    assert sample_scan().is_file()


@pytest.mark.usefixtures("fast_sample")
def test_the_demo_shows_a_result_and_what_to_expect(brainage, small_model, tmp_path):
    outcome = brainage("demo", "--output", tmp_path / "out", "--model", small_model)

    assert outcome.code == 0
    assert "Raw brain age" in outcome.out
    assert outcome.out.endswith(f"\n\n{EXPECTATION}\n")
    assert str(tmp_path / "out" / "report.html") in outcome.out
    assert (tmp_path / "out" / "prediction.json").is_file()


@pytest.mark.usefixtures("fast_sample")
def test_the_demo_writes_to_a_folder_of_its_own(brainage, small_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    outcome = brainage("demo", "--model", small_model, "--no-saliency", "--no-report")

    assert outcome.code == 0
    assert (tmp_path / "brainage-demo" / "prediction.json").is_file()


@pytest.mark.usefixtures("fast_sample")
def test_programs_get_events_alone(brainage, small_model, tmp_path):
    outcome = brainage(
        *("demo", "--output", tmp_path / "out", "--model", small_model),
        *("--json-lines", "--no-saliency", "--no-report"),
    )

    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert events[-1]["event"] == "result"
