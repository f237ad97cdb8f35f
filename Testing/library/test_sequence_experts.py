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
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT
from BrainAgeLib.training import regional
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, read_rows
from BrainAgeLib.training.store import sequences_file, write_scans
from Testing.library.model_folders import knowing_model, owning_model, small_regional_model
from Testing.library.stored_scans import stored_scan
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
def run(people, tmp_path, monkeypatch):
    """Return a run that has everybody's scans of other sequences: two different ones of noise."""
    work = tmp_path / "run" / "work"
    (work / "scans").mkdir(parents=True)
    cells = small_regional_model(1).center.shape
    made = []
    for seed in (1, 2):
        write_scans(tmp_path / "scans.npz", [stored_scan(12, seed + 10 * n) for n in range(3)])
        generator = np.random.default_rng(seed)
        arrays = {
            **np.load(tmp_path / "scans.npz"),
            "volumes": generator.integers(
                0, 255, (9, HEIGHT_COUNT, GRID_HEIGHT, GRID_WIDTH), np.uint8
            ),
            "covered": np.ones(7, bool),
            "regional": generator.random((7, *cells)).astype(np.float16),
        }
        path = tmp_path / f"made{seed}.npz"
        np.savez(path, **arrays)
        made.append(path)
    for number, person in enumerate(maker.read_sites([people])[0]):
        sequences_file(work, person).symlink_to(made[number % 2])
    monkeypatch.setattr(regional, "fit_regional_model", lambda *_: small_regional_model(77))
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
    counted = {name for name in after.blend.of_sequences if after.blend.has_own(name)}
    with safe_open(model / OWN_FILE_NAME, "pt") as tensors:
        assert {name.split(".")[0] for name in tensors.keys()} == counted  # noqa: SIM118
    assert load_ensemble(str(model)).weights("cpu", min(counted)).members
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
