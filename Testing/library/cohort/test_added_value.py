"""What gap and volume add to each other, where the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from BrainAgeLib.cohort.added_value import AREA, GAIN, ODDS, added_value


@pytest.fixture(scope="module")
def people():
    """The volume knows the disease; the gap knows it through the volume alone."""
    generator = np.random.default_rng(5)
    is_patient = np.arange(400) >= 200
    age = generator.uniform(60, 85, 400)
    loss = is_patient * 1.2 + generator.normal(size=400)
    return pd.DataFrame(
        {
            "group": np.where(is_patient, "AD", "CN"),
            "person": [str(n) for n in range(400)],
            "age": age,
            "sex": np.where(np.arange(400) % 2, "F", "M"),
            "gap_years": 3 * loss - 0.2 * age + generator.normal(0, 4, 400),
            "volume": 0.9 - 0.003 * age - 0.02 * loss,
        }
    )


@pytest.fixture(scope="module")
def found(people):
    items = added_value(people, "CN", "AD", "volume", rounds=100)
    return {(item.figure, item.outcome): item for item in items}


def test_a_gap_that_knows_nothing_more_adds_nothing(found):
    odds, gain = found[ODDS, "raw gap given volume"], found[GAIN, "raw gap given volume"]

    assert odds.low < 1 < odds.high
    assert odds.p > 0.05
    assert gain.value == pytest.approx(0.0, abs=0.01)
    assert gain.p is None  # tests of areas of nested models are not valid


def test_the_volume_adds_to_the_gap(found):
    odds, gain = found[ODDS, "volume given raw gap"], found[GAIN, "volume given raw gap"]

    assert odds.low > 1.5
    assert gain.low > 0.02


def test_the_gap_alone_tells_the_groups_apart(found):
    alone, nothing = found[AREA, "raw gap"], found[AREA, "covariates alone"]

    assert alone.low > 0.6 > nothing.value
    assert found[AREA, "volume"].value > alone.value


def test_areas_are_corrected_for_optimism():
    generator = np.random.default_rng(1)
    noise = pd.DataFrame(
        {
            "group": np.repeat(["AD", "CN"], 15),
            "person": [str(n) for n in range(30)],
            "age": generator.uniform(60, 85, 30),
            "sex": generator.choice(["F", "M"], 30),
            "gap_years": generator.normal(0, 5, 30),
            "volume": generator.normal(0.7, 0.05, 30),
        }
    )

    items = added_value(noise, "CN", "AD", "volume", rounds=200)
    both = next(item for item in items if item.outcome == "raw gap and volume")

    assert both.value < 0.65  # of models with five coefficients among 30 people


def test_groups_that_are_told_apart_perfectly_have_no_odds(people):
    apart = people.assign(volume=np.where(people["group"] == "AD", 0.1, 0.9))

    assert added_value(apart, "CN", "AD", "volume") == []


def test_a_volume_of_one_value_adds_nothing(people):
    assert added_value(people.assign(volume=0.5), "CN", "AD", "volume") == []


def test_a_site_without_the_measure_is_left_out_of_the_models(people):
    place = np.array(["A", "B", "C"])[np.arange(400) % 3]
    measured = people.assign(site=place, volume=people["volume"].where(place != "A"))

    found = added_value(measured, "CN", "AD", "volume", ("site",), rounds=0)
    alike = added_value(measured[place != "A"], "CN", "AD", "volume", ("site",), rounds=0)

    assert found[0].people == int((place != "A").sum())
    assert found == alike
