"""As which sequence a scan is read: what the picture clearly shows and the model knows."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.gate.contrast import look
from BrainAgeLib.gate.sequence import read_as
from BrainAgeLib.records import SequenceTags
from BrainAgeLib.template.template import load_template
from Testing.library.gate.sound import changed, found, only_finding, placed_at, with_voxels
from Testing.library.gate.test_sequence import ORDERS, T1_VALUES, shown_as

KNOWN = ("T2w", "FLAIR", "T1w after contrast")


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice T1 scan in its place."""
    return placed_at(thick_brain)


@pytest.mark.parametrize(
    ("sequence", "said", "known", "expected"),
    [
        ("T1w", None, KNOWN, "T1w"),
        ("T2w", None, KNOWN, "T2w"),
        ("T2w", None, (), "T1w"),  # the model knows no other: the checks refuse it
        ("T2w", "T1w", KNOWN, "T1w"),
        ("PDw", None, KNOWN, "T1w"),
        ("FLAIR", "T2w", KNOWN, "T2w"),
        ("FLAIR", "PDw", KNOWN, "T1w"),
    ],
)
def test_as_which_sequence_a_scan_is_read(placed, sequence, said, known, expected):
    assert read_as(shown_as(placed, ORDERS[sequence]), said, known) == expected


CLEAR = {"grey_to_white": 1.3, "bright_white_log_odds": -1.5}
BRIGHT_FLUID = {**CLEAR, "bright_fraction": 0.2}


@pytest.mark.parametrize(
    ("changes", "said", "expected"),
    [
        ({**CLEAR}, None, "FLAIR"),
        ({**CLEAR, "tags": SequenceTags("MR", 90.0, 9000.0)}, None, "FLAIR"),
        ({**CLEAR, "bright_white_log_odds": -0.5}, None, "FLAIR"),
        ({**CLEAR, "bright_white_log_odds": -0.49}, None, "T1w"),  # shows no order
        ({**CLEAR, "tags": SequenceTags("CT")}, None, "T1w"),
        ({**CLEAR, "tags": SequenceTags("PT")}, "FLAIR", "T1w"),
        ({**CLEAR, "tags": SequenceTags("MR", is_echo_planar=True)}, None, "T1w"),
        ({**CLEAR, "around_to_brain": 1.2}, None, "FLAIR"),
        ({**CLEAR, "around_to_brain": 1.21}, None, "T1w"),  # bright bone: a CT
        ({**CLEAR, "csf_to_white": None}, "FLAIR", "T1w"),  # in template space
        ({**CLEAR, "bright_white_log_odds": None}, "FLAIR", "T1w"),
        # Fluid that may be that of a proton density scan, unless somebody or the header says more.
        ({**CLEAR, "csf_to_white": 0.85}, None, "FLAIR"),
        ({**CLEAR, "csf_to_white": 0.86}, None, "T1w"),
        ({**CLEAR, "csf_to_white": 0.86}, "FLAIR", "FLAIR"),
        ({**CLEAR, "csf_to_white": 0.86, "tags": SequenceTags("MR", 90.0, 9e3)}, None, "T1w"),
        (
            {**CLEAR, "csf_to_white": 0.86, "tags": SequenceTags("MR", 90.0, 9e3, 2500.0)},
            *(None, "FLAIR"),
        ),
        ({**BRIGHT_FLUID, "csf_to_white": 1.5}, None, "T2w"),
        ({**BRIGHT_FLUID, "csf_to_white": 1.45}, None, "T1w"),
        ({**BRIGHT_FLUID, "csf_to_white": 1.45}, "T2w", "T2w"),
        ({**BRIGHT_FLUID, "csf_to_white": 1.45, "tags": SequenceTags("MR", 30.0)}, None, "T1w"),
        ({**BRIGHT_FLUID, "csf_to_white": 1.45, "tags": SequenceTags("MR", 90.0)}, None, "T2w"),
        ({"bright_fraction": 0.006}, None, "T1w after contrast"),
        ({"bright_fraction": 0.006}, "T1w", "T1w after contrast"),  # the picture tells
    ],
)
def test_only_a_clear_mr_picture_is_read_as_another_sequence(changes, said, expected):
    assert read_as(changed("contrast", **changes)["contrast"], said, KNOWN) == expected


def test_what_is_not_read_as_it_is_told_is_refused():
    for changes in ({**CLEAR, "tags": SequenceTags("CT")}, {**CLEAR, "csf_to_white": 1.2}):
        measured = changed("contrast", **changes)["contrast"]
        sequence = read_as(measured, None, ("T2w", "FLAIR"))
        assert found("contrast", **changes, read_as=sequence)["not_t1"] == "refuse"


def test_a_scan_that_may_be_pd_is_refused_with_the_way_out():
    """Whoever knows that it is a T2w can say so."""
    for changes, name in (({**BRIGHT_FLUID, "csf_to_white": 1.4}, "T2w"), (CLEAR, "FLAIR")):
        finding = only_finding("contrast", **{"csf_to_white": 0.87, **changes})

        assert finding.code == "not_t1" and f"if it is {name}, say so" in finding.message


def test_bright_bone_is_seen(thick_brain):
    """A brain whose grey matter is brighter than white, in a skull that is dark or bright."""
    flair = 100 * np.interp(thick_brain.voxels, T1_VALUES, ORDERS["FLAIR"])
    for bone, expected in ((20.0, 0.2), (300.0, 2.8), (0.0, None)):
        head = with_voxels(placed_at(thick_brain), np.where(thick_brain.voxels > 25, flair, bone))

        found = look(head, load_template(), SequenceTags()).around_to_brain

        assert found == (None if expected is None else pytest.approx(expected, rel=0.3))


def test_nothing_is_measured_around_a_t1(placed):
    assert look(placed, load_template(), SequenceTags()).around_to_brain is None
