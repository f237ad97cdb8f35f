"""How much of the brain there must be."""

from __future__ import annotations

import pytest

from Testing.library.gate.sound import FINE, found, only_finding


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
        ({"placement": {"coverage": 0.65, "cut_top": 0.08}, "brain_volume_ml": 850.0}, {}),
        ({"placement": {"cut_top": 0.081}}, {"brain_cut": "warn"}),
        ({"placement": {"cut_bottom": 0.081}}, {"brain_cut": "warn"}),
        ({"placement": {"cut_sides": 0.081}}, {"brain_cut": "warn"}),
        ({"placement": {"coverage": 0.649}, "brain_volume_ml": 850.0}, {"brain_cut": "refuse"}),
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


@pytest.mark.parametrize(
    ("heights_mm", "expected"),
    [
        ((-70.0,), {}),  # a whole brain: nobody asks
        ((), {"slice_heights": "refuse"}),
        ((52.1, 60.0), {"slice_heights": "refuse"}),
        ((-47.0, -44.1), {"slice_heights": "refuse"}),
        ((-47.0, 60.0), {"slice_heights": "refuse"}),
        ((52.0, 60.0), {"part_of_brain": "warn"}),
        ((-47.0, -44.0), {"part_of_brain": "warn"}),
        ((10.0,), {"part_of_brain": "warn"}),
    ],
)
def test_slices_that_are_no_whole_brain_must_say_something_of_the_age(heights_mm, expected):
    is_whole = heights_mm == (-70.0,)

    assert found(covers_brain=is_whole, known_heights_mm=heights_mm) == expected


@pytest.mark.parametrize(
    ("heights_mm", "in_view", "words"),
    [
        ((10.0,), 1, "rests on 1 slice taken one by one. It is less exact"),
        ((10.0, 20.0), 2, "rests on 2 slices taken"),
        ((10.0, 20.0), 5, "3 more lie where the model knows nothing and do not count."),
    ],
)
def test_whoever_gets_the_age_of_a_few_slices_is_told(heights_mm, in_view, words):
    finding = only_finding(covers_brain=False, known_heights_mm=heights_mm, slices_in_view=in_view)

    assert words in finding.message
    assert ("more lie" in finding.message) == (in_view > len(heights_mm))


@pytest.mark.parametrize(
    ("heights_mm", "value"),
    [((60.0, 70.0), 60), ((-60.0, -48.0), -48), ((-48.0, 60.0), -48)],
)
def test_the_slice_that_is_nearest_to_the_middle_is_named(heights_mm, value):
    finding = only_finding(covers_brain=False, known_heights_mm=heights_mm)

    assert (finding.value, finding.limit) == (value, "-44 to 52 mm")


def test_heights_of_a_scan_that_lies_beside_the_template_are_not_judged():
    beside = {"placement": None, "stretch": None, "share_in_template": 0.5}

    codes = found(covers_brain=False, known_heights_mm=(), **beside)

    assert codes == {"not_in_template_space": "refuse"}
