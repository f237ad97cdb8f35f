"""One side of the brain that is unlike the other is a finding that says what may be wrong."""

from __future__ import annotations

import re

import pytest

from BrainAgeLib.gate.sides import FAMILY, measure
from BrainAgeLib.model.ensemble import RawAge
from BrainAgeLib.model.sides import OneSided
from Testing.library.gate.sound import evidence, found, only_finding, placed_at


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (1.15, {}),
        (1.16, {"one_sided": "warn"}),
        (9.0, {"one_sided": "warn"}),
        (float("nan"), {"one_sided": "warn"}),
    ],
)
def test_limits(distance, expected):
    assert found("sides", distance=distance) == expected


@pytest.mark.parametrize(
    ("side", "region", "is_darker", "words"),
    [
        ("left", "frontal lobe", True, "left side .* darker .* in or near the frontal lobe"),
        ("right", "temporal lobe", False, "right side .* brighter .* in or near the temporal"),
    ],
)
def test_it_says_where_what_may_be_wrong_and_what_to_do(side, region, is_darker, words):
    message = only_finding(
        "sides", distance=2.0, side=side, region=region, is_darker=is_darker
    ).message

    assert re.search(words, message)
    assert re.search("lesion, .* operation, .* brain extraction", message)
    assert "Look at the outline and the pictures" in message
    assert "do not rely on the age" in message


@pytest.mark.parametrize("k", [3, 12])
def test_it_names_the_slice_of_the_report_that_shows_the_place(thick_brain, k):
    placed = placed_at(thick_brain)
    columns, rows = placed.mask.shape[2], placed.mask.shape[1]
    place_mm = (placed.index_to_template @ [columns / 3, rows / 3, k, 1.0])[:3]
    found = OneSided(2.0, "left", "frontal lobe", is_darker=True, place_mm=tuple(place_mm))
    raw = RawAge(55.0, (55.0,), covers_brain=True, one_sided=found)

    (finding,) = FAMILY.judge(measure(evidence(placed, raw=raw)))

    assert f"frontal lobe (slice {k + 1}), by more" in finding.message


def test_nothing_is_said_where_nobody_could_tell(thick_brain):
    measured = measure(evidence(placed_at(thick_brain)))

    assert measured is None
    assert FAMILY.judge(measured) == ()
