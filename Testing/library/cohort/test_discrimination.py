"""Areas under the curve by hand, and fair play between gap and volume."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from BrainAgeLib.cohort.discrimination import (
    ADJUSTED,
    AS_IT_IS,
    auc,
    discrimination,
    kept_by_adjustment,
    not_adjusted_for,
)


@pytest.mark.parametrize(
    ("patients", "controls", "area"),
    [
        ([3, 4], [1, 2], 1.0),
        ([1, 2], [3, 4], 0.0),
        ([1, 2], [1, 2], 0.5),
        ([2, 2, 5], [1, 2, 3, 4], (1.5 + 1.5 + 4) / 12),
    ],
)
def test_area_by_hand(patients, controls, area):
    assert auc(np.array(patients, float), np.array(controls, float)) == pytest.approx(area)


@pytest.fixture(scope="module")
def people():
    """Patients who are older; the gap knows nothing but age, the volume knows the disease."""
    generator = np.random.default_rng(6)
    is_patient = np.arange(300) >= 150
    age = generator.uniform(60, 80, 300) + 8 * is_patient
    return pd.DataFrame(
        {
            "group": np.where(is_patient, "AD", "CN"),
            "person": [str(n) for n in range(300)],
            "age": age,
            "sex": np.where(np.arange(300) % 2, "F", "M"),
            "gap_years": 0.5 * age + generator.normal(0, 3, 300),
            "volume": 0.8 - 0.004 * age - 0.04 * is_patient + generator.normal(0, 0.03, 300),
        }
    )


@pytest.fixture(scope="module")
def areas(people):
    found = discrimination(people, "CN", "AD", ("volume",), rounds=300)
    return {(item.outcome, item.figure): item for item in found}


def test_age_alone_tells_nothing_once_it_is_adjusted_for(areas):
    assert areas["raw gap", AS_IT_IS].low > 0.6
    adjusted = areas["raw gap", ADJUSTED]
    assert adjusted.low < 0.5 < adjusted.high


def test_a_volume_that_falls_with_age_is_turned(areas):
    assert areas["volume", ADJUSTED].value > 0.75


def test_a_gap_that_loses_to_a_volume_says_so(areas):
    difference = areas["raw gap less volume", f"difference of {ADJUSTED}"]

    assert difference.high < 0
    assert difference.value == pytest.approx(
        areas["raw gap", ADJUSTED].value - areas["volume", ADJUSTED].value
    )


def test_the_direction_of_a_measure_never_comes_from_the_groups(people):
    # A volume that is larger in patients, against its course with age: it must not be flipped.
    odd = people.assign(volume=people["volume"] + 0.1 * (people["group"] == "AD"))

    found = discrimination(odd, "CN", "AD", ("volume",), rounds=50)

    area = next(item for item in found if item.outcome == "volume" and item.figure == ADJUSTED)
    assert area.value < 0.3


def test_only_people_with_all_values_count(people):
    holes = people.copy()
    holes.loc[:19, "volume"] = np.nan

    assert discrimination(holes, "CN", "AD", ("volume",), rounds=20)[0].people == 280


@pytest.mark.parametrize("sex", ["F", "M"])
def test_a_reference_group_of_one_sex_does_not_move_the_area(people, sex):
    of_one_sex = people.assign(sex=people["sex"].where(people["group"] == "AD", sex))

    found = discrimination(of_one_sex, "CN", "AD", ("volume",), rounds=20)

    area = next(item for item in found if item.outcome == "volume" and item.figure == ADJUSTED)
    assert area.value > 0.75 and area.low > 0.7
    assert not_adjusted_for(of_one_sex, "CN", "AD", ("volume",)) == ["sex M"]
    assert not_adjusted_for(people, "CN", "AD", ("volume",)) == []


@pytest.mark.parametrize("site", ["common", "rare"])
def test_a_reference_group_of_one_site_does_not_move_the_area(people, site):
    sites = np.where(np.arange(300) % 5, "common", "rare")
    of_one_site = people.assign(site=np.where(people["group"] == "AD", sites, site))

    found = discrimination(of_one_site, "CN", "AD", ("volume",), ("site",), rounds=20)

    area = next(item for item in found if item.outcome == "volume" and item.figure == ADJUSTED)
    assert area.value > 0.75 and area.low > 0.7


@pytest.mark.parametrize(
    ("people", "older", "low", "high"), [(7, 3, 0.6, 0.97), (20, 12, 0.4, 0.9)]
)
def test_areas_lean_to_a_half_as_much_as_is_said(people, older, low, high):
    generator = np.random.default_rng(people)
    is_patient = np.arange(2 * people) >= people
    ages = generator.uniform(60, 80, 2 * people) + older * is_patient
    first = pd.DataFrame({"group": np.where(is_patient, "AD", "CN"), "age": ages})
    first["sex"], first["gap_years"] = np.where(np.arange(2 * people) % 2, "F", "M"), 0.0
    kept = kept_by_adjustment(first, "CN", "AD")

    centred = ages - ages.mean()
    design = np.column_stack([np.ones(2 * people), centred, centred**2, first["sex"] == "M"])
    gaps = generator.normal(0, 1, (2 * people, 4000)) + is_patient[:, None]
    line = np.linalg.lstsq(design[~is_patient].astype(float), gaps[~is_patient], rcond=None)[0]
    left = gaps - design.astype(float) @ line
    larger = left[is_patient][:, None] > left[~is_patient][None]

    assert low < kept < high
    assert larger.mean() == pytest.approx(norm.cdf(kept / np.sqrt(2)), abs=0.015)
