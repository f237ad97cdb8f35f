"""How much of the brain there is in a scan, and how much there must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.gate.coverage import measure_cut
from BrainAgeLib.gate.gate import judge
from BrainAgeLib.gate.placement import Placement
from BrainAgeLib.records import Acquisition
from BrainAgeLib.scan.geometry import Volume
from Testing.library.gate.sound import SOUND, changed, evidence, found, only_finding, placed_at
from Testing.library.phantoms import rigid_motion

ACQUISITION = SOUND["coverage"].acquisition
CUT = SOUND["coverage"].cut


def cut_of(volume, motion=None):
    """Return how a scan is cut."""
    return measure_cut(evidence(placed_at(volume, motion)))


def part_of(volume, first, last):
    """Return the slices from first to last, without the last."""
    affine = volume.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    return Volume(volume.voxels[first:last], affine)


def test_a_whole_brain_is_not_cut(thick_brain):
    cut = cut_of(thick_brain)

    assert cut.seen > 0.99
    assert max(cut.top, cut.bottom, cut.sides) < 0.01


def test_a_scan_beside_the_template_shows_none_of_it(thick_brain):
    cut = cut_of(thick_brain, rigid_motion(shift_mm=(0, 0, 500)))

    assert cut.seen == 0
    assert cut.top + cut.bottom == pytest.approx(1.0)


def test_top_and_bottom_that_are_cut(thick_brain):
    count = len(thick_brain.voxels)
    top = cut_of(part_of(thick_brain, 0, count // 2))
    bottom = cut_of(part_of(thick_brain, count // 2, count))

    assert top.top > 0.3 > 0.01 > top.bottom
    assert bottom.bottom > 0.3 > 0.01 > bottom.top
    for cut in (top, bottom):
        assert cut.seen == pytest.approx(1 - cut.top - cut.bottom - cut.sides, abs=1e-6)


def test_a_side_that_is_cut(thick_brain):
    width = thick_brain.voxels.shape[2] * 2 // 3
    cut = cut_of(Volume(thick_brain.voxels[:, :, :width], thick_brain.affine))

    assert cut.sides > 0.15
    assert max(cut.top, cut.bottom) < 0.02


@pytest.mark.parametrize(
    ("acquired", "expected"),
    [
        ({"slice_count": 8}, {}),
        ({"slice_count": 7}, {"too_few_slices": "refuse"}),
        ({"slice_spacing_mm": 9.5}, {}),
        ({"slice_spacing_mm": 9.6}, {"slice_spacing": "warn"}),
        ({"slice_spacing_mm": 12.6}, {"slice_spacing": "refuse"}),
        ({"in_plane_mm": (1.0, 3.2)}, {}),
        ({"in_plane_mm": (1.0, 3.3)}, {"pixel_size": "warn"}),
    ],
)
def test_limits_of_the_acquisition(acquired, expected):
    acquisition = replace(ACQUISITION, **acquired)

    assert found("coverage", acquisition=acquisition) == expected
    assert found("coverage", acquisition=acquisition, cut=None) == {}  # in template space


@pytest.mark.parametrize(("count", "words"), [(1, "1 slice is too few"), (7, "7 slices are too")])
def test_one_slice_has_the_grammar_of_one(count, words):
    acquisition = replace(ACQUISITION, slice_count=count)

    assert words in only_finding("coverage", acquisition=acquisition).message


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"seen": 0.65, "top": 0.08}, {}),
        ({"top": 0.081}, {"brain_cut": "warn"}),
        ({"bottom": 0.081}, {"brain_cut": "warn"}),
        ({"sides": 0.081}, {"brain_cut": "warn"}),
        ({"seen": 0.649}, {"brain_cut": "refuse"}),
    ],
)
def test_limits_of_what_is_cut(parts, expected):
    assert found("coverage", cut=replace(CUT, **parts)) == expected


def test_one_slice_must_show_brain():
    assert found("coverage", slices_in_view=1) == {}
    assert found("coverage", slices_in_view=0) == {"no_slices_in_view": "refuse"}


@pytest.mark.parametrize(
    ("part", "where"), [("top", "top"), ("bottom", "bottom"), ("sides", "side")]
)
def test_the_finding_says_where_the_brain_is_cut(part, where):
    finding = only_finding("coverage", cut=replace(CUT, seen=0.8, **{part: 0.2}))

    assert f"20 % of the brain is cut off at the {where}." in finding.message
    assert (finding.value, finding.limit) == (0.2, 0.08)


@pytest.mark.parametrize(("spacing_mm", "limit"), [(10.0, 9.5), (20.0, 12.5)])
def test_the_limit_of_a_refusal_is_its_own(spacing_mm, limit):
    wide = Acquisition("axial", 22, spacing_mm, 5.0, (0.9, 0.9))

    assert only_finding("coverage", acquisition=wide).limit == limit


@pytest.mark.parametrize(
    ("heights_mm", "expected"),
    [
        (None, {}),  # a whole brain: nobody asks
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
    assert found("coverage", known_heights_mm=heights_mm) == expected


@pytest.mark.parametrize(
    ("heights_mm", "in_view", "words"),
    [
        ((10.0,), 1, "rests on 1 slice taken one by one. It is less exact"),
        ((10.0, 20.0), 2, "rests on 2 slices taken"),
        ((10.0, 20.0), 5, "3 more lie where the model knows nothing and do not count."),
    ],
)
def test_whoever_gets_the_age_of_a_few_slices_is_told(heights_mm, in_view, words):
    finding = only_finding("coverage", known_heights_mm=heights_mm, slices_in_view=in_view)

    assert words in finding.message
    assert ("more lie" in finding.message) == (in_view > len(heights_mm))


@pytest.mark.parametrize(
    ("heights_mm", "value"),
    [((60.0, 70.0), 60), ((-60.0, -48.0), -48), ((-48.0, 60.0), -48)],
)
def test_the_slice_that_is_nearest_to_the_middle_is_named(heights_mm, value):
    finding = only_finding("coverage", known_heights_mm=heights_mm)

    assert (finding.value, finding.limit) == (value, "-44 to 52 mm")


def test_heights_of_a_scan_that_lies_beside_the_template_are_not_judged():
    beside = changed("coverage", cut=None, fraction_in_template=0.5, known_heights_mm=())
    beside["placement"] = Placement(fraction_in_template=0.5)

    assert [finding.code for finding in judge(beside)] == ["not_in_template_space"]


def test_few_slices_of_another_sequence_have_no_model():
    finding = only_finding("coverage", known_heights_mm=(10.0, 20.0), sequence="FLAIR")

    assert (finding.code, finding.severity) == ("part_of_brain", "refuse")
    assert "few slices of a FLAIR scan" in finding.message
