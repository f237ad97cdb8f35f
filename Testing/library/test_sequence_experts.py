"""A trained model learns other sequences anew, and what reads its T1 scans stays as it is."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from safetensors import safe_open

from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.weights import FILE_NAME, OWN_FILE_NAME
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row, read_rows
from Testing.library.model_folders import (
    knowing_model,
    out_of_fold_rows,
    owning_model,
    small_regional_model,
    with_sequence_rows,
)
from Testing.makers import sequence_experts as maker

KEPT = ("name", "sha256", "harmonisation", "training", "out_of_fold", "ablation")


@pytest.fixture
def people(tmp_path):
    """Return the dataset of the people whom the small model's card was made of."""
    data = tmp_path / "bids"
    data.mkdir()
    ages = np.linspace(20.0, 88.0, 200)
    with (data / "participants.tsv").open("w", newline="") as stream:
        table = csv.writer(stream, delimiter="\t")
        table.writerow(["participant_id", "age", "sex"])
        for number, age in enumerate(ages):
            name = f"sub-{number:03}"
            table.writerow([name, repr(float(age)), "FM"[number % 2]])
            folder = data / name / "anat"
            folder.mkdir(parents=True)
            for what in ("T1w", "dseg"):
                (folder / f"{name}_{what}.nii.gz").touch()
    return data


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a run that has everybody's scans already; what its models say of them is made up."""
    rows: dict[str, list[Row]] = {}
    for row in with_sequence_rows(out_of_fold_rows(200), 15.0, ("T2w", "FLAIR")):
        if row.protocol in SEQUENCE_PROTOCOLS.values():
            rows.setdefault(row.participant_id, []).append(row)
    own = {"T2w": small_regional_model(77), "FLAIR": small_regional_model(78)}
    monkeypatch.setattr(maker, "has_sequences", lambda *_: True)
    monkeypatch.setattr(maker.Fold, "train_own", lambda _fold: own)
    monkeypatch.setattr(
        maker, "rows_of_sequences", lambda _member, _own, person, *_: rows[person.participant_id]
    )
    return tmp_path / "run"


@pytest.mark.parametrize("make", [owning_model, knowing_model])
def test_a_model_learns_them_anew(people, run, tmp_path, capsys, make):
    model = make(tmp_path)
    before, weights = read_card(model), (model / FILE_NAME).read_bytes()

    maker.renew(people, run, model, "5")

    after = read_card(model)
    assert (model / FILE_NAME).read_bytes() == weights
    for name in KEPT:
        assert getattr(after, name) == getattr(before, name), name
    assert after.calibration.classes == before.calibration.classes
    assert after.accuracy.validation == before.accuracy.validation
    assert after.calibration.sequences != before.calibration.sequences
    assert after.version == "5"
    assert set(after.blend.of_sequences) == {"T2w", "FLAIR"}
    with safe_open(model / OWN_FILE_NAME, "pt") as tensors:
        assert {name.split(".")[0] for name in tensors.keys()} == {"T2w", "FLAIR"}  # noqa: SIM118
    assert load_ensemble(str(model)).weights("cpu", "FLAIR").members
    assert "fold 2 of 2" in capsys.readouterr().out
    rows = read_rows(run / "out_of_fold.csv")
    assert len(rows) == 200 * 4
    assert {row.protocol for row in rows} == {MAIN_PROTOCOL, *SEQUENCE_PROTOCOLS.values()}


def test_people_of_another_model_are_refused(people, run, tmp_path):
    model = owning_model(tmp_path)
    card = json.loads((model / "card.json").read_text("utf-8"))
    card["out_of_fold"]["ages_years"][0] += 1.0
    (model / "card.json").write_text(json.dumps(card), "utf-8")

    with pytest.raises(ValueError, match="not the people of the card"):
        maker.renew(people, run, model, "5")


def test_the_same_version_is_refused(people, run, tmp_path):
    model = owning_model(tmp_path)

    with pytest.raises(ValueError, match="is 4 already"):
        maker.renew(people, run, model, read_card(model).version)
