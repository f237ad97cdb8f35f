"""The columns of a model, whatever a table calls things."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from BrainAgeLib.cohort.groups.design import (
    AGE,
    AGE_SQUARED,
    SEX,
    contrasts,
    covariate_columns,
    group_columns,
    refuse_confounded,
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


def test_contrasts_compare_every_pair(frame):
    groups = ("a", "b", "C(x)")
    design = with_intercept(group_columns(frame, groups))
    means = np.array([10.0, 2.0, 5.0])  # of a; b and C(x) more than a

    found = {
        (one, two): float(vector @ means) for one, two, vector in contrasts(groups, tuple(design))
    }

    assert found == {("a", "b"): 2.0, ("a", "C(x)"): 5.0, ("b", "C(x)"): 3.0}
