"""Intervals hold what they promise; corrections find the line and stay on it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.model.calibration import (
    NEIGHBOURS,
    AcquisitionClass,
    conformal_factor,
    corrected_brain_age,
    expected_errors,
    fit_cole,
    fit_de_lange_cole,
    gap_percentile,
)

AGES = np.linspace(20.0, 80.0, 61)


def drawn_scores(generator, people):
    """Return errors with a heavy tail and the spreads that were predicted for them."""
    spreads = generator.uniform(3.0, 9.0, people)
    return spreads * generator.standard_t(4, people), spreads


def test_the_factor_is_the_score_of_the_rank_that_the_level_asks_for():
    scores = np.array([3.0, 1.0, 2.0, 5.0, 4.0, 7.0, 6.0, 9.0, 8.0])
    spreads = np.array([2.0, 1.0, 4.0, 1.0, 3.0, 1.0, 2.0, 1.0, 5.0])
    errors = scores * spreads * [1, -1, 1, -1, 1, -1, 1, -1, 1]

    # ceil((9 + 1) 0.9) = 9, ceil(10 * 0.85) = 9, ceil(10 * 0.5) = 5
    assert conformal_factor(errors, spreads, 0.9) == 9.0
    assert conformal_factor(errors, spreads, 0.85) == 9.0
    assert conformal_factor(errors, spreads, 0.5) == 5.0


@pytest.mark.parametrize(("people", "finite"), [(8, False), (9, True)])
def test_too_few_people_promise_nothing(people, finite):
    factor = conformal_factor(np.ones(people), np.ones(people), 0.9)

    assert math.isfinite(factor) == finite


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_new_people_are_covered_as_often_as_promised(level):
    generator = np.random.default_rng(11)
    covered = []
    for _ in range(2000):
        factor = conformal_factor(*drawn_scores(generator, 40), level)
        error, spread = drawn_scores(generator, 1)
        covered.append(abs(error[0]) <= factor * spread[0])

    # The expectation is ceil(41 level) / 41; three standard errors of 2,000 draws.
    expected = math.ceil(41 * level) / 41
    assert np.mean(covered) == pytest.approx(expected, abs=3 * math.sqrt(0.25 * 0.5 / 2000))


def test_the_expected_error_is_the_mean_of_people_predicted_alike():
    predicted = np.array([30.0, 30.0, 30.0, 70.0, 70.0])
    errors = np.array([2.0, -4.0, 6.0, 9.0, -11.0])

    found = expected_errors(predicted, errors, np.array([30.0, 50.0, 70.0]))

    # The kernel is 10 years wide: at 40 years' distance it is exp(-8); half way all count alike.
    far = np.exp(-8.0)
    assert found == pytest.approx(
        [
            (3 * 4.0 + far * 2 * 10.0) / (3 + far * 2),
            (3 * 4.0 + 2 * 10.0) / 5,
            (far * 3 * 4.0 + 2 * 10.0) / (far * 3 + 2),
        ],
        abs=1e-5,
    )


def test_the_expected_error_far_from_everybody_is_that_of_all():
    found = expected_errors(np.array([20.0, 30.0]), np.array([3.0, -5.0]), np.array([500.0]))

    assert found == pytest.approx([4.0])


@pytest.mark.parametrize(
    ("predicted_years", "half_width_years"),
    [(40.0, 8.0), (50.0, 10.0), (60.0, 12.0), (10.0, 8.0), (90.0, 12.0)],
)
def test_half_the_width_is_linear_between_the_ages_of_the_scale(predicted_years, half_width_years):
    entry = AcquisitionClass("made up", 10, 7.0, 2.0, (40.0, 60.0), (4.0, 6.0), 100)

    assert entry.half_width_years(predicted_years) == pytest.approx(half_width_years)


def test_cole_recovers_the_line_and_undoes_it():
    correction = fit_cole(AGES, 0.8 * AGES + 11.0, "made up")

    assert (correction.method, correction.fitted_on, correction.people) == ("cole", "made up", 61)
    assert correction.slope == pytest.approx(0.8)
    assert correction.intercept == pytest.approx(11.0)
    assert correction.age_range_years == (20.0, 80.0)
    # Somebody whose brain looks like that of an average 50-year-old.
    assert corrected_brain_age(0.8 * 50 + 11.0, 44.0, correction) == pytest.approx(50.0)


def test_de_lange_cole_recovers_the_line_of_the_gap_and_undoes_it():
    correction = fit_de_lange_cole(AGES, 0.8 * AGES + 11.0, "made up")

    assert correction.method == "de-lange-cole"
    assert correction.slope == pytest.approx(-0.2)
    assert correction.intercept == pytest.approx(11.0)
    # Predicted 5 years more than the average person of that age is.
    assert corrected_brain_age(0.8 * 44 + 11.0 + 5.0, 44.0, correction) == pytest.approx(49.0)


@pytest.mark.parametrize("fit", [fit_cole, fit_de_lange_cole])
def test_corrected_gaps_of_the_fitted_people_do_not_depend_on_age(fit):
    predicted = 0.7 * AGES + 15 + np.random.default_rng(1).normal(0, 5, len(AGES))
    correction = fit(AGES, predicted, "made up")

    corrected = [
        corrected_brain_age(p, a, correction) for p, a in zip(predicted, AGES, strict=True)
    ]

    slope, intercept = np.polyfit(AGES, np.array(corrected) - AGES, 1)
    assert slope == pytest.approx(0.0, abs=1e-9)
    assert intercept == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize(
    ("age_years", "is_corrected"),
    [(20.0, True), (80.0, True), (19.9, False), (80.1, False), (None, False)],
)
@pytest.mark.parametrize("fit", [fit_cole, fit_de_lange_cole])
def test_nothing_is_said_outside_the_fitted_ages(fit, age_years, is_corrected):
    correction = fit(AGES, 0.8 * AGES + 11.0, "made up")

    corrected = corrected_brain_age(50.0, age_years, correction)

    assert (corrected is not None) == is_corrected


def reference(people=2 * NEIGHBOURS):
    """Return ages 20-80 and predictions whose gaps are -10 to 10, repeating along the ages."""
    ages = np.linspace(20.0, 80.0, people)
    gaps = np.tile(np.linspace(-10.0, 10.0, 20), people // 20)
    return ages, ages + gaps


@pytest.mark.parametrize(
    ("gap_years", "percentile"), [(-11, 0.0), (-5.5, 25.0), (0.0, 50.0), (4.5, 70.0), (11, 100.0)]
)
def test_percentile_is_the_share_of_smaller_gaps(gap_years, percentile):
    found = gap_percentile(gap_years, 50.0, *reference())

    assert found == pytest.approx(percentile, abs=2.0)


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
