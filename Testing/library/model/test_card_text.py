"""A card as people read it."""

from __future__ import annotations

from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.card_text import card_text
from BrainAgeLib.records import NOTICE
from BrainAgeLib.training.interval_classes import CLASSES


def test_a_card_tells_what_it_must(small_model):
    card = read_card(small_model)

    text = card_text(card)

    assert text.startswith("small 4\n")
    assert NOTICE in text
    assert card.sha256[:16] in text
    network = card.text["training"]["parameters"]["network"]
    assert f"2 members, each of a network of {network:,} parameters" in text
    assert "150 healthy people of 20 to 88 years (75 women, 75 men)" in text


def test_raw_errors_stand_beside_those_of_the_mean_age(small_model):
    lines = card_text(read_card(small_model)).splitlines()

    start = lines.index("    people that choices could look at:")
    open_row = next(line for line in lines[start:] if "axial 5+1 mm" in line)
    assert "MAE" in open_row
    assert "mean age alone" in open_row
    locked = lines.index("    locked people:")
    assert locked > start
    assert any("axial 5+1 mm" in line for line in lines[locked:])


def test_every_class_shows_its_coverage_and_width(small_model):
    card = read_card(small_model)
    text = card_text(card)

    for name, *_ in CLASSES:
        figures = card.text["accuracy"]["interval"][name]
        line = next(line for line in text.splitlines() if f"    {name} " in line)
        assert f"covers {100 * figures['coverage']:.1f} % of 150" in line
        assert f"mean width {figures['mean_width_years']:.1f} years" in line
