"""The overlay's colours."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def overlay(world):
    from BrainAgeSlicer import overlay

    return overlay


def test_zero_is_clear_and_the_ends_are_not(overlay):
    table = overlay.colorsOf(overlay.ValueRange(2.0, True), 0.0)
    assert table[127, 3] == 0 and table[[0, 126, 128, 254], 3].tolist() == [1, 1, 1, 1]


def test_younger_is_blue_and_older_is_orange(overlay):
    table = overlay.colorsOf(overlay.ValueRange(2.0, True), 0.0)
    assert (table[:127, 2] > table[:127, 0]).all() and (table[128:, 0] > table[128:, 2]).all()


@pytest.mark.parametrize("hidden", [0.1, 0.5, 1.0])
def test_the_threshold_hides_what_is_weaker(overlay, hidden):
    valueRange = overlay.ValueRange(2.0, True)
    values = np.linspace(-2, 2, overlay.ENTRIES)
    shown = overlay.colorsOf(valueRange, hidden)[:, 3] == 1
    assert (np.abs(values[shown]) >= 2 * hidden - 1e-9).all()
    assert shown[0] and shown[-1]


def test_a_map_without_younger_uses_one_side(overlay):
    assert overlay.rangeOf(np.array([0.0, 1.0, 3.0])).lowest == 0.0
    assert overlay.rangeOf(np.array([0.0, -1.0, 3.0])).signed


def test_a_map_of_nothing_shows_nothing(overlay):
    valueRange = overlay.rangeOf(np.zeros((2, 3, 4)))
    assert valueRange.highest == 1.0 and not valueRange.signed


@pytest.mark.parametrize(
    ("highest", "signed", "words"),
    [
        (1.08, True, ["-1.08", "-0.54", "+0.00", "+0.54", "+1.08"]),
        (3.0, True, ["-3.0", "-1.5", "+0.0", "+1.5", "+3.0"]),
        (0.04, False, ["0.000", "0.010", "0.020", "0.030", "0.040"]),
        (400.0, True, ["-400", "-200", "+0", "+200", "+400"]),
    ],
)
def test_the_numbers_of_a_legend_have_as_many_decimals_each(overlay, highest, signed, words):
    values = overlay.ValueRange(highest, signed)

    numbers = np.linspace(values.lowest, highest, overlay.LABELS)

    assert [overlay.labelFormat(values) % number for number in numbers] == words
