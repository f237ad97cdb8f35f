"""Intervals hold everybody equally often, as far as the predicted age tells who is who."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.training.interval_classes import SCALE_AGES_YEARS, fit_interval


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


def test_too_few_people_promise_nothing():
    ages, predicted = people(8)

    assert math.isinf(fit_interval(ages, predicted)[1])
