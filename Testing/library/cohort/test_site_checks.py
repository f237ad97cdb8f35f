"""What an expert would see in a site's people is told, and nothing of a healthy site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.cohort.site import fit_deviation, fit_site
from BrainAgeLib.cohort.site_checks import decide_slope, far_from_others, leverage, scatter_more
from BrainAgeLib.cohort.table import OTHER_SEQUENCE, counted
from BrainAgeLib.command_line.calibrate_command import warnings
from BrainAgeLib.model.card import read_card
from Testing.library.cohort.made_results import healthy_rows, write_table

AGES = np.linspace(60.0, 80.0, 20)


@pytest.fixture(scope="module")
def card(small_model):
    return read_card(small_model)


def told(card, rows, tmp_path):
    """Return what is said of a site's people, that of their skulls aside."""
    fit = fit_site(write_table(rows, tmp_path / "results.csv"), card)
    return [words for words in warnings(fit, (30.0, 75.0)) if "skull" not in words]


def residuals_of(ages, seed=1, **changes):
    deviations = np.random.default_rng(seed).normal(0, 5, len(ages))
    for place, years in changes.items():
        deviations[int(place[1:])] += years
    return fit_deviation(ages, deviations)[2]


@pytest.mark.parametrize("people", [10, 15, 20, 40])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_hardly_anything_is_said_of_healthy_sites(people, kind):
    generator, said = np.random.default_rng(3), np.zeros(3)
    for _ in range(300):
        ages = generator.uniform(50, 85, people)
        if kind == "normal":
            ages = generator.normal(45, 12, people)
        residuals = fit_deviation(ages, generator.normal(0, 5, people))[2]
        sd = float(np.sqrt((residuals**2).sum() / (people - 2)))
        said += (
            far_from_others(ages, residuals).any(),
            scatter_more(sd, 5.0, people),
            decide_slope(ages).any(),
        )

    assert (said <= (24, 12, 12)).all()  # a few in a hundred; of few people medians are rough


def test_a_wrong_age_that_pulls_the_line_is_seen_from_the_line_of_the_others():
    ages = AGES.copy()
    ages[3] = 6.3  # 63
    residuals = residuals_of(ages, p3=57.0 + 15.0)

    assert abs(residuals[3]) < 3 * np.std(residuals)
    assert far_from_others(ages, residuals).nonzero()[0].tolist() == [3]
    assert decide_slope(ages).nonzero()[0].tolist() == [3]


def test_leverage_is_that_of_the_hat_matrix():
    design = np.column_stack([np.ones(20), AGES])
    hat = design @ np.linalg.inv(design.T @ design) @ design.T

    assert leverage(AGES) == pytest.approx(np.diag(hat))


@pytest.mark.parametrize(
    ("old", "hangs"), [((70.0,), True), ((70.0, 69.0), False), ((70.0, 55.0), False)]
)
def test_the_slope_hangs_on_one_person_alone_whose_age_is_far_from_all_others(old, hangs):
    ages = np.append(np.linspace(20.0, 30.0, 18), old)

    assert decide_slope(ages).nonzero()[0].tolist() == [18] * hangs
    assert not decide_slope(ages[9:]).any()  # of few people


def test_a_table_with_one_age_of_another_order_is_told(card, tmp_path):
    rows = [one | {"age": one["age"] / 2 + 45.0} for one in healthy_rows(30, noise_years=3.0)]
    for one in rows:
        one["brain_age_years"] = one["age"] + 2.0 + one["gap_years"] / 10
    rows[5]["age"] = 6.3
    for one in rows:
        one["gap_years"] = one["brain_age_years"] - one["age"]
        one["interval_low"], one["interval_high"] = 0, 150

    (words,) = (each for each in told(card, rows, tmp_path) if "slope hangs" in each)
    assert "line 7 of the table" in words


def test_ages_that_are_too_alike_tell_no_slope(card, tmp_path):
    rows = healthy_rows(30, noise_years=5.0)
    for number, one in enumerate(rows):
        shift = 70.0 + number / 30 - one["age"]
        one["age"] += shift
        one["brain_age_years"] += shift
        one["interval_low"], one["interval_high"] = 0, 150

    fit = fit_site(write_table(rows, tmp_path / "results.csv"), card)

    assert not fit.tells_slope and fit.slope.applied == 0.0
    assert any("tell no slope" in words for words in told(card, rows, tmp_path))


def test_people_who_scatter_more_than_the_interval_allows_for(card, tmp_path):
    assert not any(
        "scatter" in one for one in told(card, healthy_rows(40, noise_years=4.0), tmp_path)
    )

    rows = healthy_rows(40, noise_years=20.0)
    for one in rows:
        one["interval_low"], one["interval_high"] = -99, 199

    assert any("scatter by" in one for one in told(card, rows, tmp_path))


def test_several_scanners_of_one_table_are_told(card, tmp_path):
    rows = [one | {"Scanner": "AB"[n % 2]} for n, one in enumerate(healthy_rows(30))]

    assert any("differ in Scanner (A, B)" in one for one in told(card, rows, tmp_path))

    rows = [one | {"Scanner": ("A", "n/a")[n % 2]} for n, one in enumerate(healthy_rows(30))]
    assert not any("differ in" in one for one in told(card, rows, tmp_path))


def test_a_t1_after_contrast_agent_is_left_out_where_the_model_has_a_curve_for_it(card, tmp_path):
    rows = [one | {"sequence": "T1w"} for one in healthy_rows(45)]
    for one in rows[:20]:
        one |= {"sequence": "T1w after contrast", "findings": "contrast_agent"}
    table = write_table(rows, tmp_path / "results.csv")
    reads_it = replace(card.calibration, sequences={"T1w after contrast": None})

    fit = fit_site(table, replace(card, calibration=reads_it))

    assert (fit.people, counted(fit.left_out)) == (25, {OTHER_SEQUENCE: 20})
    assert fit_site(table, card).people == 45  # read as any T1, and --site is used for it
