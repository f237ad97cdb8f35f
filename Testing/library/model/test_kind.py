"""A new kind of model needs its class and a line in the table; all else goes by the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.model.card_text import card_text
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.weights import KINDS, Weights
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.training.blend import blended, choose_blend
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import as_slices
from Testing.library.made_kind import Brightness
from Testing.library.model_folders import out_of_fold_rows, small_weights
from Testing.library.stored_scans import stored_scan


@pytest.fixture
def ensemble(tmp_path, monkeypatch):
    """Return a model that blends the new kind with the networks."""
    monkeypatch.setitem(KINDS, "brightness", Brightness)
    # On people's scans the new kind is as much too young as the networks are too old.
    rows = [
        replace(
            row,
            by_kind=row.by_kind | {"brightness": 2 * row.age_years - row.by_kind["network"]},
        )
        if row.covers_brain
        else row
        for row in out_of_fold_rows()
    ]
    blend = choose_blend(rows)
    weights = small_weights()
    members = [
        {**member, "brightness": Brightness(40.0 + number, 10.0)}
        for number, member in enumerate(weights.members)
    ]
    members = [{kind: member[kind] for kind in blend.kinds} for member in members]
    kept = Weights(members, weights.mean_maps, weights.typical)
    settings = TrainingSettings(name="new")
    return load_ensemble(str(write_model(tmp_path, kept, blend, blended(rows, blend), settings)))


def test_it_is_blended_saved_loaded_asked_and_shown(ensemble):
    card = ensemble.card
    assert card.blend.whole_brain == {"network": 0.5, "brightness": 0.5}
    assert card.blend.part_of_brain == {"slices": 1.0}
    assert card.ablation["brightness"].people == card.ablation["network"].people
    assert "kinds: network, brightness, slices" in card_text(card)

    slices = as_slices(stored_scan(21), "cpu")
    maps = maps_of_scan(slices)
    raw = ensemble.raw_age(maps, "cpu")

    members = ensemble.weights("cpu").members
    assert raw.members_years == pytest.approx(
        [
            card.blend.curve(
                0.5 * member["network"].age_years(maps) + 0.5 * (40.0 + number + 10.0 * brightness)
            )
            for brightness in [float(maps.volume.images.mean())]
            for number, member in enumerate(members)
        ]
    )
    assert ensemble.saliency_years(maps, "cpu", lambda _done: None).abs().max() > 0


def test_a_model_of_other_kinds_does_not_need_it(small_model, monkeypatch):
    monkeypatch.setitem(KINDS, "brightness", Brightness)

    for member in load_ensemble(str(small_model)).weights("cpu").members:
        assert list(member) == ["network", "regional", "slices"]
