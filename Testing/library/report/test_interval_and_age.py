"""What the report says of a chronological age inside, outside and far outside the interval."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from BrainAgeLib.records import Finding, Prediction, Quality
from BrainAgeLib.report.interval_and_age import interval_and_age
from BrainAgeLib.report.wording import readable_result

MakePerson = Callable[..., Prediction]


@pytest.mark.parametrize("code", ["unlike_training", "part_of_brain"])
@pytest.mark.parametrize(("age_years", "where"), [(61.0, "inside"), (80.0, "outside")])
def test_a_wide_interval_says_nothing_of_the_error(
    person: MakePerson, code: str, age_years: float, where: str
) -> None:
    usual = str(interval_and_age(person(chronological_age_years=age_years)))
    assert "within the error" in usual or "10 of 100 healthy people" in usual

    wide = Quality((Finding(code, "note", "It is unusual."),))
    text = str(interval_and_age(person(quality=wide, chronological_age_years=age_years)))
    assert f"lies {where} the interval, which is wide for this scan" in text
    assert "within the error" not in text and "10 of 100 healthy people" not in text


@pytest.mark.parametrize(("age_years", "where"), [(61.0, "inside"), (80.0, "outside")])
def test_the_interval_of_another_sequence_need_not_be_wide(
    person: MakePerson, age_years: float, where: str
) -> None:
    flair = Quality((Finding("other_sequence", "warn", "This is a FLAIR scan."),))
    text = str(interval_and_age(person(quality=flair, chronological_age_years=age_years)))
    assert f"lies {where} the interval, which is known of simulated scans and a handful" in text
    assert "wide" not in text and "within the error" not in text and "healthy" not in text


@pytest.mark.parametrize(("age_years", "where"), [(61.0, "inside"), (80.0, "outside")])
def test_nobody_with_a_one_sided_brain_is_told_of_the_error_in_healthy_people(
    person: MakePerson, age_years: float, where: str
) -> None:
    unlike = Quality((Finding("one_sided", "warn", "The left side is darker."),))
    text = str(interval_and_age(person(quality=unlike, chronological_age_years=age_years)))
    assert f"lies {where} the interval, which is that of healthy people: the sides" in text
    assert "within the error" not in text and "10 of 100 healthy people" not in text


@pytest.mark.parametrize(("age_years", "is_far"), [(83.9, False), (84.2, True), (42.6, True)])
def test_an_age_far_outside_is_to_be_checked(
    person: MakePerson, age_years: float, is_far: bool
) -> None:
    # 63.4 with an interval up to 73.7: twice the half width is 20.6 years.
    text = str(interval_and_age(person(chronological_age_years=age_years)))
    assert ("lies far outside the interval, by more than half its width." in text) == is_far
    assert text.count("Check the age, and that the scan is this person's.") == 1
    assert ("about 10 of 100 healthy people, so far in fewer." in text) != is_far


@pytest.mark.parametrize("age_years", [20.0, 40.0, 53.0, 63.0])
def test_the_terminal_says_what_the_report_says(person, age_years):
    prediction = person(chronological_age_years=age_years)
    said = interval_and_age(prediction)

    assert said is not None
    assert said in readable_result(prediction)
    is_inside = prediction.interval_years[0] <= age_years <= prediction.interval_years[1]
    assert ("Check the age" in said) != is_inside
