"""Intervals hold what they promise, decades alike; corrections find the line."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.model.calibration import corrected_brain_age
from BrainAgeLib.training.blend import STRAIGHTENED, STRAIGHTENED_OF_OTHERS, fit_curve
from BrainAgeLib.training.calibration import (
    CLASSES,
    SCALE_AGES_YEARS,
    columns,
    conformal_factor,
    expected_errors,
    fit_class,
    fit_cole,
    fit_de_lange_cole,
    fit_interval,
    fit_sequence,
    unseen_scanner_factor,
    with_curve,
)
from BrainAgeLib.training.out_of_fold import SEQUENCE_PROTOCOLS
from Testing.library.model_folders import out_of_fold_rows, with_sequence_rows

AGES = np.linspace(20.0, 80.0, 61)


def people(count=700, shrinkage=0.75, seed=1):
    """Return ages and predictions that lean towards the middle."""
    generator = np.random.default_rng(seed)
    ages = generator.uniform(20, 90, count)
    return ages, 54 + shrinkage * (ages - 54) + generator.normal(0, 4, count)


def covered(ages, predicted, scales, factor):
    """Say whose age lies in the interval."""
    spreads = np.interp(predicted, SCALE_AGES_YEARS, scales)
    return np.abs(predicted - ages) <= factor * spreads


def by_decade(ages, inside):
    """Return the coverage of each decade."""
    decades = (ages // 10).astype(int)
    return np.array([inside[decades == n].mean() for n in range(2, 9)])


def test_the_level_is_met_by_those_who_fit_it():
    ages, predicted = people()

    inside = covered(ages, predicted, *fit_interval(ages, predicted))

    assert 0.9 <= inside.mean() < 0.91


def test_the_level_is_met_by_others():
    scales, factor = fit_interval(*people(seed=1))

    assert covered(*people(4000, seed=2), scales, factor).mean() == pytest.approx(0.9, abs=0.03)


def test_decades_are_more_even_than_with_one_width():
    ages, predicted = people()
    errors = np.abs(predicted - ages)
    one_width = errors <= np.quantile(errors, 0.9)

    bent = covered(ages, predicted, *fit_interval(ages, predicted))

    assert (
        np.abs(by_decade(ages, bent) - 0.9).max() < np.abs(by_decade(ages, one_width) - 0.9).max()
    )


def test_too_few_people_have_no_interval():
    ages, predicted = people(8)

    assert math.isinf(fit_interval(ages, predicted)[1])


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

    errors_at = expected_errors(predicted, errors, np.array([30.0, 50.0, 70.0]))

    # The kernel is 10 years wide: at 40 years' distance it is exp(-8); half way all count alike.
    far = np.exp(-8.0)
    assert errors_at == pytest.approx(
        [
            (3 * 4.0 + far * 2 * 10.0) / (3 + far * 2),
            (3 * 4.0 + 2 * 10.0) / 5,
            (far * 3 * 4.0 + 2 * 10.0) / (far * 3 + 2),
        ],
        abs=1e-5,
    )


def test_the_expected_error_far_from_everybody_is_that_of_all():
    errors_at = expected_errors(np.array([20.0, 30.0]), np.array([3.0, -5.0]), np.array([500.0]))

    assert errors_at == pytest.approx([4.0])


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


def test_the_worst_scanner_with_enough_people_decides():
    scores = np.concatenate([np.full(30, 0.5), np.full(10, 1.6), np.full(3, 9.0)])
    scanners = ["a"] * 30 + ["b"] * 10 + ["c"] * 3

    # 90 % of all 43 are below 1.6 as well; three people of one scanner are no distribution.
    assert unseen_scanner_factor(scores, scanners) == 1.6


def test_the_interval_never_gets_narrower_on_a_scanner_never_seen():
    assert unseen_scanner_factor(np.full(40, 0.1), ["a"] * 40) == 1.0


PROTOCOL = SEQUENCE_PROTOCOLS["T2w"]


def test_a_t1_after_contrast_agent_is_straightened_as_a_t1_is():
    rows = with_sequence_rows(out_of_fold_rows(400))
    enhanced = SEQUENCE_PROTOCOLS["T1w after contrast"]
    renamed = [replace(row, protocol=enhanced) for row in rows if row.protocol == PROTOCOL]

    of_t2w, of_t1 = fit_sequence(rows, PROTOCOL)[0], fit_sequence(renamed, enhanced)[0]

    assert of_t1.said_years[1:-1] == of_t2w.said_years[1:-1]
    of_others, bent = np.array(of_t2w.age_years[1:-1]), np.array(of_t1.age_years[1:-1])
    offset = np.mean([row.predicted_years - row.age_years for row in renamed if not row.held_out])
    straight = np.array(of_t2w.said_years[1:-1]) - offset
    taken_by_others = of_others - straight
    assert np.abs(taken_by_others).max() > 1.0
    share = STRAIGHTENED / STRAIGHTENED_OF_OTHERS
    assert np.allclose(bent - straight, share * taken_by_others, atol=0.01)


def test_a_sequence_has_a_curve_of_its_own_and_a_class_on_what_comes_of_it():
    rows = with_sequence_rows(out_of_fold_rows(400))
    mine = [row for row in rows if row.protocol == PROTOCOL]

    curve, found = fit_sequence(rows, PROTOCOL)

    validation = [row for row in mine if not row.held_out]
    ages, said = columns(validation)
    offset = float(np.mean(said - ages))
    straight = fit_curve(ages, said - offset, STRAIGHTENED_OF_OTHERS)
    assert curve.age_years == straight.age_years
    assert np.allclose(np.array(curve.said_years) - offset, straight.said_years)
    errors = [curve(row.predicted_years) - row.age_years for row in mine]
    before = np.mean([row.predicted_years - row.age_years for row in mine])
    assert before == pytest.approx(10.0, abs=1.5)
    assert np.mean(errors) == pytest.approx(0.0, abs=0.5)
    assert (found.name, found.people) == (PROTOCOL, len(mine))
    assert (found.least_slices, found.most_spacing_mm) == CLASSES[0][1:3]
    straightened = with_curve(rows, PROTOCOL, curve)
    assert found == fit_class(straightened, PROTOCOL, *CLASSES[0][1:3], PROTOCOL)
    assert found != fit_class(rows, PROTOCOL, *CLASSES[0][1:3], PROTOCOL)


def test_held_out_people_do_not_choose_the_curve_of_a_sequence():
    rows = with_sequence_rows(out_of_fold_rows(200))
    changed = [replace(r, predicted_years=r.predicted_years + 9 * r.held_out) for r in rows]

    assert fit_sequence(changed, PROTOCOL)[0] == fit_sequence(rows, PROTOCOL)[0]


def test_no_curve_is_fitted_where_nobody_is_left_to_choose_by():
    with pytest.raises(ValueError, match="no scans 'T2w, axial"):
        fit_sequence(out_of_fold_rows(30), PROTOCOL)
