"""What an expert would look at in the healthy people of a site before using their calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.cohort.beside import RecordsBeside
from BrainAgeLib.cohort.cautions import PLACES
from BrainAgeLib.cohort.sequences import finding_codes
from BrainAgeLib.cohort.table_checks import MODEL_HINT
from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.statistics import SD_OF_MEDIAN_SIZE
from BrainAgeLib.tables.cells import NOT_KNOWN

if TYPE_CHECKING:
    import pandas as pd

    from BrainAgeLib.model.card import Card

OUTLIER_SDS = 5.0  # a healthy site of 100 has none
CHANCE = 0.01  # of saying so of a healthy site: set by hand
# A person who counts more in the slope than all others together, and is farther from them than half
# their range. Of ten people one site in ten has one by chance. Set by hand
DECIDES, FAR, FEWEST_TO_DECIDE_AMONG = 0.5, 0.5, 15
MOST_NAMED = 5


def far_from_others(ages_years: np.ndarray, residuals_years: np.ndarray) -> np.ndarray:
    """Return whose residual (person,) from the line of all is far from all others'.

    Either as it is, beside the median size of all, or from the line of the others: one wrong age
    far from all other ages pulls the line to itself and is hidden by it.
    """
    from scipy.stats import t

    off = residuals_years - np.median(residuals_years)
    scale = SD_OF_MEDIAN_SIZE * float(np.median(np.abs(off)))
    far = np.abs(off) > OUTLIER_SDS * max(scale, 1e-9)
    freedom = len(ages_years) - 3
    if freedom < 1:
        return np.asarray(far)
    rest = 1 - leverage(ages_years)
    squares = (residuals_years**2).sum() - residuals_years**2 / np.maximum(rest, 1e-9)
    error = np.sqrt(np.maximum(squares, 1e-18) / freedom * np.maximum(rest, 1e-9))
    p = 2 * t.sf(np.abs(residuals_years) / error, freedom)
    return np.asarray(far | ((p < CHANCE / len(ages_years)) & (rest > 1e-9)))


def leverage(ages_years: np.ndarray) -> np.ndarray:
    """Return how much each person's own value counts in the line at their age (person,), 0-1."""
    centred = ages_years - ages_years.mean()
    return np.asarray(1 / len(centred) + centred**2 / (centred**2).sum())


def decide_slope(ages_years: np.ndarray) -> np.ndarray:
    """Return on whose age (person,) alone the slope hangs: nobody's, or one person's."""
    squares = (ages_years - ages_years.mean()) ** 2
    decides = squares > DECIDES * squares.sum()
    others = ages_years[~decides]
    if len(ages_years) < FEWEST_TO_DECIDE_AMONG or not decides.any():
        return np.zeros(len(ages_years), bool)
    away = np.maximum(ages_years - others.max(), others.min() - ages_years)
    return np.asarray(decides & (away > FAR * np.ptp(others)))


def scatter_more(sd_years: float, expected_sd_years: float, people: int) -> bool:
    """Say whether people scatter around their own line by more than is expected, chance aside."""
    from scipy.stats import chi2

    freedom = people - 2
    return bool(chi2.sf(freedom * (sd_years / expected_sd_years) ** 2, freedom) < CHANCE)


def places(scans: pd.DataFrame, records: RecordsBeside) -> tuple[str, ...]:
    """Return in what places and machines the scans differ, in words: "scanner (A, B)"."""
    rows = scans.to_dict("records")
    values = {
        str(name): [str(row[name]).strip() for row in rows]
        for name in scans.columns
        if str(name).lower() in PLACES
    }
    if "scanner" not in map(str.lower, values):
        found = [records.of(row["path"], row["brain_age_years"]) for row in rows]
        values["scanner"] = [one.acquisition.scanner or "" for one in found if one]
    said = []
    for name, each in values.items():
        differing = sorted({one for one in each if one.lower() not in NOT_KNOWN})
        if len(differing) > 1:
            listed = ", ".join(map(printable, differing[:MOST_NAMED]))
            more = len(differing) - MOST_NAMED
            said.append(f"{name} ({listed}{f' and {more} more' if more > 0 else ''})")
    return tuple(said)


def kinds(scans: pd.DataFrame, records: RecordsBeside, card: Card) -> tuple[bool | None, ...]:
    """Return the kinds of scans that there are: without their skull or not, None for not known.

    As with one scan, what the gate finds to have no skull has none, said so or not.
    Raises InputError where the records tell of another model of this name and version.
    """
    found: list[bool | None] = []
    for row in scans.to_dict("records"):
        record = records.of(row["path"], row["brain_age_years"])
        if record is not None and record.model.sha256 != card.sha256:
            raise InputError(f"the ages are by other weights of {card.name}", MODEL_HINT)
        kind = None if record is None else record.input.brain_extracted
        found.append(True if FindingCode.NO_SKULL in finding_codes(row) else kind)
    return tuple(dict.fromkeys(found))
