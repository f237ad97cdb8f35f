"""What was trained on scans of another sequence speaks for it, and for nothing else."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.model.card import OWN_EXPERTS, OWN_KINDS, OWN_NETWORK, Blend, read_card
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.weights import OWN_FILE_NAME, load_own, pack_own
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.training.simulate import as_slices
from Testing.library.model_folders import (
    knowing_model,
    owning_model,
    small_network,
    small_own,
    small_regional_model,
)
from Testing.library.stored_scans import quick_alignment, stored_scan


@pytest.fixture(scope="module")
def owning(tmp_path_factory):
    """Return the folder of a model with own models for T2w and FLAIR."""
    return owning_model(tmp_path_factory.mktemp("owning"))


@pytest.fixture(scope="module")
def maps():
    """Return what models see of a scan of noise."""
    with quick_alignment():
        seen = maps_of_scan(as_slices(stored_scan(21), "cpu"))
        seen.aligned  # noqa: B018 - worked out while it is quick
    return seen


def test_they_count_for_their_sequences_and_for_no_other(owning):
    blend = read_card(owning).blend

    assert blend.of_sequences.keys() == {"T2w", "FLAIR"}  # nothing speaks of an enhanced T1 alone
    for fractions in blend.of_sequences.values():
        assert set(fractions) == set(OWN_KINDS)
    assert not set(OWN_KINDS) & set(blend.kinds)
    assert blend.read_as("T2w", None).whole_brain == blend.of_sequences["T2w"]
    assert blend.read_as("T1w after contrast", None).whole_brain == blend.whole_brain


def test_a_sequence_may_leave_out_a_kind_that_another_counts():
    kinds = {"network": 0.5, "regional": 0.5}
    others = {
        "T2w": {"network": 0.4, "regional": 0.2, OWN_EXPERTS: 0.4},
        "FLAIR": {OWN_EXPERTS: 1.0},
    }
    blend = Blend(kinds, {"slices": 1.0}, of_sequences=others)

    assert blend.read_as("FLAIR", None).whole_brain == {OWN_EXPERTS: 1.0}
    assert blend.read_as("T2w", None).raw_age(
        {"network": 40.0, "regional": 50.0, OWN_EXPERTS: 60.0}, True
    ) == pytest.approx(50.0)


@pytest.mark.parametrize("others", [{"FLAIR": {"kernel": 1.0}}, {"PDw": {OWN_EXPERTS: 1.0}}])
def test_a_card_names_nothing_that_nobody_knows(others):
    with pytest.raises(ValueError, match="of_sequences cannot be"):
        Blend({"network": 1.0}, {"slices": 1.0}, of_sequences=others)


def test_each_sequence_is_read_by_its_own(owning, maps):
    found = load_ensemble(str(owning))

    said = {name: found.raw_age(maps, "cpu", name) for name in ("T1w", "T2w", "FLAIR")}

    for name, seed in (("T2w", 21), ("FLAIR", 31)):
        blend = found.card.blend_of(name)
        for years, member in zip(
            said[name].members_years, found.weights("cpu").members, strict=True
        ):
            by_kind = {kind: model.age_years(maps) for kind, model in member.items()}
            by_kind[OWN_EXPERTS] = small_regional_model(seed).age_years(maps)
            by_kind[OWN_NETWORK] = small_network(41).age_years(maps)
            assert years == pytest.approx(blend.raw_age(by_kind, True), abs=0.01)
    assert len({round(raw.age_years, 3) for raw in said.values()}) == 3


def test_sequences_that_one_network_shows_share_their_own(owning):
    members = [load_ensemble(str(owning)).weights("cpu", name).members for name in ("T2w", "FLAIR")]

    own = load_own(owning, read_card(owning), ("T2w", "FLAIR"))
    assert own["T2w"][OWN_NETWORK] is own["FLAIR"][OWN_NETWORK]
    (of_t2, *_), (of_flair, *_) = members
    assert len({member[OWN_NETWORK] for member in members[0]}) == 1  # and so do all members
    assert torch.equal(of_t2[OWN_NETWORK].layout.weight, of_flair[OWN_NETWORK].layout.weight)
    assert not torch.equal(of_t2[OWN_EXPERTS].weights, of_flair[OWN_EXPERTS].weights)


def test_different_networks_in_one_place_are_refused():
    own = small_own()
    own["FLAIR"] = {**own["FLAIR"], OWN_NETWORK: small_network(1)}

    with pytest.raises(ValueError, match="another network"):
        pack_own(own)


def test_what_members_share_is_asked_once(owning, maps, monkeypatch):
    found, asked = load_ensemble(str(owning)), []
    shared = found.weights("cpu", "T2w").members[0][OWN_NETWORK]
    age_years, contributions = shared.age_years, shared.contributions
    monkeypatch.setattr(shared, "age_years", lambda m: asked.append("age") or age_years(m))
    monkeypatch.setattr(
        shared, "contributions", lambda *args: asked.append("map") or contributions(*args)
    )

    found.raw_age(maps, "cpu", "T2w")
    with quick_alignment():
        found.saliency_years(maps, "cpu", lambda _done: None, "T2w")

    assert asked == ["age", "map"]


def test_a_t1_loads_nothing_of_them(owning, tmp_path, maps):
    folder = shutil.copytree(owning, tmp_path / "model")
    (folder / OWN_FILE_NAME).unlink()
    found = load_ensemble(str(folder))

    assert found.raw_age(maps, "cpu").age_years == pytest.approx(
        load_ensemble(str(owning)).raw_age(maps, "cpu").age_years
    )
    assert found.raw_age(maps, "cpu", "T1w after contrast").sequence == "T1w after contrast"
    with pytest.raises(InstallationError, match=f"{OWN_FILE_NAME} cannot be read"):
        found.raw_age(maps, "cpu", "T2w")


def test_the_map_of_a_sequence_is_not_that_of_a_t1(owning, maps):
    found = load_ensemble(str(owning))

    with quick_alignment():
        of_t1, of_t2 = (
            found.saliency_years(maps, "cpu", lambda _done: None, name) for name in ("T1w", "T2w")
        )

    assert of_t1.abs().max() > 0
    assert of_t2.abs().max() > 0
    assert not torch.allclose(of_t1, of_t2)


def test_one_flipped_bit_is_noticed(owning, tmp_path, maps):
    folder = shutil.copytree(owning, tmp_path / "model")
    content = bytearray((folder / OWN_FILE_NAME).read_bytes())
    content[-1] ^= 1
    (folder / OWN_FILE_NAME).write_bytes(content)

    with pytest.raises(InstallationError, match="are not those of the card"):
        load_ensemble(str(folder)).raw_age(maps, "cpu", "FLAIR")


def test_a_card_that_counts_on_them_has_to_name_their_file(owning, tmp_path):
    folder = shutil.copytree(owning, tmp_path / "model")
    card = json.loads((folder / "card.json").read_text("utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, "own_sha256": ""}), "utf-8")

    with pytest.raises(InstallationError, match="is damaged"):
        read_card(folder)


def test_a_model_that_is_written_anew_without_them_has_no_such_file(owning, tmp_path):
    shutil.copytree(owning, tmp_path / "knowing")

    folder = knowing_model(tmp_path)

    assert not (folder / OWN_FILE_NAME).exists()
    assert read_card(folder).own_sha256 == ""
