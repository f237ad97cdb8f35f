"""Corrections stay on their line; a percentile is among people of about that age."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.model.calibration import (
    NEIGHBOURS,
    AcquisitionClass,
    AgeCurve,
    corrected_brain_age,
    gap_percentile,
)
from BrainAgeLib.records import Correction

LINES = (
    Correction("cole", "made up", 61, (20.0, 80.0), 0.8, 11.0),
    Correction("de-lange-cole", "made up", 61, (20.0, 80.0), -0.2, 11.0),
)


@pytest.mark.parametrize(
    ("predicted_years", "half_width_years"),
    [(40.0, 8.0), (50.0, 10.0), (60.0, 12.0), (10.0, 8.0), (90.0, 12.0)],
)
def test_half_the_width_is_linear_between_the_ages_of_the_scale(predicted_years, half_width_years):
    entry = AcquisitionClass("made up", 10, 7.0, 2.0, (40.0, 60.0), (4.0, 6.0), 100)

    assert entry.half_width_years(predicted_years) == pytest.approx(half_width_years)


@pytest.mark.parametrize(
    ("ages", "scales"),
    [((), ()), ((40.0,), (4.0, 6.0)), ((60.0, 40.0), (4.0, 6.0)), ((40.0, 40.0), (4.0, 6.0))],
)
def test_expected_errors_belong_to_rising_ages(ages, scales):
    with pytest.raises(ValueError, match="do not fit their ages"):
        AcquisitionClass("made up", 10, 7.0, 2.0, ages, scales, 100)


@pytest.mark.parametrize(
    ("age_years", "is_corrected"),
    [(20.0, True), (80.0, True), (19.9, False), (80.1, False), (None, False)],
)
@pytest.mark.parametrize("correction", LINES, ids=["cole", "de-lange-cole"])
def test_nothing_is_said_outside_the_fitted_ages(correction, age_years, is_corrected):
    corrected = corrected_brain_age(50.0, age_years, correction)

    assert (corrected is not None) == is_corrected


CURVE = AgeCurve((30.0, 50.0, 60.0), (20.0, 50.0, 65.0))


@pytest.mark.parametrize(
    ("said_years", "age_years"),
    [(30.0, 20.0), (40.0, 35.0), (50.0, 50.0), (56.0, 59.0), (60.0, 65.0)],
)
def test_a_curve_is_straight_between_its_points(said_years, age_years):
    assert CURVE(said_years) == pytest.approx(age_years)


@pytest.mark.parametrize(
    ("said_years", "age_years"), [(28.0, 17.0), (0.0, -25.0), (62.0, 68.0), (100.0, 125.0)]
)
def test_a_curve_goes_on_beyond_its_ends_as_straight_as_before(said_years, age_years):
    assert CURVE(said_years) == pytest.approx(age_years)


def test_nobody_is_older_than_somebody_of_whom_more_was_said():
    ages = [CURVE(said) for said in np.linspace(-20.0, 140.0, 500)]

    assert min(np.diff(ages)) > 0


def test_two_points_make_a_curve():
    assert AgeCurve((20.0, 40.0), (10.0, 50.0))(30.0) == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("said_years", "age_years"),
    [
        ((), ()),
        ((30.0,), (30.0,)),
        ((30.0, 40.0), (30.0,)),
        ((30.0, 40.0, 35.0), (30.0, 40.0, 50.0)),
        ((30.0, 40.0, 50.0), (30.0, 40.0, 35.0)),
        ((30.0, 30.0, 50.0), (30.0, 40.0, 50.0)),
        ((30.0, 40.0, 50.0), (30.0, 40.0, 40.0)),
        ((50.0, 40.0, 30.0), (50.0, 40.0, 30.0)),
    ],
)
def test_a_curve_that_does_not_rise_is_none(said_years, age_years):
    with pytest.raises(ValueError, match="the curve by age does not rise"):
        AgeCurve(said_years, age_years)


def reference(people=2 * NEIGHBOURS):
    """Return ages 20-80 and predictions whose gaps are -10 to 10, repeating along the ages."""
    ages = np.linspace(20.0, 80.0, people)
    gaps = np.tile(np.linspace(-10.0, 10.0, 20), people // 20)
    return ages, ages + gaps


@pytest.mark.parametrize(
    ("gap_years", "percentile"), [(-11, 0.0), (-5.5, 25.0), (0.0, 50.0), (4.5, 70.0), (11, 100.0)]
)
def test_percentile_is_the_share_of_smaller_gaps(gap_years, percentile):
    rank = gap_percentile(gap_years, 50.0, *reference())

    assert rank == pytest.approx(percentile, abs=2.0)


def test_percentile_grows_with_the_gap_and_counts_equals_half():
    ages = np.linspace(20, 80, NEIGHBOURS)
    many = [gap_percentile(gap, 50.0, ages, ages + 1.0) for gap in (0.0, 1.0, 2.0)]

    assert many == [0.0, 50.0, 100.0]


def test_percentile_looks_at_people_of_about_that_age():
    ages = np.linspace(20.0, 80.0, 4 * NEIGHBOURS)
    predicted = ages + np.where(ages < 50, -20.0, 20.0)

    assert gap_percentile(0.0, 30.0, ages, predicted) == 100.0
    assert gap_percentile(0.0, 70.0, ages, predicted) == 0.0


def test_no_percentile_outside_the_reference_or_of_too_few_people():
    ages, predicted = reference()

    assert gap_percentile(0.0, 19.0, ages, predicted) is None
    assert gap_percentile(0.0, 81.0, ages, predicted) is None
    assert gap_percentile(0.0, 50.0, ages[: NEIGHBOURS - 1], predicted[: NEIGHBOURS - 1]) is None
