"""How much of the brain there must be."""

from __future__ import annotations

import pytest

from Testing.library.quality.sound import FINE, found, only_finding


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slices_in_view": 1}, {}),
        ({"slices_in_view": 0}, {"no_slices_in_view": "refuse"}),
        ({"acquisition": {"slice_count": 8}}, {}),
        ({"acquisition": {"slice_count": 7}}, {"too_few_slices": "refuse"}),
        ({"acquisition": {"slice_count": 1}, "stretch": None}, {}),
        ({"acquisition": {"slice_spacing_mm": 9.5}}, {}),
        ({"acquisition": {"slice_spacing_mm": 9.6}}, {"slice_spacing": "warn"}),
        ({"acquisition": {"slice_spacing_mm": 12.6}}, {"slice_spacing": "refuse"}),
        ({"acquisition": {"slice_spacing_mm": 50.0}, "stretch": None}, {}),
        ({"acquisition": {"in_plane_mm": (1.0, 3.2)}}, {}),
        ({"acquisition": {"in_plane_mm": (1.0, 3.3)}}, {"pixel_size": "warn"}),
        ({"placement": {"coverage": 0.6, "cut_top": 0.08}, "brain_volume_ml": 850.0}, {}),
        ({"placement": {"cut_top": 0.081}}, {"brain_cut": "warn"}),
        ({"placement": {"cut_bottom": 0.081}}, {"brain_cut": "warn"}),
        ({"placement": {"cut_sides": 0.081}}, {"brain_cut": "warn"}),
        ({"placement": {"coverage": 0.59}, "brain_volume_ml": 850.0}, {"brain_cut": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found(**changes) == expected


@pytest.mark.parametrize(
    ("part", "where"), [("cut_top", "top"), ("cut_bottom", "bottom"), ("cut_sides", "side")]
)
def test_the_finding_says_where_the_brain_is_cut(part, where):
    finding = only_finding(placement={part: 0.2, "coverage": 0.8})

    assert f"20 % of the brain is cut off at the {where}." in finding.message
    assert (finding.value, finding.limit) == (0.2, 0.08)


def test_the_limit_of_a_refusal_is_its_own():
    assert only_finding(acquisition={"slice_spacing_mm": 10.0}).limit == 9.5
    assert only_finding(acquisition={"slice_spacing_mm": 20.0}).limit == 12.5
    assert FINE.acquisition.slice_spacing_mm == 6.5
