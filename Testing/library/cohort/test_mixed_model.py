"""The mixed model against statsmodels' own search, simpler models, and refitting."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.cohort.mixed_model import fit_mixed


def visits(people=40, times=(0.0, 1.0, 2.0, 3.0), slope_sd=0.8, seed=1):
    """Return matrix, values, years and persons; half of the people change by 1.5 a year more."""
    generator = np.random.default_rng(seed)
    years = np.tile(times, people)
    persons = np.repeat([f"p{n:03}" for n in range(people)], len(times))
    treated = np.repeat(np.arange(people) % 2, len(times)).astype(float)
    level, slope = generator.normal(0, 4, people), generator.normal(0, slope_sd, people)
    values = 2.0 + 1.5 * treated * years
    values = values + np.repeat(level, len(times)) + np.repeat(slope, len(times)) * years
    values = values + generator.normal(0, 1, len(years))
    matrix = np.column_stack([np.ones(len(years)), treated, years, treated * years])
    return matrix, values, years, persons


NAMES = ("intercept", "treated", "years", "years x treated")


@pytest.fixture(scope="module")
def fit():
    return fit_mixed(NAMES, *visits())


def test_the_start_changes_nothing_of_the_result(fit):
    from statsmodels.regression.mixed_linear_model import MixedLM

    matrix, values, years, persons = visits()
    effects = np.column_stack([np.ones(len(years)), years])
    plain = MixedLM(values, matrix, persons, exog_re=effects).fit(reml=True)

    assert fit.coefficients == pytest.approx(plain.fe_params, abs=1e-3)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(plain.bse_fe, rel=2e-3)
    assert fit.random_covariance == pytest.approx(np.asarray(plain.cov_re), rel=0.02, abs=0.02)


def test_balanced_visits_give_the_t_test_of_peoples_own_slopes(fit):
    # With the same times for everybody the mixed model is the comparison of own slopes.
    _, values, _, _ = visits()
    slopes = np.polyfit([0.0, 1.0, 2.0, 3.0], values.reshape(-1, 4).T, 1)[0]
    treated = np.arange(40) % 2 == 1
    difference = slopes[treated].mean() - slopes[~treated].mean()
    pooled = np.sqrt((slopes[treated].var(ddof=1) + slopes[~treated].var(ddof=1)) / 20)

    value, low, high, p = fit.contrast(fit.column("years x treated"))

    assert value == pytest.approx(difference, abs=1e-3)
    assert (high - low) / 2 == pytest.approx(2.0244 * pooled, rel=1e-3)  # t, 38
    assert low < 1.5 < high
    assert p < 0.001


def test_few_people_give_that_test_too_and_the_search_ends():
    # A search by gradients stopped short of the optimum in half of such tables.
    treated, times = np.arange(12) % 2 == 1, np.array([0.0, 1.0, 2.0])
    ended = 0
    for seed in range(8):
        matrix, values, years, persons = visits(12, times, 2.0, seed)
        fit = fit_mixed(NAMES, matrix, values, years, persons)
        slopes = np.polyfit(times, values.reshape(-1, 3).T, 1)[0]
        pooled = np.sqrt((slopes[treated].var(ddof=1) + slopes[~treated].var(ddof=1)) / 6)
        _, low, high, _ = fit.contrast(fit.column("years x treated"))
        assert (high - low) / 2 == pytest.approx(2.2281 * pooled, rel=0.01)  # t, 10
        ended += fit.converged

    assert ended == 8


def test_people_with_one_visit_give_no_freedom_to_a_change():
    matrix, values, years, persons = visits(people=20)
    kept = (years == 0) | (np.repeat(np.arange(20), 4) % 10 > 0)

    fit = fit_mixed(NAMES, matrix[kept], values[kept], years[kept], persons[kept])

    assert (fit.people, fit.freedom) == (20, 16)


def test_nor_do_people_whose_visits_are_of_one_time():
    matrix, values, years, persons = visits(people=20)
    still = np.repeat(np.arange(20), 4) % 10 == 0
    matrix[still] = np.repeat(matrix[still][::4], 4, axis=0)
    years[still] = 0

    assert fit_mixed(NAMES, matrix, values, years, persons).freedom == 16


def test_leaving_one_person_out_is_fitting_the_others(fit):
    matrix, values, years, persons = visits()
    vector = fit.column("years x treated")

    without = fit.left_out(vector)

    for place in (0, 17):
        kept = persons != fit.persons[place]
        information = np.zeros((4, 4))
        weighted = np.zeros(4)
        for name in np.unique(persons[kept]):
            rows = np.flatnonzero(persons == name)
            inverse = np.linalg.inv(fit.visit_covariance(rows))
            information += matrix[rows].T @ inverse @ matrix[rows]
            weighted += matrix[rows].T @ inverse @ values[rows]
        assert without[place] == pytest.approx(vector @ np.linalg.solve(information, weighted))


def test_residuals_are_those_around_peoples_own_lines(fit):
    assert fit.residuals().std() < 1.1 < fit.values.std()


def test_people_whose_slopes_do_not_differ_leave_a_random_intercept():
    fit = fit_mixed(NAMES, *visits(people=12, slope_sd=0.0, seed=5))

    assert fit.slope_sd is None or fit.slope_sd < 0.5
    assert fit.contrast(fit.column("years x treated"))[1] < 1.5


def test_two_visits_cannot_carry_slopes():
    fit = fit_mixed(NAMES, *visits(times=(0.0, 1.0)))

    assert fit.slope_sd is None
    assert fit.visits == 80


def test_people_with_one_visit_stay_in():
    matrix, values, years, persons = visits()
    kept = (years == 0) | (np.repeat(np.arange(40), 4) % 4 > 0)

    fit = fit_mixed(NAMES, matrix[kept], values[kept], years[kept], persons[kept])

    assert fit.people == 40


@pytest.mark.parametrize("times", [(0.0,), (0.0, 0.0)])
def test_nothing_to_fit(times):
    assert fit_mixed(NAMES, *visits(times=times)) is None


def test_fewer_people_than_coefficients():
    assert fit_mixed(NAMES, *visits(people=4)) is None
