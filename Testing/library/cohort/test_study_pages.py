"""The sentences and tables that studies write follow from the figures, whatever these are."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.added_value import ANALYSIS, GAIN, ODDS
from BrainAgeLib.cohort.discrimination import ADJUSTED
from BrainAgeLib.cohort.estimates import Estimate
from Testing.studies.cohort._oasis_page import raw_errors, verdicts
from Testing.studies.network._smallest_change import meaning

PAIR = "AD against CN"


def test_raw_errors_are_those_of_each_group_and_a_refused_scan_has_none():
    def row(group, age, said):
        low, high = (said - 10, said + 10) if said else ("", "")
        values = (group, age, said, low, high)
        names = ("group", "age", "brain_age_years", "interval_low", "interval_high")
        return {name: str(value) for name, value in zip(names, values, strict=True)}

    rows = [row("b", 60 + n, 75 + n) for n in range(3)]
    rows += [row("a", 60, 58), row("a", 70, 70), row("a", 80, 94), row("a", 50, "")]

    first, second = raw_errors(rows).splitlines()[2:]

    assert first.startswith("| a | 3 | **5.3** (")
    assert "| 6.7 | +4.0 | 0.98 | 67 % (" in first
    assert second.startswith("| b | 3 | **15.0** (15.0-15.0) | 0.7 | +15.0 | 1.00 | 0 % (0-")


def figures(low: float, high: float, gap_p: float, volume_p: float) -> list[Estimate]:
    """Return the estimates of one pair of groups."""
    difference = Estimate(
        "discrimination",
        "raw gap less volume",
        PAIR,
        f"difference of {ADJUSTED}",
        (low + high) / 2,
        "",
        low,
        high,
    )
    found = [difference]
    for name, p in (("raw gap given volume", gap_p), ("volume given raw gap", volume_p)):
        found.append(Estimate(ANALYSIS, name, PAIR, ODDS, 2.0, "", 1.0, 3.0, 90, p, p))
        found.append(Estimate(ANALYSIS, name, PAIR, GAIN, 0.03, "", 0.0, 0.1, 90))
    return found


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.02, 0.2, "tells the groups apart better than volume"),
        (-0.2, -0.02, "loses to volume"),
        (-0.1, 0.1, "does not differ for certain from volume"),
    ],
)
def test_a_gap_that_loses_says_so(low, high, words):
    assert words in verdicts(figures(low, high, 0.5, 0.5), "volume")[0]


def test_what_adds_is_told_from_what_does_not():
    (sentence,) = verdicts(figures(-0.1, 0.1, 0.2, 0.001), "volume")

    assert "It was not seen to add to volume (p 0.200" in sentence
    assert "volume adds to the gap (p 0.001" in sentence


def test_the_smallest_change_follows_from_the_scatter_within_a_person():
    text = meaning(
        {"people": 50, "repetitions": 10, "sd_within_years": 2.0, "icc_of_the_gap": 0.84}
    )

    assert "people of all ages scatter by 5.0 years" in text
    assert "smallest detectable change at 95 % | 5.5 |" in text
    assert "mean of 100 people, one scan each time | 0.55 |" in text
    # Three visits: 2 x 2.8016^2 x (4 / 2) / 0.25 people a group, and one more for the t test.
    assert "3 visits a year apart, 0.5 years of gap a year, people's own slopes scatter" in text
    assert "by 0 a year | 127 |" in text
