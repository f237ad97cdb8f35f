"""The words of a result: the number with all that qualifies it, on a terminal and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from BrainAgeLib.findings import FOLLOW_FROM, FindingCode
from BrainAgeLib.records import NOTICE, Finding, Prediction, Quality
from BrainAgeLib.report.wording import percentile, readable_result, signed_years

MakePerson = Callable[..., Prediction]


def test_shows_number_interval_gaps_findings_and_report(person: MakePerson) -> None:
    text = readable_result(person(), Path("/out/report.html"))
    for words in (
        "63.4 years", "90 % interval 53.1 to 73.7 years", "61.0 years", "+2.4 years", "+1.1 years",
        "Passed with warnings", "The slices are far apart. (7.2 mm, limit 7 mm)",
        "/out/report.html", "652 people", NOTICE,
    ):  # fmt: skip
        assert words in text, words
    assert text.isascii()


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("FLAIR", "from a FLAIR scan, "),
        ("T2w", "from a T2-weighted scan, "),
        ("T1w after contrast", "from a T1-weighted scan after contrast agent, "),
        ("other", "from another sequence, "),
        ("T1w", ""),
        (None, ""),
    ],
)
def test_an_age_of_another_sequence_says_so_beside_the_number(person, refused, sequence, words):
    text = readable_result(person(sequence=sequence))
    assert text.startswith(f"Raw brain age      63.4 years, {words}90 % interval 53.1 to")
    assert words or text == readable_result(person())
    assert readable_result(replace(refused, sequence=sequence)) == readable_result(refused)


def test_an_interval_that_birth_cuts_off_says_so_once(person: MakePerson) -> None:
    text = readable_result(person(interval_years=(0.0, 73.7)))
    assert "interval 0.0 to 73.7 years (cut at 0), known on" in text and text.count("cut at") == 1
    assert "cut at" not in readable_result(person(interval_years=(0.2, 73.7)))


@pytest.mark.parametrize("code", [FindingCode.SITE_AGE_RANGE, FindingCode.SITE_ACQUISITION])
def test_where_a_calibration_was_given_and_does_not_hold_the_scan_is_not_called_uncalibrated(
    person: MakePerson, code: FindingCode
) -> None:
    quality = Quality((Finding(code, "warn", "Of the calibration."),))
    text = readable_result(person(interval_covers="any scanner", quality=quality))
    assert "; the site's calibration does not hold for this scan" in text
    assert "not calibrated" not in text
    assert "; this one is not calibrated" in readable_result(person(interval_covers="any scanner"))
    inside = readable_result(person(interval_covers="this site", quality=quality))
    assert "for this site's calibrated scanner" in inside and "does not hold" not in inside


def test_the_worst_finding_comes_first(person: MakePerson) -> None:
    text = readable_result(person())
    assert text.index("warning:") < text.index("note:")


FEW = Finding(FindingCode.TOO_FEW_SLICES, "refuse", "3 slices are too few.")
SPACING = Finding(FindingCode.WRONG_SPACING, "refuse", "The spacing seems to be wrong.")
SIDED = Finding(FindingCode.ONE_SIDED, "warn", "The left side is darker.")
FAR = Finding(FindingCode.SLICE_SPACING, "warn", "The slices are far apart.")


@pytest.mark.parametrize(
    ("found", "shown", "ending"),
    [
        ((SPACING, SIDED, FEW, FAR), [FEW, FAR], "2 more findings follow"),
        ((SIDED, FEW), [FEW], "1 more finding follows"),
        ((SPACING, SIDED, FAR), [SPACING, SIDED, FAR], ""),
        ((replace(FEW, severity="warn"), SIDED), [replace(FEW, severity="warn"), SIDED], ""),
    ],
)
@pytest.mark.parametrize("plain", [False, True])
def test_what_follows_from_a_refusal_has_no_line_of_its_own(refused, found, shown, ending, plain):
    if plain:  # as read from a file
        found = [replace(finding, code=str(finding.code)) for finding in found]
    prediction = replace(refused, quality=Quality(tuple(found)))

    text = readable_result(prediction)

    for finding in found:
        assert (finding.message in text) == (finding.message in [each.message for each in shown])
    assert ("more finding" in text) == bool(ending)
    assert ending in text
    assert prediction.quality.findings == tuple(found)


def test_beside_a_forced_number_every_finding_is_said(person):
    text = readable_result(person(quality=Quality((SIDED, FEW, FAR))))

    for finding in (SIDED, FEW, FAR):
        assert finding.message in text
    assert "more finding" not in text


def test_a_refusal_always_has_a_reason_in_the_short_answer():
    """Whatever set of codes refuses, one of them is left: what explains goes round in no circle."""
    reached = {cause: set(following) for cause, following in FOLLOW_FROM.items()}
    for _ in reached:
        for cause, others in reached.items():
            reached[cause] = others.union(*(reached.get(other, set()) for other in others))
    assert all(cause not in others for cause, others in reached.items())


def test_refused_shows_no_number(refused: Prediction) -> None:
    text = readable_result(refused)
    assert "No brain age, scan refused" in text
    assert "This does not look like a T1-weighted scan." in text
    assert " years" not in text
    assert NOTICE in text


def test_forced_is_loud_first(person: MakePerson) -> None:
    text = readable_result(person(quality=Quality((Finding("a", "refuse", "Not T1."),))))
    assert text.startswith("REFUSED, BUT FORCED: DO NOT USE")
    assert "Forced brain age   63.4 years" in text


def test_without_age_there_is_no_gap(person: MakePerson) -> None:
    text = readable_result(person(chronological_age_years=None, corrected_brain_age_years=None))
    assert "not known, give it with --age" in text
    assert "Sex                female" in text
    assert "Raw gap            none, it needs the chronological age" in text


def test_terminal_commands_in_names_are_not_obeyed(person: MakePerson) -> None:
    finding = Finding("a", "note", "line\nbreak \x1b[31mred")
    text = readable_result(person(quality=Quality((finding,))), Path("/o/\x1b[2J.html"))
    assert "\x1b" not in text
    assert "line?break" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.31, "+2.3 years"), (-2.31, "-2.3 years"), (-0.04, "0.0 years"), (0.0, "0.0 years")],
)
def test_signed_years(value: float, text: str) -> None:
    assert signed_years(value) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.2, "smaller than in more than 99"), (50.0, "about 50 of"), (99.5, "larger than in more")],
)
def test_percentile_in_words(value: float, words: str) -> None:
    assert words in percentile(value)
