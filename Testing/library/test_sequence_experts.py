"""A trained model learns other sequences anew, and what reads its T1 scans stays as it is."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from BrainAgeLib.model.calibration import SequencesTogether
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.weights import FILE_NAME, OWN_FILE_NAME
from BrainAgeLib.training.fold import EVERYBODY
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row, read_rows
from Testing.library.model_folders import (
    knowing_model,
    out_of_fold_rows,
    owning_model,
    small_own,
    with_sequence_rows,
)
from Testing.makers import sequence_experts as maker

ENHANCED, SHOWN = "T1w after contrast", "t2w_flair"
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
    own = small_own(77)
    monkeypatch.setattr(maker, "has_sequences", lambda *_: True)
    monkeypatch.setattr(
        maker, "train_own", lambda _, _member, networks: own if SHOWN in networks else {}
    )
    monkeypatch.setattr(
        maker, "rows_of_sequences", lambda _member, _own, person, *_: rows[person.participant_id]
    )
    return tmp_path / "run"


@pytest.mark.parametrize("make", [owning_model, knowing_model])
def test_a_model_learns_them_anew(people, run, tmp_path, capsys, make):
    model = make(tmp_path)
    before, weights = read_card(model), (model / FILE_NAME).read_bytes()

    maker.renew([people], run, model, "5")

    after = read_card(model)
    assert (model / FILE_NAME).read_bytes() == weights
    for name in KEPT:
        assert getattr(after, name) == getattr(before, name), name
    assert after.calibration.classes == before.calibration.classes
    assert after.accuracy.validation == before.accuracy.validation
    for name in SEQUENCE_PROTOCOLS:
        assert after.calibration.sequences[name] != before.calibration.sequences.get(name), name
    assert after.version == "5"
    assert set(after.blend.of_sequences) == {"T2w", "FLAIR"}
    with safe_open(model / OWN_FILE_NAME, "pt") as tensors:
        prefixes = {name.split(".")[0] for name in tensors.keys()}  # noqa: SIM118
    assert prefixes == {"T2w", "FLAIR", SHOWN}
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
        maker.renew([people], run, model, "5")


def test_the_same_version_is_refused(people, run, tmp_path):
    model = owning_model(tmp_path)

    with pytest.raises(ValueError, match="is 4 already"):
        maker.renew([people], run, model, read_card(model).version)


def test_people_of_other_sites_are_learnt_from_and_not_told_of(people, run, tmp_path, monkeypatch):
    other = tmp_path / "other"
    for number in range(4):
        folder = other / f"sub-x{number}" / "anat"
        folder.mkdir(parents=True)
        for what in ("T1w", "dseg"):
            (folder / f"sub-x{number}_{what}.nii.gz").touch()
    rows = "".join(f"sub-x{number}\t{30 + number}\tF\n" for number in range(4))
    (other / "participants.tsv").write_text("participant_id\tage\tsex\n" + rows, "utf-8")
    seen, begun, written = [], [], []
    model, own = owning_model(tmp_path), maker.train_own
    monkeypatch.setattr(maker, "has_sequences", lambda *_: False)
    monkeypatch.setattr(maker, "write_sequences", lambda person, *_: written.append(person.site))

    def train_own(fold, member, networks):
        seen.append(len(fold.others))
        begun.append((fold.number, member["network"].layout.weight))
        return own(fold, member, networks)

    monkeypatch.setattr(maker, "train_own", train_own)
    members = load_ensemble(str(model)).weights("cpu").members

    maker.renew([people, other], run, model, "5")

    assert sorted(written) == ["bids"] * 200 + ["other"] * 4
    # What says how good it is goes on from the member that has not seen these people either.
    assert [number for number, _ in begun] == [EVERYBODY, 0, 1]
    for number, weight in begun[1:]:
        assert torch.equal(weight, members[number]["network"].layout.weight)
    assert not torch.equal(begun[1][1], begun[2][1])
    assert seen[0] == 204  # everybody
    assert sum(seen[1:]) == 204 * (len(seen) - 2)
    told = {row.participant_id for row in read_rows(run / "out_of_fold.csv")}
    assert len(told) == 200 and not any(name.startswith("sub-x") for name in told)


def test_what_one_network_shows_may_be_learnt_anew_and_all_of_the_others_stays(
    people, run, tmp_path
):
    model = owning_model(tmp_path)
    maker.renew([people], run, model, "5")
    card = json.loads((model / "card.json").read_text("utf-8"))
    sets = [["T1w", ENHANCED], ["T1w", "FLAIR"]]
    entry = {"entry": card["calibration"]["sequences"][ENHANCED]["entry"]}
    card["calibration"]["together"] = [
        {"sequences": names, "fractions": dict.fromkeys(names, 0.5), **entry} for names in sets
    ]
    for read in card["calibration"]["sequences"].values():
        read |= {"real_widening": 1.7, "real_scans": 3}
    (model / "card.json").write_text(json.dumps(card), "utf-8")
    before = read_card(model).calibration.sequences

    maker.renew([people], run, model, "6", (SHOWN,))

    after = read_card(model)
    assert after.calibration.sequences[ENHANCED] == before[ENHANCED]
    for name in ("T2w", "FLAIR"):
        assert after.calibration.sequences[name].real_scans == 0  # not seen by these models yet
    assert list(after.calibration.sequences) == list(before)
    assert set(after.blend.of_sequences) == {"T2w", "FLAIR"}
    assert [one.sequences for one in after.calibration.together] == [("T1w", ENHANCED)]
    rows = read_rows(run / "out_of_fold.csv")
    assert {row.protocol for row in rows} == {
        MAIN_PROTOCOL,
        *(SEQUENCE_PROTOCOLS[name] for name in ("T2w", "FLAIR")),
    }


def test_what_has_no_own_models_leaves_those_of_the_others_as_they_are(people, run, tmp_path):
    model = owning_model(tmp_path)
    before, experts = read_card(model), load_file(model / OWN_FILE_NAME)

    maker.renew([people], run, model, "5", ("enhanced",))

    after, now = read_card(model), load_file(model / OWN_FILE_NAME)
    assert after.own_sha256 == before.own_sha256
    assert set(now) == set(experts)
    assert all(torch.equal(experts[name], now[name]) for name in experts)
    assert after.blend.of_sequences == before.blend.of_sequences


def test_a_set_of_what_is_learnt_anew_joins_the_sets_of_others(people, run, tmp_path, monkeypatch):
    model = owning_model(tmp_path)
    maker.renew([people], run, model, "5")
    entry = read_card(model).calibration.sequences["FLAIR"].entry
    made = SequencesTogether(("T1w", "FLAIR"), {"T1w": 0.5, "FLAIR": 0.5}, entry)
    monkeypatch.setattr(maker, "fit_together", lambda *_: ((made,), {}))

    maker.renew([people], run, model, "6", (SHOWN,))

    assert [one.sequences for one in read_card(model).calibration.together] == [made.sequences]


def test_a_model_without_networks_is_refused_before_hours_are_spent(people, run, tmp_path):
    model = owning_model(tmp_path)
    card = json.loads((model / "card.json").read_text("utf-8"))
    card["blend"]["whole_brain"] = {"regional": 1.0}
    card["blend"]["of_sequences"] = {}
    (model / "card.json").write_text(json.dumps(card), "utf-8")

    with pytest.raises(ValueError, match="no networks to go on from"):
        maker.renew([people], run, model, "5")
