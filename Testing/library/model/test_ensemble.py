"""A model folder by name or path: its weights, the raw age and where that comes from."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import pytest
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.brain_maps import usual_heights_mm
from BrainAgeLib.model.ensemble import Ensemble, load_ensemble, predict_age
from BrainAgeLib.model.interpretation import Interpreter
from BrainAgeLib.model.novelty import Typical
from BrainAgeLib.model.sides import TypicalSides, sides_of
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import prepare
from BrainAgeLib.resources import installed_models
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.slices import SliceSet
from Testing.library.model_folders import write_small_model


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """Return the Models folder of an installation without models."""
    (tmp_path / "Template").mkdir()
    (tmp_path / "Models").mkdir()
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(tmp_path))
    return tmp_path / "Models"


def test_a_folder_is_a_model(small_model):
    found = load_ensemble(str(small_model))

    assert found.record.name == "small"
    assert found.record.sha256 == found.card.sha256
    assert found.record.age_range_years == (20.0, 88.0)


def test_a_bundled_model_is_known_by_name(installation, small_model):
    shutil.copytree(small_model, installation / "thick-slice")

    assert load_ensemble().folder == installation / "thick-slice"
    assert load_ensemble("thick-slice").folder == installation / "thick-slice"


def test_an_unknown_name_lists_what_is_installed(installation, small_model):
    for name in ("one", "two"):
        shutil.copytree(small_model, installation / name)
    (installation / "notes").mkdir()

    with pytest.raises(InputError, match="there is no model 'three'") as caught:
        load_ensemble("three")

    assert caught.value.hint == "installed: one, two; or give a folder"
    assert installed_models() == ["one", "two"]


@pytest.mark.parametrize("name", ["", ".", "..", "../Template"])
@pytest.mark.usefixtures("installation")
def test_no_name_leads_out_of_the_models(name):
    with pytest.raises(InputError):
        load_ensemble(name)


def test_an_empty_name_is_not_the_bundled_model(installation, small_model):
    shutil.copytree(small_model, installation / "thick-slice")

    with pytest.raises(InputError, match="there is no model ''"):
        load_ensemble("")


def test_an_installation_without_models_has_none(installation):
    installation.rmdir()

    assert installed_models() == []
    with pytest.raises(InputError, match="there is no model 'thick-slice'"):
        load_ensemble()


def test_weights_are_loaded_once(small_model):
    found = load_ensemble(str(small_model))

    assert found.weights("cpu") is found.weights("cpu")
    assert len(found.weights("cpu").members) == found.card.members


def test_a_model_that_was_replaced_meanwhile_is_not_mixed_up(tmp_path, small_model):
    folder = shutil.copytree(small_model, tmp_path / "model")
    found = load_ensemble(str(folder))
    card = folder / "card.json"
    card.write_text(card.read_text("utf-8").replace(found.card.sha256, "0" * 64), "utf-8")

    with pytest.raises(InputError, match="was replaced"):
        found.weights("cpu")


def test_a_model_of_another_harmonisation_is_refused(tmp_path, small_model):
    folder = shutil.copytree(small_model, tmp_path / "model")
    known = load_ensemble(str(folder)).card.harmonisation
    card = folder / "card.json"
    card.write_text(card.read_text("utf-8").replace(known, "0" * 64), "utf-8")

    other = load_ensemble(str(folder))  # its networks may be trained further
    with pytest.raises(InputError, match="another harmonisation") as caught:
        other.weights("cpu")

    assert "train it anew" in caught.value.hint
    with pytest.raises(InputError, match="another harmonisation"):
        prepare(Options(model=str(folder)))


def test_a_model_of_an_earlier_version_is_called_so(tmp_path, small_model):
    folder = shutil.copytree(small_model, tmp_path / "model")
    card = folder / "card.json"
    text = card.read_text("utf-8")
    card.write_text(re.sub(r'"card_version": "\d+"', '"card_version": "3"', text), "utf-8")

    with pytest.raises(InputError, match="made by an earlier version") as caught:
        load_ensemble(str(folder))

    assert "train it anew" in caught.value.hint


def test_the_bundled_model_knows_where_slices_say_less():
    found = load_ensemble()

    def widening(*heights_mm):
        planes = torch.tensor([[height, 0.0, 0.0] for height in heights_mm])
        images = torch.full((len(planes), 76, 60), 0.7)
        slices = SliceSet(images, images * 0, planes)
        return found.raw_age(maps_of_scan(slices), "cpu").widening

    assert widening(16.0) == pytest.approx(1.0, abs=0.05)
    assert 1.1 < widening(-40.0) < widening(64.0) < 2.0
    assert widening(-40.0, 16.0) == pytest.approx(1.0, abs=0.05)
    assert widening(*usual_heights_mm(6).tolist()) == pytest.approx(1.0, abs=0.01)
    # Six slices are compared with six: two that say as much as one are not enough.
    assert widening(18.0, *(-100.0 - n for n in range(5))) > 1.1


@pytest.mark.parametrize("distance", [0.5, 2.5])
def test_a_brain_unlike_the_training_has_an_interval_as_many_times_wider(
    written, slices, monkeypatch, distance
):
    monkeypatch.setattr(Typical, "novelty", lambda _typical, _maps: distance)

    raw = written.raw_age(maps_of_scan(slices), "cpu")

    assert raw.widening == max(1.0, distance)
    reader = Interpreter(written.card, "none")
    wide = reader.interpret(raw, None, len(slices), 6.0).interval_years
    usual = reader.interpret(replace(raw, widening=1.0), None, len(slices), 6.0)
    width = usual.interval_years[1] - usual.interval_years[0]
    assert wide[1] - wide[0] == pytest.approx(raw.widening * width, rel=0.2)


def test_a_model_that_knows_healthy_sides_says_where_a_scans_differ(written, slices, monkeypatch):
    maps = maps_of_scan(slices)
    raw = written.raw_age(maps, "cpu")
    assert raw.one_sided is None  # as of a model that was trained before

    own = sides_of(maps.acquired)
    unlike = own + torch.tensor([0.0, 0.5]).view(2, 1, 1, 1)  # on the left
    weights = written.weights("cpu")
    for center, distance in ((own, 0.0), (unlike, 2.5)):
        known = TypicalSides(center, torch.full_like(own[0], 0.2))
        monkeypatch.setattr(Ensemble, "weights", lambda *_, s=known: replace(weights, sides=s))
        found = written.raw_age(maps, "cpu")
        assert found.one_sided.distance == pytest.approx(distance, abs=1e-4)
        assert found.age_years == raw.age_years
    assert (found.one_sided.side, found.one_sided.is_darker) == ("left", True)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a model that training writes."""
    return load_ensemble(str(write_small_model(tmp_path_factory.mktemp("written"), "another")))


