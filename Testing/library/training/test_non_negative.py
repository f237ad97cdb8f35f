"""Non-negative least squares: the best of all weights that are not negative."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from BrainAgeLib.training.non_negative import non_negative_least_squares


def error(design, target, weights):
    """Return the sum of squares that weights leave."""
    return float(((design @ weights - target) ** 2).sum())


def best_of_all(design, target):
    """Return the least error of all sets of columns whose own best weights are not negative."""
    columns = range(design.shape[1])
    found = [float((target**2).sum())]
    for count in range(1, design.shape[1] + 1):
        for chosen in map(list, combinations(columns, count)):
            weights = np.zeros(design.shape[1])
            weights[chosen] = np.linalg.lstsq(design[:, chosen], target, rcond=None)[0]
            if (weights >= 0).all():
                found.append(error(design, target, weights))
    return min(found)


@pytest.mark.parametrize("seed", range(40))
def test_no_other_weights_are_better(seed):
    generator = np.random.default_rng(seed)
    design = generator.normal(size=(12, 5))
    design += generator.uniform(0, 2) * design[:, :1]  # columns that are much alike
    target = design @ generator.normal(size=5) + generator.normal(size=12)

    weights = non_negative_least_squares(design, target)

    assert (weights >= 0).all()
    assert error(design, target, weights) == pytest.approx(best_of_all(design, target), rel=1e-8)


@pytest.mark.parametrize("columns", [3, 30, 88])
def test_it_finds_what_scipy_finds(columns):
    optimize = pytest.importorskip("scipy.optimize")
    generator = np.random.default_rng(columns)
    ages = generator.uniform(20, 80, 300)
    design = 0.5 * (ages[:, None] - 50) + generator.normal(0, 8, (300, columns))

    weights = non_negative_least_squares(design, ages - 50)

    expected, _ = optimize.nnls(design, ages - 50)
    assert weights == pytest.approx(expected, abs=1e-6)
    assert (weights == 0).sum() == (expected == 0).sum()


def test_weights_that_are_positive_anyway_are_found_exactly():
    design = np.random.default_rng(1).normal(size=(20, 4))
    true = np.array([0.5, 2.0, 0.1, 1.0])

    assert non_negative_least_squares(design, design @ true) == pytest.approx(true)


def test_what_only_points_the_wrong_way_gets_nothing():
    design = np.abs(np.random.default_rng(1).normal(size=(20, 4)))

    assert non_negative_least_squares(design, -design.sum(1)).tolist() == [0.0] * 4


def test_a_column_that_says_nothing_gets_nothing():
    design = np.random.default_rng(1).normal(size=(20, 3))
    design[:, 1] = 0.0

    weights = non_negative_least_squares(design, design @ np.array([1.0, 5.0, 2.0]))

    assert weights == pytest.approx([1.0, 0.0, 2.0])


def test_columns_that_say_the_same_are_no_accident():
    one = np.random.default_rng(1).normal(size=(20, 2))
    design = np.column_stack([one, one, one.sum(1)])
    target = one @ np.array([1.0, 2.0])

    weights = non_negative_least_squares(design, target)

    assert (weights >= 0).all()
    assert design @ weights == pytest.approx(target, abs=1e-6)


def test_there_is_nothing_to_explain():
    assert non_negative_least_squares(np.ones((3, 2)), np.zeros(3)).tolist() == [0.0, 0.0]
