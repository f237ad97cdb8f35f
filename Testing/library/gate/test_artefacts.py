"""What is said of noise, motion and ghosts."""

from __future__ import annotations

import pytest

from Testing.library.gate.sound import found, only_finding


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"noise": 0.1}, {}),
        ({"noise": 0.101}, {"noise": "warn"}),
        ({"noise": 0.301}, {"noise": "refuse"}),
        ({"slice_jump": 0.08}, {}),
        ({"slice_jump": 0.081}, {"slice_brightness": "warn"}),
        ({"slice_shift_mm": 2.0}, {}),
        ({"slice_shift_mm": 2.1}, {"slice_shifts": "warn"}),
        ({"ghost": 0.03}, {}),
        ({"ghost": 0.031}, {"ghosts": "warn"}),
        (dict.fromkeys(("noise", "slice_jump", "slice_shift_mm", "ghost")), {}),
    ],
)
def test_limits(changes, expected):
    assert found(artefacts=changes) == expected


def test_the_limit_of_a_refusal_is_its_own():
    assert only_finding(artefacts={"noise": 0.2}).limit == 0.1
    assert only_finding(artefacts={"noise": 0.4}).limit == 0.3
