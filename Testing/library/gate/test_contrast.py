"""Which pictures are taken for T1, and what is said of the others."""

from __future__ import annotations

import pytest

from BrainAgeLib.records import SequenceTags
from Testing.library.gate.sound import found, only_finding


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grey_to_white": 0.92}, {}),
        ({"grey_to_white": 0.921}, {"weak_contrast": "warn"}),
        ({"grey_to_white": 0.97}, {"weak_contrast": "warn"}),
        ({"grey_to_white": 0.971}, {"not_t1": "refuse"}),
        ({"grey_to_white": float("nan")}, {"not_t1": "refuse"}),
        ({"csf_to_white": 0.9}, {}),
        ({"csf_to_white": 0.901}, {"not_t1": "refuse"}),
        ({"csf_to_white": None}, {}),
        ({"grey_to_white": 1.4, "csf_to_white": 2.2}, {"not_t1": "refuse"}),
        # At 55 years the limit is 0.102 + 0.0015 x 55.
        ({"tissue_spread": 0.184}, {}),
        ({"tissue_spread": 0.185}, {"uneven_tissue": "warn"}),
        ({"bright_share": 0.025}, {}),
        ({"bright_share": 0.026}, {"contrast_agent": "warn"}),
        ({"field_sd": 0.15}, {}),
        ({"field_sd": 0.151}, {"bias_field": "warn"}),
        ({"field_sd": 0.351}, {"bias_field": "refuse"}),
        ({"negative_share": 0.05}, {}),
        ({"negative_share": 0.051}, {"negative_values": "refuse"}),
        ({"negative_image_share": 0.2}, {}),
        ({"negative_image_share": 0.21}, {"negative_values": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found(contrast=changes) == expected


def test_ventricles_count_only_where_the_scan_was_registered():
    changes = {"contrast": {"csf_to_white": 1.3}, "placement": None, "stretch": None}
    assert found(**changes) == {}
    assert found(**changes | {"contrast": {"grey_to_white": 1.3}}) == {"not_t1": "refuse"}


def test_a_pattern_that_is_not_the_templates():
    assert found(placement={"pattern": 0.2, "pattern_turned": 0.1}) == {}
    assert found(placement={"pattern": 0.19, "pattern_turned": 0.1}) == {"unlike_t1": "refuse"}


def test_the_spread_that_is_usual_grows_with_age():
    assert found(contrast={"tissue_spread": 0.15}, brain_age_years=25.0) == {
        "uneven_tissue": "warn"
    }
    assert found(contrast={"tissue_spread": 0.15}, brain_age_years=75.0) == {}
    assert found(contrast={"tissue_spread": 0.5}, brain_age_years=None) == {}


def test_the_finding_says_what_is_not_like_t1():
    assert "grey matter is not darker" in only_finding(contrast={"grey_to_white": 1.2}).message
    finding = only_finding(contrast={"csf_to_white": 1.23456})
    assert "fluid" in finding.message
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
    assert found(tags=tags) == expected
    assert found(tags=tags, contrast={"grey_to_white": 1.3}) == expected | {"not_t1": "refuse"}


def test_the_finding_says_what_the_header_says():
    assert "echo time 95 ms" in only_finding(tags=SequenceTags("MR", 95.0)).message
    assert "header names" in only_finding(tags=SequenceTags(says_contrast_agent=True)).message
    assert "5.0 % of the brain" in only_finding(contrast={"bright_share": 0.05}).message
