"""What a head tells of the header of its scan."""

from __future__ import annotations

import pytest

from Testing.library.gate.sound import found, only_finding


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slice_scale": 0.87}, {}),
        ({"slice_scale": 1.15}, {}),
        ({"slice_scale": 0.869}, {"wrong_spacing": "refuse"}),
        ({"slice_scale": 1.151}, {"wrong_spacing": "refuse"}),
        # Of the average head, a header that is wrong by 25 % either way.
        ({"slice_scale": 1 / 1.25}, {"wrong_spacing": "refuse"}),
        ({"slice_scale": 1 / 0.75}, {"wrong_spacing": "refuse"}),
        ({"pixel_scale": 0.9}, {}),
        ({"pixel_scale": 1.18}, {}),
        ({"pixel_scale": 0.899}, {"wrong_pixel_size": "refuse"}),
        ({"pixel_scale": 1.181}, {"wrong_pixel_size": "refuse"}),
        ({"scale": (0.8, 1.0, 1.5)}, {}),
        ({"scale": (0.79, 1.0, 1.2)}, {"registration_scale": "refuse"}),
        ({"scale": (1.0, 1.1, 1.51)}, {"registration_scale": "refuse"}),
        ({"shear": 0.1}, {}),
        ({"shear": 0.101}, {"shear": "refuse"}),
    ],
)
def test_limits_of_the_stretch(changes, expected):
    assert found(stretch=changes) == expected


@pytest.mark.parametrize(
    ("pattern", "turned", "expected"),
    [
        (0.5, 0.41, {}),
        (0.5, 0.411, {"orientation": "refuse"}),
        (0.3, 0.6, {"orientation": "refuse"}),
        (0.05, 0.6, {"unlike_t1": "refuse"}),  # no pattern, no upside
    ],
)
def test_limits_of_the_orientation(pattern, turned, expected):
    assert found(placement={"pattern": pattern, "pattern_turned": turned}) == expected


def test_a_finding_tells_value_and_limit():
    finding = only_finding(stretch={"slice_scale": 0.61237})
    assert (finding.value, finding.limit) == (0.612, "0.87 to 1.15")
    finding = only_finding(stretch={"scale": (0.5, 1.0, 1.6)})
    assert (finding.value, finding.limit) == (0.5, "0.8 to 1.5")
