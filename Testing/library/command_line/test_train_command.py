"""What ``brainage train`` hands to the training."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from BrainAgeLib.command_line.train_command import SETTINGS
from BrainAgeLib.training.settings import TrainingSettings


def test_help_names_every_setting_and_how_many_people_it_takes(brainage):
    words = " ".join(brainage("train", "--help").out.split())

    assert tuple(entry.name for entry in fields(TrainingSettings)) == SETTINGS
    assert f"any of {', '.join(SETTINGS)}" in words
    assert "at least 10 people a fold" in words


@pytest.fixture
def handed_over(monkeypatch):
    """Return what the training is given, which does not run."""
    calls = []

    def train_model(data, output, settings, report, only_fold):
        calls.append((data, output, settings, only_fold))
        report("simulate", 3, 20, "")
        report("train fold 1 of 5", 2, 40, "loss 1.234")
        return None if only_fold is not None else output / settings.name

    monkeypatch.setattr("BrainAgeLib.training.train.train_model", train_model)
    return calls


def test_defaults(brainage, handed_over, tmp_path):
    outcome = brainage("train", "--data", tmp_path, "--output", tmp_path / "out")

    assert handed_over == [([tmp_path], tmp_path / "out", TrainingSettings(), None)]
    assert outcome.code == 0
    assert outcome.out == f"the model lies in {tmp_path / 'out' / 'thick-slice'}\n"


def test_progress_goes_to_the_error_stream(brainage, handed_over, tmp_path):
    outcome = brainage("train", "--data", tmp_path, "--output", tmp_path / "out")

    assert outcome.err.splitlines() == [
        "simulate: 3 of 20",
        "train fold 1 of 5: 2 of 40 loss 1.234",
    ]
    assert len(handed_over) == 1


def test_who_is_quiet_hears_no_progress(brainage, handed_over, tmp_path):
    outcome = brainage("train", "--data", tmp_path, "--output", tmp_path / "out", "--quiet")

    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert len(handed_over) == 1


def test_options_win_over_the_file(brainage, handed_over, tmp_path):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"device": "cuda", "threads": 4, "steps": 7}), "utf-8")

    brainage(
        *("train", "--data", tmp_path, "--output", tmp_path, "--config", config),
        *("--device", "cpu", "--threads", 2),
    )

    assert handed_over[0][2] == TrainingSettings(device="cpu", threads=2, steps=7)


def test_folds_are_counted_from_one(brainage, handed_over, tmp_path):
    outcome = brainage("train", "--data", tmp_path, "--output", tmp_path, "--fold", 5)

    assert handed_over[0][3] == 4
    assert (outcome.code, outcome.out) == (0, "")


@pytest.mark.parametrize("arguments", [["--threads", "-1"], ["--threads", "0"]])
def test_what_cannot_be_is_2(brainage, handed_over, tmp_path, arguments):
    outcome = brainage("train", "--data", tmp_path, "--output", tmp_path, *arguments)

    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert handed_over == []


def test_a_folder_without_people_is_2(brainage, tmp_path):
    outcome = brainage("train", "--data", tmp_path, "--output", tmp_path / "out")

    assert outcome.code == 2
    assert "has no participants.tsv (give a BIDS dataset)" in outcome.err
