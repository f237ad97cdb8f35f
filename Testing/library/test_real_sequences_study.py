"""The study of real scans of other sequences: whose T1 is whose, how much wider intervals get."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from BrainAgeLib.model.card import read_card
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.out_of_fold import SEQUENCE_PROTOCOLS, write_rows
from BrainAgeLib.training.settings import TrainingSettings
from Testing.library.model_folders import (
    BLEND,
    FOLDS,
    SMALL_NETWORK,
    out_of_fold_rows,
    small_weights,
    with_sequence_rows,
)
from Testing.library.report.conftest import person
from Testing.studies.network import real_sequences as study

T2 = SEQUENCE_PROTOCOLS["T2w"]


@pytest.fixture
def prediction():
    """Return a made-up record."""
    return person()


@pytest.fixture(scope="module")
def rows():
    """Return rows of people, with scans of other sequences."""
    return with_sequence_rows(out_of_fold_rows(60))


def scan_of(record, session, shows, years):
    """Return a scan with an age."""
    return study.Scan(session, shows, replace(record, brain_age_years=years))


def test_scans_are_compared_within_their_session(prediction):
    scans = [
        scan_of(prediction, "sub-1_ses-1", "T1w", 50.0),
        scan_of(prediction, "sub-1_ses-1", "T2w", 47.0),
        scan_of(prediction, "sub-1_ses-2", "T2w", 90.0),  # without a T1
        scan_of(prediction, "sub-2", "T1w", 30.0),
        scan_of(prediction, "sub-2", "T2w", 35.0),
        scan_of(prediction, "sub-2", "T1w after contrast", 31.0),
    ]

    assert study.differences(scans) == {"T2w": [-3.0, 5.0], "T1w after contrast": [1.0]}
    text = study.markdown(scans, {"T2w": 1.3})
    assert "2 scans, mean difference +1.0 years, largest +5.0; the interval is 1.30 times" in text
    assert "90.0" not in text


def test_intervals_widen_by_what_real_scans_stray_more_than_simulated_ones(rows):
    apart, error = study.simulated(rows, T2)

    assert study.widening([0.1 * apart] * 3, rows, T2) == 1.0
    more = study.widening([math.sqrt(apart**2 + 3 * error**2)] * 2, rows, T2)
    assert more == pytest.approx(2.0, abs=0.01)


def test_files_are_told_by_their_names(tmp_path, monkeypatch, prediction):
    for name in ("sub-1_ses-1_T1w", "sub-1_ses-1_ce-gad_T1w", "sub-1_ses-1_FLAIR", "sub-1_bold"):
        (tmp_path / f"{name}.nii.gz").touch()
    (tmp_path / "sub-2_desc-brain_T2w.nii.gz").touch()
    stripped = []

    def run(path, options):
        stripped.append((path.name.split(".")[0], options.brain_extracted))
        return type("Made", (), {"prediction": prediction})

    monkeypatch.setattr(study, "run", run)
    scans = study.scans_of([tmp_path], None)

    assert {(scan.session, scan.shows) for scan in scans} == {
        ("sub-1_ses-1", "T1w"),
        ("sub-1_ses-1", "T1w after contrast"),
        ("sub-1_ses-1", "FLAIR"),
        ("sub-2_desc-brain", "T2w"),
    }
    assert [name for name, extracted in stripped if extracted] == ["sub-2_desc-brain_T2w"]


def test_the_card_learns_it(tmp_path, rows):
    write_rows(rows, tmp_path / "out_of_fold.csv")
    settings = TrainingSettings(name="made", version="4", folds=FOLDS, network=SMALL_NETWORK)
    folder = write_model(tmp_path, small_weights(), BLEND, rows, settings)
    before = json.loads((folder / "card.json").read_text("utf-8"))

    study.into_card(folder / "card.json", {"T2w": 1.4}, {"T2w": 3, "PDw": 1})

    read = read_card(folder).calibration.sequences
    assert (read["T2w"].real_widening, read["T2w"].real_scans) == (1.4, 3)
    assert (read["FLAIR"].real_widening, read["FLAIR"].real_scans) == (1.0, 0)
    assert read_card(folder).sha256 == before["sha256"]
