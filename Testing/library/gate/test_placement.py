"""What is said of a registration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.gate.gate import judge
from Testing.library.gate.sound import NOTHING_MEASURED, found, only_finding


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stretch": {"similarity": 0.7}}, {}),
        ({"stretch": {"similarity": 0.699}}, {"registration_similarity": "refuse"}),
        ({"stretch": {"similarity": float("nan")}}, {"registration_similarity": "refuse"}),
        ({"placement": {"overlap": 0.92}}, {}),
        ({"placement": {"overlap": 0.919}}, {"registration_doubtful": "warn"}),
        ({"placement": {"overlap": 0.9}}, {"registration_doubtful": "warn"}),
        ({"placement": {"overlap": 0.899}}, {"registration_overlap": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found(**changes) == expected


@pytest.mark.parametrize(
    ("share", "slices", "codes"),
    [
        (0.7, 20, []),
        (0.699, 20, ["not_in_template_space"]),
        (0.0, 0, ["no_slices_in_view"]),
    ],
)
def test_limits_of_a_scan_in_template_space(share, slices, codes):
    measured = replace(NOTHING_MEASURED, share_in_template=share, slices_in_view=slices)

    assert [finding.code for finding in judge(measured)] == codes


def test_a_finding_tells_value_and_limit():
    finding = only_finding(stretch={"similarity": 0.41234})

    assert (finding.value, finding.limit) == (0.412, 0.7)
