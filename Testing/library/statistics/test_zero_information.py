"""A predictor that knows nothing looks good after correction: that is the point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.statistics.zero_information import zero_information_corrected_mae


def test_a_predictor_that_knows_nothing_looks_good_after_correction():
    ages = np.random.default_rng(5).normal(70.0, 7.9, 20_000)

    found = zero_information_corrected_mae(ages, 3.4)

    # Mean absolute value of a normal distribution: 3.4 sqrt(2 / pi).
    assert found == pytest.approx(3.4 * math.sqrt(2 / math.pi), abs=0.05)
    assert found == pytest.approx(2.7, abs=0.05)
    # It is far better than what the raw mean age reaches.
    assert np.abs(ages - ages.mean()).mean() > 2 * found
