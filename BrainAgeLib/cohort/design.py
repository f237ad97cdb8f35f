"""Design matrices: which columns a model has, and which rows it can use.

Columns are made by hand, not from formulas, so that a name in a table is never read as code.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.tables.cells import NOT_KNOWN

if TYPE_CHECKING:
    import pandas as pd

INTERCEPT = "intercept"
AGE, AGE_SQUARED, SEX = "age", "age squared", "sex M"
TIME = "years"  # since the first scan
MOST_CODES = 6  # whole numbers of so few kinds may be names
ALONE = 1 - 1e-8  # leverage
TOLD_ALREADY = 1e-9  # what is left of a column beside its size: rounding alone


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
        texts, numbers = covariate_values(frame, name)
        if numbers is not None:
            columns[name] = numbers - numbers.mean()
            continue
        for value in texts.value_counts().index[1:]:
            columns[f"{name} {value}"] = (texts == value).astype(float).where(texts.notna())
    table = pd.DataFrame(columns, index=frame.index)
    if table[SEX].notna().sum() == 0:
        del table[SEX]
    return _without_redundant(table.loc[:, [table[name].nunique() > 1 for name in table]])


def covariate_values(frame: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series | None]:
    """Return a covariate as text, NaN where it is not known; and as numbers if all are numbers."""
    import pandas as pd

    texts = frame[name].astype(str).str.strip()
    texts = texts.mask(texts.str.lower().isin(NOT_KNOWN))
    numbers = pd.to_numeric(texts, errors="coerce").astype(float)
    return texts, numbers if numbers.notna().sum() == texts.notna().sum() else None


def with_all_values(
    frame: pd.DataFrame, covariates: tuple[str, ...], *columns: str
) -> pd.DataFrame:
    """Return the rows that have age, sex and all covariates, and all of these columns.

    What a model is fitted to is chosen before its design is made: the column of a site that nobody
    is left of would make it singular.
    """
    known = frame[frame[list(columns)].notna().all(axis=1)]
    return known[covariate_columns(known, covariates).notna().all(axis=1)]


def _without_redundant(columns: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns that those before them tell already.

    All stay where nobody has all values: without them everybody would seem to.
    """
    complete = columns.dropna()
    if complete.empty:
        return columns
    told = independent_columns(with_intercept(complete).to_numpy(float))
    return columns.iloc[:, [place - 1 for place in told if place > 0]]


def independent_columns(matrix: np.ndarray) -> list[int]:
    """Return the places of the columns of (row, column) that those before do not tell already."""
    kept: list[int] = []
    basis = np.empty((len(matrix), 0))
    for place, column in enumerate(matrix.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # what rounding left of it
        size = float(np.linalg.norm(rest))
        if size > TOLD_ALREADY * float(np.linalg.norm(column)):
            kept.append(place)
            basis = np.column_stack([basis, rest / size])
    return kept


def _rank(columns: pd.DataFrame) -> int:
    """Return the rank of the columns together with an intercept."""
    return len(independent_columns(with_intercept(columns).to_numpy(float)))


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


def fitted_alone(matrix: np.ndarray) -> np.ndarray:
    """Return which rows of (row, column) a column of their own fits exactly, whatever their value.

    The only person of a site tells nothing of anybody else, and has no HC3 error.
    """
    basis, sizes, _ = np.linalg.svd(matrix, full_matrices=False)
    leverage = (basis[:, sizes > 1e-10 * sizes.max(initial=0.0)] ** 2).sum(axis=1)
    return np.asarray(leverage > ALONE)


def scatters(residuals: np.ndarray, values: np.ndarray) -> bool:
    """Say whether more than rounding is left of values (row,) that a model was fitted to."""
    size = np.abs(values).max(initial=0.0)
    return bool(np.abs(residuals).max(initial=0.0) > TOLD_ALREADY * size)


def group_columns(frame: pd.DataFrame, groups: tuple[str, ...]) -> pd.DataFrame:
    """Return a column of 0 and 1 for each group but the first."""
    import pandas as pd

    columns = {f"group {name}": (frame["group"] == name).astype(float) for name in groups[1:]}
    return pd.DataFrame(columns, index=frame.index)


def slope_columns(
    visits: pd.DataFrame, of_groups: pd.DataFrame, covariates: pd.DataFrame
) -> pd.DataFrame:
    """Return years, and years times each group column and times age at the first scan.

    Age changes how fast a raw gap drifts and how fast a score falls: without its product with time
    a group that is older would seem to change faster. The product is left out where the visits
    cannot tell it from the other columns.
    """
    years = visits[[TIME]]
    slopes = years.join(of_groups.mul(visits[TIME], axis=0).add_prefix(f"{TIME} x "))
    if AGE not in covariates:
        return slopes
    with_age = slopes.assign(**{f"{TIME} x {AGE}": covariates[AGE] * visits[TIME]})
    others = of_groups.join(covariates).dropna()
    told = _rank(others.join(with_age)) > _rank(others.join(slopes))
    return with_age if told else slopes


def visit_design(
    visits: pd.DataFrame, of_groups: pd.DataFrame, covariates: tuple[str, ...]
) -> pd.DataFrame:
    """Return the columns of a model of visits: intercept, groups, slopes, covariates.

    A covariate that time and the covariates before it tell, such as the age at each scan, is left
    out: no model could be fitted with it.
    """
    others = covariate_columns(visits, covariates)
    asked = with_intercept(of_groups, slope_columns(visits, of_groups, others))
    design = asked.join(others)
    complete = design.dropna()
    if complete.empty:
        return design
    told = independent_columns(complete.to_numpy(float))
    kept = [place for place in range(design.shape[1]) if place < asked.shape[1] or place in told]
    return design.iloc[:, kept]


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
    pairs = []
    for first, second in combinations(groups, 2):
        vector = np.zeros(len(names))
        for group, sign in ((second, 1.0), (first, -1.0)):
            if group != groups[0]:
                vector[names.index(f"{prefix}{group}")] += sign
        pairs.append((first, second, vector))
    return pairs
