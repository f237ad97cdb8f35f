"""What cannot stand in a table of results, as when somebody edited it in a spreadsheet."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import OLDEST_AGE_YEARS
from BrainAgeLib.tables.participants import bare_label

if TYPE_CHECKING:
    import pandas as pd

    from BrainAgeLib.model.card import Card

logger = logging.getLogger(__name__)
MOST_AGE_DRIFT_YEARS = 1.01  # ages may be whole years
SAME_SESSION = "another scan of this person and session counts"
MODEL_HINT = "name the model with --model"
ROUNDING_YEARS = 0.02  # of gaps and ages that were written with two decimals


def tell_of_names(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Log what makes more people or groups of a table than there were, without their names."""
    if "id" not in columns:
        logger.warning("%s has no column id: every path counts as a person of its own", path)
    for column in ("id", "group"):
        alike = defaultdict(set)
        for name in frame[column]:
            alike[bare_label(name)].add(name)
        if count := sum(len(names) for names in alike.values() if len(names) > 1):
            logger.warning(
                "%d names in the column %s of %s differ by capitals, signs or leading zeros alone "
                "and are told apart: write alike what is the same",
                *(count, column, path),
            )


def check_words(frame: pd.DataFrame, name: str, known: Sequence[str], path: Path) -> None:
    """Raise InputError, which names the line, for a word that is not known."""
    odd = frame[~frame[name].isin(["", *known])]
    if len(odd):
        line, text = int(odd["line"].iloc[0]), str(odd[name].iloc[0])[:40]
        raise InputError(
            f"line {line} of {path}: {name} is {text!r}, which is not known",
            f"{', '.join(known)} or nothing",
        )


def check_ages(frame: pd.DataFrame, path: Path) -> None:
    """Raise InputError for ages that cannot be years, and brain ages beyond their intervals."""
    odd = frame[(frame["age"] <= 0) | (frame["age"] > OLDEST_AGE_YEARS)]
    if len(odd):
        raise InputError(
            f"line {int(odd['line'].iloc[0])} of {path}: an age of {odd['age'].iloc[0]:g} years "
            "cannot be",
            "ages are years; leave the cell empty where none is known",
        )
    raw = frame["brain_age_years"]
    lost = (raw < frame["interval_low"] - ROUNDING_YEARS) | (
        raw > frame["interval_high"] + ROUNDING_YEARS
    )
    if lost.any():
        raise InputError(
            f"line {int(frame['line'][lost].iloc[0])} of {path}: brain_age_years is outside "
            "interval_low to interval_high",
            "give the table as brainage batch wrote it",
        )


def check_gaps(frame: pd.DataFrame, path: Path) -> None:
    """Raise InputError, which names the line, where a gap is not that of its two ages."""
    off = (frame["brain_age_years"] - frame["age"] - frame["gap_years"]).abs() > ROUNDING_YEARS
    if off.any():
        raise InputError(
            f"line {int(frame['line'][off].iloc[0])} of {path}: gap_years is not "
            "brain_age_years minus age",
            "give the table as brainage batch wrote it",
        )


def check_model(scans: pd.DataFrame, card: Card, path: Path) -> None:
    """See that ages are a model's; raise InputError for those of another.

    Where the table does not say whose they are, or how far slices were apart, what is taken for
    granted instead is logged.
    """
    model = f"{card.name} {card.version}"
    if used := set(scans["model"]) - {"", card.name, model}:
        raise InputError(
            f"{path} holds ages by the model {sorted(used)[0]}, not {model}", MODEL_HINT
        )
    usual = card.calibration.classes[0].name
    taken = {"model": f"ages by {model}", "slice_spacing_mm": f"those of {usual}"}
    for column, what in taken.items():
        if count := int((scans[column].isna() | (scans[column] == "")).sum()):
            logger.warning(
                "%d of %d rows have no %s: they are taken for %s", count, len(scans), column, what
            )


def check_people(scans: pd.DataFrame, again: pd.DataFrame | None, path: Path) -> None:
    """Raise InputError, which names the lines, where rows of one id cannot be of one person.

    They name F and M, or in one session ages that are years apart. ``again``: rows that are left
    out since another of their session counts; they may be those of somebody else.
    """
    import pandas as pd

    if again is not None:
        columns = ["person", "session", "sex", "age", "line"]
        scans = pd.concat([scans[columns], again[columns]], ignore_index=True)
    _check_sexes(scans, path)
    _check_ages_of_sessions(scans[scans["session"] != ""], path)


def _check_ages_of_sessions(scans: pd.DataFrame, path: Path) -> None:
    of_session = scans.groupby(["person", "session"])["age"]
    far = scans[of_session.transform("max") - of_session.transform("min") > MOST_AGE_DRIFT_YEARS]
    if len(far):
        who = (far["person"] == far["person"].iloc[0]) & (far["session"] == far["session"].iloc[0])
        of_one = far[who].sort_values("age", kind="stable").iloc[[0, -1]]
        years = float(of_one["age"].iloc[1] - of_one["age"].iloc[0])
        first, other = sorted(of_one["line"])
        raise InputError(
            f"lines {first} and {other} of {path} are of one person and session by their id, but "
            f"{years:.3g} years apart in age",
            "give two people two ids, or two visits two sessions",
        )


def _check_sexes(scans: pd.DataFrame, path: Path) -> None:
    known = scans[scans["sex"] != ""]
    sexes = known.groupby("person")["sex"].transform("nunique")
    if (sexes > 1).any():
        of_one = known[known["person"] == known["person"][sexes > 1].iloc[0]]
        first, *_ = of_one["line"][of_one["sex"] == "F"]
        other, *_ = of_one["line"][of_one["sex"] == "M"]
        raise InputError(
            f"lines {min(first, other)} and {max(first, other)} of {path} are of one person by "
            "their id, but name F and M",
            "give two people two ids, or mend the sex",
        )


def check_times(scans: pd.DataFrame, path: Path) -> None:
    """See that a person's age grows as time does: a gap needs the age at its own scan.

    ``years``: since the first scan. Raises InputError, which names the line, where it does not.
    """
    ordered = scans.sort_values(["person", "years"], kind="stable")
    grown = ordered["age"] - ordered.groupby("person")["age"].transform("first")
    off = (grown - ordered["years"]).abs() > MOST_AGE_DRIFT_YEARS
    if off.any():
        raise InputError(
            f"line {int(ordered['line'][off].iloc[0])} of {path}: the age does not grow as the "
            "time since the first scan does",
            "give the age at each scan, not that at the first, and the time in years",
        )
