"""How well a brain meets the template's, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.gate.placement import Placement, measure
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED
from Testing.library.gate.sound import evidence, found, only_finding, placed_at
from Testing.library.phantoms import moved, rigid_motion


def overlap_of(volume, motion=None):
    """Return the overlap of a scan's brain with the template's."""
    return measure(evidence(placed_at(volume, motion))).overlap


def test_a_registered_scan_is_measured_where_the_registration_puts_it(thick_brain):
    motion = rigid_motion((20, 10, 5), (30, -40, 50))

    here, there = overlap_of(thick_brain), overlap_of(moved(thick_brain, motion), motion)

    assert here > 0.96
    assert there == pytest.approx(here, abs=0.005)


@pytest.mark.parametrize(("shift_mm", "most"), [(10.0, 0.95), (30.0, 0.8), (500.0, 0.0)])
def test_a_registration_that_is_off_overlaps_less(thick_brain, shift_mm, most):
    assert overlap_of(thick_brain, rigid_motion(shift_mm=(0.0, shift_mm, 0.0))) <= most


def test_an_empty_mask_overlaps_with_nothing(thick_brain):
    scan = placed_at(thick_brain)

    assert measure(evidence(replace(scan, mask=np.zeros_like(scan.mask)))).overlap == 0


def test_a_scan_in_template_space_is_measured_on_its_slices(thick_brain, template):
    scan = PlacedScan(thick_brain, thick_brain.voxels > 25, NOT_REGISTERED)

    measured = measure(evidence(scan, slices=scan.slices(template, "cpu")))

    assert measured.fraction_in_template > 0.93
    assert measured.similarity is None
    assert measured.overlap is None
    assert measure(evidence(scan)) == Placement()  # without a slice in view


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"similarity": 0.7}, {}),
        ({"similarity": 0.699}, {"registration_similarity": "refuse"}),
        ({"similarity": float("nan")}, {"registration_similarity": "refuse"}),
        ({"similarity": 0.6, "overlap": 0.6}, {"registration_similarity": "refuse"}),
        ({"overlap": 0.92}, {}),
        ({"overlap": 0.919}, {"registration_doubtful": "warn"}),
        ({"overlap": 0.9}, {"registration_doubtful": "warn"}),
        ({"overlap": 0.899}, {"registration_overlap": "refuse"}),
        ({"fraction_in_template": 0.7}, {}),
        ({"fraction_in_template": 0.699}, {"not_in_template_space": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found("placement", **changes) == expected


def test_a_finding_tells_value_and_limit():
    finding = only_finding("placement", similarity=0.41234)

    assert (finding.value, finding.limit) == (0.412, 0.7)
