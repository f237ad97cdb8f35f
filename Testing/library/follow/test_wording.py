"""The words of a change, as terminal and Slicer take them."""

from __future__ import annotations

from dataclasses import replace

from BrainAgeLib.follow.change import change_of
from BrainAgeLib.follow.visits import VisitFinding
from BrainAgeLib.follow.wording import findings_of, meaning_and_limits, readable_change
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


def test_a_finding_keeps_its_severity_and_gets_the_name_of_its_scan():
    found = findings_of(forced(person([0, 2], [61.0, 68.0]), REFUSED, WARNED))

    assert [(each.severity, each.text) for each in found] == [
        ("refuse", "scan at 2: Refused: This is no T1."),
        ("warn", "scan at 2: Warning: The scan is noisy."),
    ]
