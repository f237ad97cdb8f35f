"""The words of a change, as terminal and Slicer take them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.follow.change import change_of
from BrainAgeLib.follow.visits import VisitFinding
from BrainAgeLib.follow.wording import (
    duration,
    findings_of,
    headline,
    meaning_and_limits,
    readable_change,
)
from Testing.library.follow.made_people import ERROR, person

REFUSED = VisitFinding("refuse", "Refused: This is no T1.")
WARNED = VisitFinding("warn", "Warning: The scan is noisy.")


def forced(made, *findings):
    """Return that person with a last scan that the gate refuses."""
    last = replace(made.visits[-1], verdict="refuse", findings=findings)
    return replace(made, visits=(*made.visits[:-1], last))


def test_what_the_error_leaves_out_has_a_subject_and_is_not_said_of_a_refusal():
    made = person([0, 2], [61.0, 68.0])
    change = change_of(made, ERROR)

    assert meaning_and_limits(made, change, ()).startswith(
        "More than scanning again alone explains, against no change at all. A healthy person's "
        "brain age rises by about one year a year."
    )
    assert "The error was measured on one scanner" in meaning_and_limits(made, change, ())
    of_refusal = meaning_and_limits(forced(made), change, ())
    assert of_refusal == "No change can be read from this: the quality gate refuses a scan."
    terminal = readable_change(forced(made, REFUSED), change, ERROR, [])
    assert "measured on one scanner" not in terminal
    assert "Scan scan at 2: Refused: This is no T1." in terminal


@pytest.mark.parametrize(
    ("time_years", "words"),
    [
        *((0.0, "0 days"), (1 / 365.25, "1 day"), (7 / 365.25, "7 days"), (60 / 365.25, "60 days")),
        *((0.25, "3 months"), (0.5, "6 months"), (0.99, "1.0 years"), (1.5, "1.5 years")),
    ],
)
def test_a_time_is_told_in_days_months_or_years(time_years, words):
    assert duration(time_years) == words


def test_no_rate_is_told_of_scans_days_apart():
    made = person([0, 7 / 365.25], [66.0, 61.0])
    change = change_of(made, ERROR)

    said = headline(change)
    assert (said.label, said.value) == ("Change of brain age", "-5.0 years")
    assert "interval -7.8 to -2.2 years, from" in said.note and "over 7 days" in said.note
    assert "less than 3 months: no change a year is told" in said.note
    terminal = readable_change(made, change, ERROR, [])
    assert "scans over 7 days" in terminal and "years a year," not in terminal
    assert "Smallest change that means anything: 2.8 years (one in twenty" in terminal


def test_a_finding_keeps_its_severity_and_gets_the_name_of_its_scan():
    found = findings_of(forced(person([0, 2], [61.0, 68.0]), REFUSED, WARNED))

    assert [(each.severity, each.text) for each in found] == [
        ("refuse", "scan at 2: Refused: This is no T1."),
        ("warn", "scan at 2: Warning: The scan is noisy."),
    ]
