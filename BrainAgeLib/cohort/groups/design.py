"""Design matrices: which columns a model has, and which rows it can use.

Columns are made by hand, not from formulas, so that a name in a table is never read as code.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

INTERCEPT = "intercept"
AGE, AGE_SQUARED, SEX = "age", "age squared", "sex M"


def covariate_columns(frame: pd.DataFrame, covariates: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return age and age squared (centred on the mean), sex, and further covariates.

    Uses ``age_first`` where there is one: a person's age at the first visit. A sex that is not
    known is NaN; columns that are the same for everybody are left out. Further covariates that are
    all numbers are centred; others become one column for each value but the commonest.
    """
    import pandas as pd

    ages = frame["age_first"] if "age_first" in frame else frame["age"]
    centred = ages - ages.mean()
    sex = frame["sex"].map({"F": 0.0, "M": 1.0}).astype(float)
    columns = {AGE: centred, AGE_SQUARED: centred**2 - (centred**2).mean(), SEX: sex}
    for name in covariates:
        texts = frame[name].astype(str).str.strip()
        texts = texts.mask(texts.str.lower().isin(["", "n/a", "nan", "na"]))
        numbers = pd.to_numeric(texts, errors="coerce")
        if numbers.notna().sum() == texts.notna().sum():
            columns[name] = numbers.astype(float) - numbers.mean()
            continue
        for value in texts.value_counts().index[1:]:
            columns[f"{name} {value}"] = (texts == value).astype(float).where(texts.notna())
    found = pd.DataFrame(columns, index=frame.index)
    if found[SEX].notna().sum() == 0:
        del found[SEX]
    return found.loc[:, [found[name].nunique() > 1 for name in found]]


def group_columns(frame: pd.DataFrame, groups: tuple[str, ...]) -> pd.DataFrame:
    """Return a column of 0 and 1 for each group but the first."""
    import pandas as pd

    columns = {f"group {name}": (frame["group"] == name).astype(float) for name in groups[1:]}
    return pd.DataFrame(columns, index=frame.index)


def with_intercept(*parts: pd.DataFrame) -> pd.DataFrame:
    """Return the parts side by side after a column of ones."""
    import pandas as pd

    joined = pd.concat(parts, axis=1)
    joined.insert(0, INTERCEPT, 1.0)
    return joined


def contrasts(
    groups: tuple[str, ...], names: tuple[str, ...], prefix: str = "group "
) -> list[tuple[str, str, np.ndarray]]:
    """Return every pair of groups, later less earlier, as a vector over a model's columns.

    ``names``: the model's columns; those of the groups begin with ``prefix``, the first group has
    none.
    """
    found = []
    for first, second in combinations(groups, 2):
        vector = np.zeros(len(names))
        for group, sign in ((second, 1.0), (first, -1.0)):
            if group != groups[0]:
                vector[names.index(f"{prefix}{group}")] += sign
        found.append((first, second, vector))
    return found
