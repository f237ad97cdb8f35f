"""A limit itself is still allowed; what is no number is not."""

from __future__ import annotations

import pytest

from BrainAgeLib.gate.evidence import above, below, outside


@pytest.mark.parametrize(
    ("value", "severity", "limit"),
    [
        (None, None, None),
        (1.0, None, None),
        (1.001, "warn", 1.0),
        (2.0, "warn", 1.0),
        (2.001, "refuse", 2.0),
        (float("nan"), "refuse", 2.0),
        (float("inf"), "refuse", 2.0),
    ],
)
def test_above(value, severity, limit):
    finding = above("a_code", value, "A sentence.", warn=1.0, refuse=2.0)

    assert (finding and (finding.severity, finding.limit)) == (severity and (severity, limit))


def test_one_limit_alone():
    assert above("a_code", 5.0, "A sentence.", warn=1.0).severity == "warn"
    assert above("a_code", 5.0, "A sentence.", refuse=1.0).severity == "refuse"


def test_below_and_outside():
    assert below("a_code", 1.0, 1.0, "A sentence.") is None
    assert below("a_code", None, 1.0, "A sentence.") is None
    assert below("a_code", float("nan"), 1.0, "A sentence.").severity == "refuse"
    assert outside("a_code", 1.0, (1.0, 2.0), "A sentence.") is None
    finding = outside("a_code", 2.12345, (1.0, 2.0), "A sentence.")
    assert (finding.severity, finding.value, finding.limit) == ("refuse", 2.123, "1.0 to 2.0")
    assert outside("a_code", float("nan"), (1.0, 2.0), "A sentence.") is not None
