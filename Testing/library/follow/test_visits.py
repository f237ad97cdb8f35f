"""Visits from records, and their times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.follow.visits import (
    VisitFinding,
    person_of,
    repeated_scans,
    times_of_ages,
    visit_of,
)
from BrainAgeLib.records import Finding, Quality
from Testing.library.follow.made_people import prediction, visit
from Testing.library.report.conftest import refused


def test_a_record_says_how_the_scan_was_made():
    record = prediction(64.0, quality=Quality((Finding("contrast_agent", "warn", "bright"),)))
    record = replace(
        record,
        acquisition=replace(record.acquisition, scanner="Maker Model 1.5 T", echo_time_ms=12.0),
        input=replace(record.input, brain_extracted=True),
    )

    made = visit_of(record, "first", 0.0)

    assert made.brain_age_years == 64.0 and made.age_years == 60.0
    assert made.traits["scanner"] == "Maker Model 1.5 T"
    assert made.traits["skull"] == "removed before"
    assert made.traits["head by its header"] == "upright"
    assert made.traits["contrast agent"] == "yes"
    assert made.traits["slice spacing (mm)"] == 6.5
    assert made.traits["echo time (ms)"] == 12.0


def test_a_refused_scan_has_no_change():
    with pytest.raises(InputError, match="no brain age: This does not look like"):
        visit_of(refused(prediction(64.0)), "second", 1.0)


@pytest.mark.parametrize(
    ("times", "words"), [([0.0], "single scan"), ([0.0, 0.0], "of one time"), ([2.0, 2.001], "one")]
)
def test_what_is_no_change_is_said(times, words):
    with pytest.raises(InputError, match=words):
        person_of("sub-01", [visit(time, 60.0) for time in times])


def test_a_series_that_is_given_again_is_told_once_for_each():
    series, other = prediction(61.0), prediction(62.0)
    of_series = replace(series, input=replace(series.input, sha256=None, series_uid="1.2"))

    said = repeated_scans([of_series, other, of_series, of_series], ["a", "b", "c", "d"])

    assert [text.split(" are ")[0] for text in said] == ["a and c", "a and d"]
    assert "the same series" in said[0]
    assert not repeated_scans([series, other], ["a", "b"])


def test_times_begin_at_the_first_scan():
    made = person_of("sub-01", [visit(5.5, 62.0), visit(4.0, 61.0)])

    assert [one.time_years for one in made.visits] == [0.0, 1.5]


def test_ages_tell_the_times_and_whole_ages_are_noted():
    assert times_of_ages([61.2, 60.1])[0] == pytest.approx([1.1, 0.0])
    assert times_of_ages([61.2, 60.1])[1] == []
    assert "whole years" in times_of_ages([61.0, 60.0])[1][0]
    with pytest.raises(InputError, match="neither a date nor an age"):
        times_of_ages([61.0, None])


def test_findings_of_a_forced_scan_keep_their_severities_the_worst_first():
    found = (
        Finding("padding", "note", "Empty rows."),
        Finding("noise", "warn", "It is noisy."),
        Finding("not_t1", "refuse", "This is no T1."),
    )

    made = visit_of(prediction(64.0, quality=Quality(found)), "first", 0.0)

    assert made.findings == (
        VisitFinding("refuse", "Refused: This is no T1."),
        VisitFinding("warn", "Warning: It is noisy."),
    )