@pytest.fixture(scope="module")
def slices(thick_brain, template):
    """Return the slices of a scan that covers the brain."""
    scan = PlacedScan(thick_brain, thick_brain.voxels > 25, NOT_REGISTERED)
    return scan.slices(template, "cpu")


def test_a_model_that_training_writes_predicts(written, slices):
    maps = maps_of_scan(slices)

    raw = written.raw_age(maps, "cpu")

    assert 20 < raw.age_years < 90
    assert len(raw.members_years) == 2
    assert raw.covers_brain
    with_share = predict_age(written.weights("cpu").members, maps, written.card.blend)
    assert raw.novelty is not None and raw.novelty > 0
    assert raw == replace(with_share, novelty=raw.novelty, widening=max(1.0, raw.novelty))


def test_a_model_that_training_writes_says_where_the_age_comes_from(written, slices):
    maps, shares = maps_of_scan(slices), []

    years = written.saliency_years(maps, "cpu", shares.append)

    assert years.shape == maps.volume.images.shape
    assert years.abs().max() > 0
    assert shares == [0.25, 0.5, 0.75, 1.0]  # two models of two members


def test_the_folder_above_a_model_names_what_is_inside(tmp_path):
    (tmp_path / "tiny").mkdir()  # as training leaves it
    (tmp_path / "tiny" / "card.json").touch()

    with pytest.raises(InputError, match="has no card.json .give a folder inside of it: tiny"):
        load_ensemble(str(tmp_path))
