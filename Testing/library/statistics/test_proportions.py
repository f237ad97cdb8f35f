"""Intervals of proportions against published ones."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.statistics.proportions import exact_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Rule of the ends: 1 - 0.025 ** (1 / n).
        (0, 10, 0.0, 0.308497),
        (10, 10, 0.691503, 1.0),
        # Newcombe 1998, Stat Med 17:857-872, table I, method 5.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_clopper_pearson_interval(successes, trials, low, high):
    found = exact_interval(successes, trials)

    assert found == pytest.approx((low, high), abs=6e-5)


def test_exact_interval_widens_with_the_level_and_is_symmetric():
    assert exact_interval(5, 50, 0.99)[0] < exact_interval(5, 50, 0.9)[0]
    low, high = exact_interval(5, 50)
    assert exact_interval(45, 50) == pytest.approx((1 - high, 1 - low))


def test_exact_interval_covers_at_least_as_often_as_promised():
    generator = np.random.default_rng(3)
    intervals = [exact_interval(n, 30) for n in range(31)]

    covered = [intervals[n][0] <= 0.9 <= intervals[n][1] for n in generator.binomial(30, 0.9, 2000)]

    assert np.mean(covered) > 0.94
