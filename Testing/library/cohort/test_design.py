"""The columns of a model, whatever a table calls things."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from BrainAgeLib.cohort.design import (
    AGE,
    AGE_SQUARED,
    SEX,
    contrasts,
    covariate_columns,
    fitted_alone,
    group_columns,
    refuse_confounded,
    slope_columns,
    with_all_values,
    with_intercept,
)
from BrainAgeLib.errors import InputError


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": [60.0, 70.0, 80.0, 90.0, 61.0, 71.0, 79.0, 89.0],
            "sex": ["F", "M", "", "M", "M", "F", "F", "M"],
            "group": ["a", "b", "C(x)", "b", "b", "C(x)", "a", "a"],
            "site": ["one", "two", "two", "", "two", "two", "one", "two"],
            "dose": ["1", "3", "", "2", "2", "2", "1", "3"],
        }
    )


def test_age_is_centred_and_an_unknown_sex_is_missing(frame):
    columns = covariate_columns(frame)

    assert list(columns[AGE])[:4] == [-15.0, -5.0, 5.0, 15.0]
    assert columns[AGE_SQUARED].sum() == pytest.approx(0.0)
    assert np.corrcoef(columns[AGE_SQUARED], columns[AGE] ** 2)[0, 1] == pytest.approx(1.0)
    assert columns[SEX].isna().tolist() == [number == 2 for number in range(8)]


def test_further_covariates_are_numbers_or_values(frame):
    columns = covariate_columns(frame, ("site", "dose"))

    assert columns["site one"].tolist()[:3] == [1.0, 0.0, 0.0]
    assert columns["site one"].isna()[3]
    assert columns["dose"].tolist()[:2] == [-1.0, 1.0]
    assert columns["dose"].isna()[2]


def test_what_is_the_same_for_everybody_is_no_covariate(frame):
    columns = covariate_columns(frame.assign(sex="F", site="one"), ("site",))

    assert list(columns) == [AGE, AGE_SQUARED]


def test_a_covariate_that_others_tell_already_is_left_out(frame):
    columns = covariate_columns(frame.assign(born=2020 - frame["age"]), ("born",))

    assert "born" not in columns


def test_groups_that_a_covariate_tells_are_refused(frame):
    of_groups = group_columns(frame, ("a", "b", "C(x)"))
    other = pd.DataFrame({"dose": [1.0, 2.0, 5.0, 4.0, 3.0, 3.0, 2.0, 7.0]})

    refuse_confounded(of_groups, other)
    with pytest.raises(InputError, match="cannot be told apart from scanner"):
        refuse_confounded(of_groups, other.assign(scanner=(frame["group"] == "a").astype(float)))


def test_slopes_are_those_of_groups_and_of_age(frame):
    visits = pd.concat([frame, frame], ignore_index=True).assign(years=np.arange(16) % 5.0)
    of_groups, covariates = group_columns(visits, ("a", "b", "C(x)")), covariate_columns(visits)

    slopes = slope_columns(visits, of_groups, covariates)

    assert list(slopes) == ["years", "years x group b", "years x group C(x)", "years x age"]
    assert slopes["years x group b"].tolist()[:8] == [0.0, 1.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0]
    assert slopes["years x age"].tolist() == (visits["years"] * covariates[AGE]).tolist()


def test_a_slope_of_age_that_time_tells_already_is_left_out(frame):
    visits = frame.assign(years=[1.0, 0.0] + [0.0] * 6)  # one person came back
    of_groups = group_columns(visits, ("a", "b", "C(x)"))

    assert list(slope_columns(visits, of_groups[[]], covariate_columns(visits))) == ["years"]


def test_who_is_fitted_by_a_column_of_his_own():
    design = np.column_stack([np.ones(5), [0, 0, 1, 0, 0], [1.0, 2.0, 3.0, 4.0, 6.0]])

    assert fitted_alone(design).tolist() == [False, False, True, False, False]


def test_contrasts_compare_every_pair(frame):
    groups = ("a", "b", "C(x)")
    design = with_intercept(group_columns(frame, groups))
    means = np.array([10.0, 2.0, 5.0])  # of a; b and C(x) more than a

    found = {
        (one, two): float(vector @ means) for one, two, vector in contrasts(groups, tuple(design))
    }

    assert found == {("a", "b"): 2.0, ("a", "C(x)"): 5.0, ("b", "C(x)"): 3.0}


def test_where_nobody_has_all_values_nobody_has_a_model(frame):
    lacking = frame.assign(
        sex=["", "", "", "", "F", "M", "F", "M"], school=["9", "7", "8", "7", *["n/a"] * 4]
    )

    assert "school" in covariate_columns(lacking, ("school",))
    assert with_all_values(lacking, ("school",), "age").empty
