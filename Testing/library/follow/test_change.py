"""The change of one person and its interval, against a known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.follow.change import change_of
from BrainAgeLib.model.calibration import ScanError
from Testing.library.follow.made_people import ERROR, person


def test_two_scans_change_by_their_difference():
    change = change_of(person([0, 2], [61.0, 64.0]), ERROR)

    assert change.years == 2 and change.total_years == pytest.approx(3.0)
    assert change.a_year == pytest.approx(1.5)
    half = 1.959964 * math.sqrt(2) * 1.0 / 2
    assert change.a_year_interval == pytest.approx((1.5 - half, 1.5 + half), abs=1e-5)
    assert change.smallest_total_years == pytest.approx(2.77, abs=0.01)
    assert change.is_more_than_error


def test_scans_days_apart_have_a_change_and_no_rate():
    change = change_of(person([0, 7 / 365.25], [66.0, 61.0]), ERROR)

    assert (change.a_year, change.a_year_interval, change.smallest_a_year) == (None, None, None)
    assert change.total_years == pytest.approx(-5.0)
    half = 1.959964 * math.sqrt(2)
    assert change.total_interval == pytest.approx((-5.0 - half, -5.0 + half), abs=1e-5)
    assert change.smallest_total_years == pytest.approx(half, abs=1e-5)
    assert change.is_more_than_error
    assert change_of(person([0, 0.25], [66.0, 61.0]), ERROR).a_year == pytest.approx(-20.0)


@pytest.mark.parametrize(("later", "is_told"), [(63.5, False), (63.9, True), (58.0, True)])
def test_a_change_is_told_from_the_smallest_on(later, is_told):
    assert change_of(person([0, 1], [61.0, later]), ERROR).is_more_than_error is is_told


def test_a_third_scan_between_adds_nothing_and_one_far_away_much():
    two = change_of(person([0, 2], [61.0, 63.0]), ERROR)
    between = change_of(person([0, 1, 2], [61.0, 62.0, 63.0]), ERROR)
    twice = change_of(person([0, 0.01, 1.99, 2], [61.0, 61.0, 63.0, 63.0]), ERROR)

    assert between.smallest_a_year == pytest.approx(two.smallest_a_year)
    assert twice.smallest_a_year == pytest.approx(two.smallest_a_year / math.sqrt(2), rel=0.01)


def test_the_order_in_which_scans_are_given_does_not_matter():
    there, back = person([0, 3], [60.0, 64.0]), person([3, 0], [64.0, 60.0])

    assert change_of(there, ERROR) == change_of(back, ERROR)


@pytest.mark.parametrize("truth_years", [0.0, 2.0, 5.0])
@pytest.mark.parametrize("times", [(0.0, 1.0), (0.0, 0.5, 3.0)])
def test_the_interval_holds_the_truth(truth_years, times):
    """In 95 of 100 people; unbiased."""
    generator = np.random.default_rng(5)
    error = ScanError(0.96, 50, 10, "")
    a_year = truth_years / times[-1]
    changes = []
    for _ in range(2000):
        brain_ages = [70 + a_year * time + generator.normal(0, 0.96) for time in times]
        changes.append(change_of(person(times, brain_ages), error))
    held = [low <= a_year <= high for low, high in (one.a_year_interval for one in changes)]

    assert 0.93 <= np.mean(held) <= 0.97
    bias = np.mean([one.a_year for one in changes]) - a_year
    assert abs(bias) < 4 * 0.96 * math.sqrt(2) / times[-1] / math.sqrt(2000)
    if truth_years == 0:
        assert 0.03 <= np.mean([one.is_more_than_error for one in changes]) <= 0.07
