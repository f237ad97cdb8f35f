"""Cards with a curve by age, and without one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from BrainAgeLib.codec import to_text
from BrainAgeLib.model.calibration import AgeCurve, TightCurve
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


LOOSE, STRIPPED = AgeCurve((20.0, 80.0), (20.0, 80.0)), AgeCurve((22.0, 82.0), (20.0, 80.0))
TIGHT = TightCurve(STRIPPED, loose=0.01, tight=0.03)


def test_a_curve_of_tight_strips_is_read_as_it_was_written(small_model, tmp_path):
    card = read_card(small_model)
    bent = replace(card, blend=replace(card.blend, curve=LOOSE, tight=TIGHT))

    (tmp_path / "card.json").write_text(to_text(bent), "utf-8")

    assert read_card(tmp_path) == bent


@pytest.mark.parametrize(
    ("filled_in", "age_years"),
    [(0.0, 50.0), (0.01, 50.0), (0.015, 49.5), (0.02, 49.0), (0.03, 48.0), (1.0, 48.0)],
)
def test_what_was_filled_in_says_how_much_the_curve_of_tight_strips_counts(filled_in, age_years):
    assert TIGHT(50.0, 50.0, filled_in) == pytest.approx(age_years)


@pytest.mark.parametrize(("loose", "tight"), [(0.03, 0.03), (0.03, 0.01), (-0.1, 0.1), (0.5, 1.5)])
def test_strips_that_cannot_be_told_apart_are_refused(loose, tight):
    with pytest.raises(ValueError, match="not told"):
        TightCurve(STRIPPED, loose, tight)


def test_a_curve_of_tight_strips_alone_is_damaged(small_model):
    blend = read_card(small_model).blend

    with pytest.raises(ValueError, match="no curve of loose strips"):
        replace(blend, curve=None, tight=TIGHT)


def test_another_sequence_has_its_curve_for_every_strip(small_model):
    blend = replace(read_card(small_model).blend, curve=LOOSE, tight=TIGHT)

    assert blend.read_as("FLAIR", STRIPPED).tight is None
