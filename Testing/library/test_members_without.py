"""The models without a site come out of their small file as they went in, but for rounding."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load

from BrainAgeLib.codec import to_text
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.weights import FILE_NAME, MEAN_MAPS
from Testing.studies.network._members_without import (
    FEW_SLICES,
    KEPT,
    keep,
    rounded,
    unpack,
    unrounded,
)


@pytest.fixture
def without_guys(small_model, tmp_path):
    """Return a small model called after the site that it lacks."""
    folder = tmp_path / "run" / "thick-slice-without-Guys"
    shutil.copytree(small_model, folder)
    card = replace(read_card(folder), name=folder.name)
    (folder / "card.json").write_text(to_text(card), "utf-8")
    return folder


def test_kept_models_say_nearly_the_same(without_guys, noise_maps, tmp_path):
    keep([without_guys], tmp_path / "kept.zip")

    folders = unpack(tmp_path / "work", tmp_path / "kept.zip")

    assert list(folders) == ["Guys"]
    before, after = load_ensemble(str(without_guys)), load_ensemble(folders["Guys"])
    assert after.card.blend == before.card.blend
    ages = [one.raw_age(noise_maps, "cpu").age_years for one in (before, after)]
    assert ages[0] == pytest.approx(ages[1], abs=0.5)
    assert ages[0] != ages[1]


def test_every_weight_is_within_half_a_step(without_guys):
    tensors = load((without_guys / FILE_NAME).read_bytes())

    back = unrounded(rounded(tensors))

    assert back.keys() == tensors.keys()
    assert not back[MEAN_MAPS].any()
    for name, values in tensors.items():
        if name != MEAN_MAPS and FEW_SLICES not in name:
            most = values.abs().max().float() if values.numel() else 0.0
            away = (back[name].float() - values.float()).abs().max()
            assert away <= most / 63 * 0.51, name
            assert back[name].dtype == values.dtype


def test_the_same_models_make_the_same_file(without_guys, tmp_path):
    for name in ("a.zip", "b.zip"):
        keep([without_guys], tmp_path / name)

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_is_kept_for_the_bundled_model_can_be_read(tmp_path):
    for site, folder in unpack(tmp_path, KEPT).items():
        model = load_ensemble(folder)
        assert model.card.name == f"thick-slice-without-{site}"
        # What changed since they were kept is the models of few slices, which they have none of.
        assert model.card.version.split(".")[0] == load_ensemble().card.version.split(".")[0]
        (member,) = model.weights("cpu").members
        assert all(torch.isfinite(v).all() for v in member["network"].state_dict().values())
