"""What is said of a brain mask."""

from __future__ import annotations

import pytest

from Testing.library.gate.sound import found, only_finding


@pytest.mark.parametrize(
    ("volume_ml", "expected"),
    [
        (900.0, {}),
        (2000.0, {}),
        (899.0, {"brain_volume": "warn"}),
        (2001.0, {"brain_volume": "warn"}),
        (700.0, {"brain_volume": "warn"}),
        (2300.0, {"brain_volume": "warn"}),
        (699.0, {"brain_volume": "refuse"}),
        (2301.0, {"brain_volume": "refuse"}),
    ],
)
def test_limits_of_the_volume(volume_ml, expected):
    assert found(brain_volume_ml=volume_ml) == expected


def test_what_lies_outside_the_field_of_view_is_reckoned_in():
    assert found(brain_volume_ml=740.0, placement={"coverage": 0.8}) == {}
    assert found(brain_volume_ml=600.0, placement=None, stretch=None) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"leak_share": 0.03}, {}),
        ({"leak_share": 0.031}, {"mask_leaks": "warn"}),
        ({"leak_share": 0.081}, {"mask_leaks": "refuse"}),
        ({"missed_share": 0.02}, {}),
        ({"missed_share": 0.021}, {"mask_misses_brain": "warn"}),
        ({"missed_share": 0.101}, {"mask_misses_brain": "refuse"}),
        ({"rim_share": 0.2}, {}),
        ({"rim_share": 0.21}, {"mask_too_small": "warn"}),
        ({"rim_share": None}, {}),
        ({"edge_share": 0.1}, {}),
        ({"edge_share": 0.101}, {"mask_at_edge": "warn"}),
        ({"signal_around": 0.05}, {}),
        ({"signal_around": 0.049}, {"no_skull": "warn"}),
    ],
)
def test_limits_of_the_mask(changes, expected):
    assert found(placement=changes) == expected


def test_a_scan_that_is_said_to_have_no_skull_needs_none():
    assert found(placement={"signal_around": 0.0}, is_extracted=True) == {}


def test_value_and_limit_of_a_volume():
    finding = only_finding(brain_volume_ml=650.4)

    assert (finding.value, finding.limit) == (650, "900 to 2000 ml")
