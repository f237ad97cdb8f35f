"""Cards with a curve by age, and without one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from BrainAgeLib.codec import to_text
from BrainAgeLib.model.calibration import AgeCurve
from BrainAgeLib.model.card import read_card


def test_a_card_without_a_curve_is_read(small_model, tmp_path):
    """So were all that were written before there was one."""
    text = json.loads((small_model / "card.json").read_text("utf-8"))
    assert text["blend"].pop("curve") is None
    (tmp_path / "card.json").write_text(json.dumps(text), "utf-8")

    card = read_card(tmp_path)

    assert card.blend.curve is None
    assert card == read_card(small_model)


def test_a_curve_is_read_as_it_was_written(small_model, tmp_path):
    curve = AgeCurve((25.5, 50.0, 75.25), (20.0, 50.0, 80.0))
    card = read_card(small_model)
    bent = replace(card, blend=replace(card.blend, curve=curve))

    (tmp_path / "card.json").write_text(to_text(bent), "utf-8")

    assert read_card(tmp_path) == bent
    assert read_card(tmp_path).blend.curve(62.625) == pytest.approx(65.0)
