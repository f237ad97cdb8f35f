"""The sequence is told by the picture; what is no T1 is refused, whatever its header says."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.gate.contrast import measure
from BrainAgeLib.gate.gate import judge
from BrainAgeLib.gate.sequence import told
from BrainAgeLib.records import SequenceTags
from Testing.library.gate.sound import (
    SOUND,
    changed,
    evidence,
    found,
    only_finding,
    placed_at,
    with_voxels,
)

# What a T1 with its fluid at 90, cortex at 160 and white matter at 220 becomes.
T1_VALUES = (0.0, 90.0, 160.0, 220.0, 255.0)
ORDERS = {
    "T1w": (0.0, 0.4, 0.75, 1.0, 1.1),
    "T2w": (0.0, 2.2, 1.3, 1.0, 0.9),
    "FLAIR": (0.0, 0.3, 1.2, 1.0, 0.95),
    "PDw": (0.0, 1.15, 1.2, 1.0, 0.9),
    "other": (0.0, 1.3, 0.75, 1.0, 1.1),
}


@pytest.fixture(scope="module")
def placed(thick_brain):
    """Return the thick-slice T1 scan in its place; white matter has about 220."""
    return placed_at(thick_brain)


def shown_as(placed, values):
    """Return what is measured on the scan with other values at those of ``T1_VALUES``."""
    remapped = 100 * np.interp(placed.volume.voxels, T1_VALUES, values)
    return measure(evidence(with_voxels(placed, remapped)))


@pytest.mark.parametrize("sequence", list(ORDERS))
def test_the_order_of_the_tissues_tells_the_sequence(placed, sequence):
    assert told(shown_as(placed, ORDERS[sequence])) == sequence


def test_vessels_far_brighter_than_white_matter_tell_of_an_agent(placed):
    painted = placed.volume.voxels.copy()
    painted[np.random.default_rng(2).random(painted.shape) < 0.02] = 500.0

    assert told(measure(evidence(with_voxels(placed, painted)))) == "T1w after contrast"


def test_grey_matter_that_shares_its_pixels_with_dark_fluid_is_told_by_its_purest_places(placed):
    """Half of the cortex is as dark as in a T1: the medians are those of a weak T1."""
    flair = 100 * np.interp(placed.volume.voxels, T1_VALUES, ORDERS["FLAIR"])
    is_grey = (flair > 100) & (np.random.default_rng(3).random(flair.shape) < 0.6)
    contrast = measure(evidence(with_voxels(placed, np.where(is_grey, 0.78 * flair, flair))))

    assert contrast.grey_to_white < 0.97
    assert contrast.bright_white_log_odds < 0.7
    assert told(contrast) == "FLAIR"


def test_the_brightest_places_of_a_t1_are_white_matter(placed):
    log_odds = {name: shown_as(placed, v).bright_white_log_odds for name, v in ORDERS.items()}

    assert log_odds["T1w"] > 1.5
    assert max(log_odds[name] for name in ("T2w", "FLAIR", "PDw")) < -0.5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "T1w"),
        ({"bright_fraction": 0.0051}, "T1w after contrast"),
        ({"csf_to_white": None}, "T1w"),  # a few slices in template space
        ({"csf_to_white": None, "grey_to_white": 1.2}, None),
        ({"grey_to_white": None, "bright_white_log_odds": None}, None),
        ({"grey_to_white": 1.2}, "FLAIR"),
        ({"bright_white_log_odds": 0.6}, "FLAIR"),
        ({"grey_to_white": 1.2, "negative_image_fraction": 0.5}, "other"),
        ({"grey_to_white": 1.2, "csf_to_white": 1.5, "bright_fraction": 0.2}, "T2w"),
        ({"grey_to_white": 1.2, "csf_to_white": 1.1}, "PDw"),
        ({"csf_to_white": 1.1}, "other"),
        ({"pattern": 0.1}, "other"),
    ],
)
def test_what_is_told(changes, expected):
    assert told(changed("contrast", **changes)["contrast"]) == expected


def test_the_header_tells_nothing():
    tags = SequenceTags("MR", 95.0, 4000.0, says_contrast_agent=True)

    assert told(changed("contrast", tags=tags)["contrast"]) == told(SOUND["contrast"]) == "T1w"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grey_to_white": 0.97}, {"weak_contrast": "warn"}),
        ({"grey_to_white": 0.971}, {"not_t1": "refuse"}),
        ({"grey_to_white": float("nan")}, {"not_t1": "refuse"}),
        ({"bright_white_log_odds": 1.1}, {}),
        ({"bright_white_log_odds": 1.09}, {"weak_contrast": "warn"}),
        ({"bright_white_log_odds": 0.7}, {"weak_contrast": "warn"}),
        ({"bright_white_log_odds": 0.69}, {"not_t1": "refuse"}),
        ({"bright_white_log_odds": float("nan")}, {"not_t1": "refuse"}),
        ({"csf_to_white": 0.9}, {}),
        ({"csf_to_white": 0.901}, {"not_t1": "refuse"}),
        ({"csf_to_white": None}, {}),
        ({"grey_to_white": 1.4, "csf_to_white": 2.2}, {"not_t1": "refuse"}),
        ({"bright_fraction": 0.005}, {}),
        ({"bright_fraction": 0.0051}, {"contrast_agent": "warn"}),
        # Fluid is bright for another reason.
        ({"bright_fraction": 0.2, "grey_to_white": 1.3}, {"not_t1": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found("contrast", **changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pattern": 0.2}, {}),
        ({"pattern": 0.19}, {"unlike_t1": "refuse"}),
        ({"pattern": -0.4, "grey_to_white": 1.3}, {"not_t1": "refuse"}),
        ({"pattern": None}, {}),
    ],
)
def test_a_pattern_that_is_not_the_templates(changes, expected):
    assert found("contrast", **changes) == expected


def test_the_finding_says_what_is_not_like_t1():
    message = only_finding("contrast", grey_to_white=1.2).message
    assert "it looks like a FLAIR scan, and grey matter is not clearly darker" in message
    message = only_finding("contrast", bright_white_log_odds=0.69).message
    assert "what is brightest in it is not clearly white matter" in message
    finding = only_finding("contrast", csf_to_white=1.23456)
    assert "it looks like another sequence, and fluid is about as bright" in finding.message
    assert (finding.value, finding.limit) == (1.235, 0.9)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (SequenceTags("MR", 12.0, 550.0), {}),
        (SequenceTags("MR", 3.0, 2250.0, 900.0), {}),
        (SequenceTags("MR", 4.0, 6000.0, 860.0), {}),  # T1 after an inversion
        (SequenceTags(), {}),
        (SequenceTags("CT"), {"header_not_t1": "warn"}),
        (SequenceTags("MR", 95.0, 4000.0), {"header_not_t1": "warn"}),
        (SequenceTags("MR", 20.0, 4000.0), {"header_not_t1": "warn"}),
        (SequenceTags("MR", 30.0, 9000.0, 2500.0), {"header_not_t1": "warn"}),
        (SequenceTags("MR", says_contrast_agent=True), {"contrast_agent": "warn"}),
    ],
)
def test_a_header_warns_but_never_refuses_and_never_excuses(tags, expected):
    assert found("contrast", tags=tags) == expected
    assert found("contrast", tags=tags, grey_to_white=1.3) == expected | {"not_t1": "refuse"}


def test_the_finding_says_what_the_header_says():
    assert "echo time 95 ms" in only_finding("contrast", tags=SequenceTags("MR", 95.0)).message
    assert (
        "tells of a contrast agent"
        in only_finding("contrast", tags=SequenceTags(says_contrast_agent=True)).message
    )
    assert "5.0 % of the brain" in only_finding("contrast", bright_fraction=0.05).message


@pytest.mark.parametrize(
    ("grey_to_white", "tags", "is_refused"),
    [
        (0.96, SequenceTags(), False),
        (0.96, SequenceTags("MR", 100.0), True),
        (0.94, SequenceTags("MR", 100.0), True),
        (0.96, SequenceTags("MR", 12.0, 9000.0, 2500.0), True),
        (0.96, SequenceTags("MR", 12.0, 550.0), False),
        (0.92, SequenceTags("MR", 100.0), False),
        (0.974, SequenceTags(), True),
    ],
)
def test_a_flat_picture_is_no_t1_where_the_header_says_so_too(grey_to_white, tags, is_refused):
    codes = found("contrast", grey_to_white=grey_to_white, tags=tags)
    shown = told(changed("contrast", grey_to_white=grey_to_white, tags=tags)["contrast"])

    assert (codes.get("not_t1") == "refuse") == is_refused
    assert (shown != "T1w") == is_refused


T2_LIKE = {"grey_to_white": 1.3, "csf_to_white": 2.6, "bright_fraction": 0.2, "pattern": -0.3}
FLAIR_LIKE = {"grey_to_white": 1.15, "csf_to_white": 0.4, "tissue_spread": 0.4}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({**T2_LIKE, "read_as": "T2w"}, {"other_sequence": "warn"}),
        ({**FLAIR_LIKE, "read_as": "FLAIR"}, {"other_sequence": "warn"}),
        (
            {**T2_LIKE, "read_as": "T2w", "tags": SequenceTags("MR", 95.0, 4000.0)},
            {"other_sequence": "warn"},  # the header is right
        ),
        ({"bright_fraction": 0.0051, "read_as": "T1w after contrast"}, {"contrast_agent": "warn"}),
        ({"said": "T1w"}, {}),
        ({"bright_fraction": 0.0051, "said": "T1w"}, {"contrast_agent": "warn"}),
        ({"said": "PDw"}, {"not_as_said": "refuse"}),
        ({"said": "T2w", "read_as": "T2w"}, {"not_as_said": "refuse"}),
        (
            {**FLAIR_LIKE, "said": "T2w", "read_as": "T2w"},
            {"not_as_said": "refuse"},
        ),
        ({**T2_LIKE, "said": "T2w", "read_as": "T2w"}, {"other_sequence": "warn"}),
        # Nothing else than a T1 is taken on trust.
        (
            {"grey_to_white": None, "bright_white_log_odds": None, "csf_to_white": None}
            | {"said": "T2w"},
            {"not_as_said": "refuse"},
        ),
        ({"grey_to_white": None, "bright_white_log_odds": None, "said": "T1w"}, {}),
    ],
)
def test_what_is_found_in_a_scan_of_another_sequence_that_the_model_reads(changes, expected):
    assert found("contrast", **changes) == expected


def test_an_agent_on_a_t2_has_no_figure():
    tags = SequenceTags("MR", 95.0, 4000.0, says_contrast_agent=True)
    findings = judge(changed("contrast", **T2_LIKE, read_as="T2w", tags=tags))

    (agent,) = (finding for finding in findings if finding.code == "contrast_agent")
    assert agent.value is None


def test_a_wrong_word_for_the_sequence_is_told_in_words():
    finding = only_finding("contrast", said="PDw")

    assert "said to be a proton-density-weighted scan" in finding.message
    assert "the picture shows a T1-weighted scan" in finding.message
