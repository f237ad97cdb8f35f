"""Design matrices: which columns a model has, and which rows it can use.

Columns are made by hand, not from formulas, so that a name in a table is never read as code.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

INTERCEPT = "intercept"
AGE, AGE_SQUARED, SEX = "age", "age squared", "sex M"


def covariate_columns(frame: pd.DataFrame, covariates: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return age and age squared (centred on the mean), sex, and further covariates.

    Uses ``age_first`` where there is one: a person's age at the first visit. A sex that is not
    known is NaN. Further covariates that are all numbers are centred; others become one column for
    each value but the commonest. Columns that are the same for everybody, or that those before
    tell, are left out.
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
    return _without_redundant(found.loc[:, [found[name].nunique() > 1 for name in found]])


def _without_redundant(columns: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns that those before them tell already."""
    whole = columns.dropna()
    kept: list[str] = []
    for name in columns:
        if _rank(whole[[*kept, name]]) > _rank(whole[kept]):
            kept.append(str(name))
    return columns[kept]


def _rank(columns: pd.DataFrame) -> int:
    """Return the rank of the columns together with an intercept."""
    matrix = columns.to_numpy(float)
    scale = np.abs(matrix).max(axis=0, initial=1e-12)
    return int(np.linalg.matrix_rank(np.column_stack([np.ones(len(matrix)), matrix / scale])))


def refuse_confounded(groups: pd.DataFrame, covariates: pd.DataFrame) -> None:
    """See that groups and covariates can be told apart; complete rows only.

    Raises InputError that names the first covariate which, with those before it, tells the groups.
    """
    for count in range(1, covariates.shape[1] + 1):
        some = covariates.iloc[:, :count]
        joined = some.join(groups)
        if _rank(joined) < _rank(some) + groups.shape[1]:
            raise InputError(
                f"the groups cannot be told apart from {some.columns[-1]}: who is in which group "
                "tells it",
                "compare people who share its values, or leave that column out of the table",
            )


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
