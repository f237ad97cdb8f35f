from __future__ import annotations

import re

import pytest

from BrainAgeLib.cohort.gap_histogram import gap_histogram


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
        assert float(x) >= 44
        assert float(x) + float(width) <= 640
        assert float(y) + float(height) <= 240 - 44 + 0.1
    assert 'class="zero"' in drawing


def test_without_gaps_there_is_nothing():
    assert gap_histogram([]) is None
