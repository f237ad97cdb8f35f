"""The scans of each person in the order of their times, and which of one time came first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NUMBER = " number of the session"  # a column to sort by; cells of a table have no such name
_STEM_AND_NUMBER = r"^(.*?)(\d+(?:\.\d+)?)$"


def session_numbers(scans: pd.DataFrame) -> pd.Series:
    """Return the number that each scan's session ends in; 0 where they tell no order.

    They do where all sessions of a person are one stem and a number: M6 and M12. Names such as pre
    and post have an order that no sorting of text finds: there the lines of the table tell it.
    """
    import pandas as pd

    sessions = scans["session"].astype(str).str.strip().str.lower()
    parts = sessions.str.extract(_STEM_AND_NUMBER)
    by_person = parts.groupby(scans["person"])
    # A stem that is missing is counted as one of its own.
    alike = by_person[0].transform("nunique", dropna=False) == 1
    return pd.to_numeric(parts[1]).where(alike).fillna(0.0).astype(float)


def with_years(scans: pd.DataFrame, time: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the scans in their order, with ``years`` since each person's first; and notes.

    ``time``: the column that tells them; None takes the difference of ages.
    """
    notes = []
    youngest = scans.groupby("person")["age"].transform("min")
    years = scans["age"] - youngest
    if time:
        start = scans.groupby("person")[time].transform("min")
        years = scans[time] - start
    elif scans["person"].duplicated().any() and in_whole_years(scans):
        notes.append(
            "All ages are whole years, so time between scans is known to a year only, and how far "
            "two scans of one time differ is not told; a column of years since the first scan "
            "(--time) is better."
        )
    elif count := _of_one_age(scans):
        notes.append(
            f"{count} {'people have' if count > 1 else 'person has'} scans of several sessions at "
            "one age, which are taken for scans of one time: give each scan the age at it, or a "
            "column of years since the first scan (--time)."
        )
    if count := len(against_sessions(scans, years)):
        notes.append(
            f"The numbers of the sessions of {count} {'people' if count > 1 else 'person'} tell "
            f"another order of the scans than {time or 'the ages'}, by which they are taken: an "
            "age or a session may be wrong."
        )
    ordered = scans.assign(**{"years": years, NUMBER: session_numbers(scans)})
    ordered = ordered.sort_values(["person", "years", NUMBER, "line"], kind="stable")
    return ordered.drop(columns=NUMBER).reset_index(drop=True), notes


def against_sessions(scans: pd.DataFrame, times: pd.Series) -> list[str]:
    """Return the people some of whose ``times`` (row,) fall where their sessions' numbers rise."""
    numbered = scans.assign(**{NUMBER: session_numbers(scans), "years": times})
    ordered = numbered.sort_values(["person", NUMBER, "years"], kind="stable")
    of_person = ordered.groupby("person")
    falls = (of_person[NUMBER].diff() > 0) & (of_person["years"].diff() < 0)
    return list(ordered["person"][falls].unique())


def in_whole_years(scans: pd.DataFrame) -> bool:
    """Say whether all ages are whole years, from which no time between scans can be told."""
    return np.allclose(scans["age"], np.round(scans["age"]))


def _of_one_age(scans: pd.DataFrame) -> int:
    """Return how many people have two sessions or more, and one age for all of them."""
    by_person = scans.groupby("person")
    return int(((by_person["session"].nunique() > 1) & (by_person["age"].nunique() == 1)).sum())
