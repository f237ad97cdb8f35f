"""What is installed, as people read it."""

from __future__ import annotations

import shutil

import pytest

from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.card_text import card_text


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """Return the Models folder of an installation without models."""
    (tmp_path / "Template").mkdir()
    (tmp_path / "Models").mkdir()
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(tmp_path))
    return tmp_path / "Models"


def test_an_installation_without_models_says_so(brainage, installation):
    assert not list(installation.iterdir())

    outcome = brainage("models")

    assert (outcome.code, outcome.out, outcome.err) == (0, "no model is installed\n", "")


def test_every_installed_model_shows_its_card(brainage, installation, small_model):
    shutil.copytree(small_model, installation / "one")
    shutil.copytree(small_model, installation / "two")

    outcome = brainage("models")

    assert outcome.code == 0
    assert outcome.out == 2 * f"{card_text(read_card(small_model))}\n"


@pytest.mark.parametrize("given", [["own/one", "own/two"], ["own"]])
def test_models_of_ones_own_show_their_cards(brainage, installation, small_model, tmp_path, given):
    for name in ("one", "two"):
        shutil.copytree(small_model, tmp_path / "own" / name)

    outcome = brainage("models", *(tmp_path / folder for folder in given))

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == 2 * f"{card_text(read_card(small_model))}\n"


def test_an_installed_model_is_shown_by_its_name(brainage, installation, small_model):
    for name in ("one", "two"):
        shutil.copytree(small_model, installation / name)

    assert brainage("models", "two").out == f"{card_text(read_card(small_model))}\n"


def test_a_folder_without_a_model_is_2(brainage, tmp_path):
    outcome = brainage("models", tmp_path)

    assert outcome.code == 2
    assert outcome.err.endswith("is not a model: it has no card.json\n")


def test_version_names_the_models(brainage, installation, small_model):
    shutil.copytree(small_model, installation / "one")

    card = read_card(small_model)
    assert f"model small 4 ({card.sha256[:12]})" in brainage("--version").out.splitlines()


def test_a_damaged_card_is_one_line(brainage, installation):
    (installation / "one").mkdir()
    (installation / "one" / "card.json").write_text("{}", "utf-8")

    outcome = brainage("models")

    assert outcome.code == 4
    assert outcome.err.startswith("brainage: error: the model card ")
    assert outcome.err.count("\n") == 1
