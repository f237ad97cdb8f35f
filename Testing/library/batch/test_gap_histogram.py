from __future__ import annotations

import re

import pytest

from BrainAgeLib.batch.gap_histogram import gap_histogram


def bars_in(drawing):
    """Return the words of each bar."""
    return re.findall(r"<rect[^>]*><title>([^<]*)</title>", drawing)


def test_gaps_are_counted_in_bins_with_an_edge_at_0():
    drawing = gap_histogram([-0.1, -2.4, 0.0, 2.4, 2.5, 11.0])

    assert bars_in(drawing) == [
        "\u22122.5 to 0 years: 2",
        "0 to 2.5 years: 2",
        "2.5 to 5 years: 1",
        "10 to 12.5 years: 1",
    ]


@pytest.mark.parametrize("gaps", [[3.0], [-300.0, 300.0], [0.0] * 5])
def test_every_bar_is_inside_the_drawing_and_0_is_shown(gaps):
    drawing = gap_histogram(gaps)

    for x, y, width, height in re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawing
    ):
        assert float(x) >= 20
        assert float(x) + float(width) <= 620
        assert float(y) >= 28
        assert float(y) + float(height) <= 240 - 48 + 0.1
    assert 'class="zero"' in drawing


@pytest.mark.parametrize(("gaps", "words"), [([1.0], "1 scan<"), ([1.0, 1.5, 9.0], "2 scans<")])
def test_it_says_what_its_height_stands_for(gaps, words):
    assert f"tallest bar: {words}" in gap_histogram(gaps)


def test_without_gaps_there_is_nothing():
    assert gap_histogram([]) is None
