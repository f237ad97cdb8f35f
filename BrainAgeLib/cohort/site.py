"""``brainage calibrate``: a site's deviation from the model's bias line, from healthy local people.

Estimates are shrunk towards the model by empirical Bayes: deviation d with standard error s is
multiplied by max(0, 1 - s^2 / d^2). It is the posterior mean under a normal prior around 0 whose
variance is chosen by maximum marginal likelihood, max(0, d^2 - s^2) (Morris 1983, doi
10.1080/01621459.1983.10477920; with regression coefficients: George and Foster 2000, doi
10.1093/biomet/87.4.731). What is shrunk stays within one standard error of the estimate, so the
interval of the estimate holds it. Ages are centred: offset and slope are independent estimates.
Where ages are so alike that noise alone makes a slope that no scanner has, it stays the model's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from BrainAgeLib.codec import to_plain, to_text
from BrainAgeLib.cohort.beside import RecordsBeside
from BrainAgeLib.cohort.sequences import beside_plain_t1, finding_codes
from BrainAgeLib.cohort.site_checks import decide_slope, far_from_others, kinds, places
from BrainAgeLib.cohort.table import (
    OTHER_SEQUENCE,
    AnalysisTable,
    Exclusion,
    counted,
    first_scans,
    later_scans,
    of_group,
    read_table,
)
from BrainAgeLib.cohort.table_checks import MODEL_HINT, check_model, check_people
from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.model.calibration import MOST_OF_FEW_SLICES
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.site import (
    FEWEST_PEOPLE,
    MOST_SLOPE,
    SiteCalibration,
    SiteLine,
    SiteModel,
)
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.wording import scans_in_words
from BrainAgeLib.software import software_record
from BrainAgeLib.statistics import QUANTILES
from BrainAgeLib.whole_file import write_atomically

if TYPE_CHECKING:
    import pandas as pd

LEAST_PEOPLE = 20
LINE = "de-lange-cole"  # the card's line of the gap, which the deviation is measured from
LEAST_SCATTER_YEARS = 1e-3
MOST_SLOPE_ERROR = MOST_SLOPE / 2  # with it 95 % intervals are wider than any slope
METHOD = (
    "Least squares of each person's gap less the model's line, on centred age; 95 % t intervals; "
    "each coefficient d with standard error s is multiplied by max(0, 1 - s^2 / d^2), empirical "
    "Bayes (Morris 1983; George and Foster 2000)."
)


@dataclass(frozen=True)
class Deviation:
    """An estimated deviation from the model's line, and what is kept of it (0-1)."""

    value: float
    standard_error: float
    low: float
    high: float
    kept: float

    @property
    def applied(self) -> float:
        """The estimate after shrinkage."""
        return self.kept * self.value


@dataclass(frozen=True)
class SiteFit:
    """A fitted deviation: offset in years at ``mean_age_years``, slope in years a year.

    ``expected_sd_years``: the scatter that the model's interval within one scanner allows for.
    ``deciding_lines``: of the table, on whose age alone the slope hangs. ``places``: of which
    scanners and the like there are several, in words. ``left_out``: the scans of the table that do
    not count, those of other groups aside.
    """

    offset_years: Deviation
    slope: Deviation
    residual_sd_years: float
    expected_sd_years: float
    people: int
    age_range_years: tuple[float, float]
    mean_age_years: float
    classes: tuple[str, ...]
    brain_extracted: tuple[bool | None, ...] = ()
    outlying_lines: tuple[int, ...] = ()
    deciding_lines: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    left_out: tuple[Exclusion, ...] = ()

    @property
    def tells_slope(self) -> bool:
        """Whether the ages are far enough from each other for a slope."""
        return self.slope.standard_error <= MOST_SLOPE_ERROR


def kept_fraction(value: float, standard_error: float) -> float:
    """Return the fraction of an estimate that empirical Bayes keeps, see above."""
    return 0.0 if value == 0 else max(0.0, 1.0 - (standard_error / value) ** 2)


def fit_deviation(
    ages_years: np.ndarray, deviations_years: np.ndarray
) -> tuple[Deviation, Deviation, np.ndarray]:
    """Return offset at the mean age, slope and residuals of (person,) deviations.

    Raises ValueError for fewer than three people or all of one age.
    """
    from scipy.stats import t

    count = len(ages_years)
    if count < FEWEST_PEOPLE or np.ptp(ages_years) == 0:
        raise ValueError("a line needs three people of different ages")
    centred = ages_years - ages_years.mean()
    square = float((centred**2).sum())
    offset = float(deviations_years.mean())
    slope = float(centred @ deviations_years) / square
    residuals = deviations_years - offset - slope * centred
    spread = math.sqrt(float((residuals**2).sum()) / (count - 2))
    quantile = float(t.ppf(QUANTILES[1], count - 2))

    def deviation(value: float, error: float) -> Deviation:
        ends = value - quantile * error, value + quantile * error
        return Deviation(value, error, *ends, kept_fraction(value, error))

    tilt = deviation(slope, spread / math.sqrt(square))
    if tilt.standard_error > MOST_SLOPE_ERROR:
        tilt = replace(tilt, kept=0.0)
    return deviation(offset, spread / math.sqrt(count)), tilt, residuals


def fit_site(path: Path, card: Card, group: str | None = None, force: bool = False) -> SiteFit:
    """Fit the healthy people of a results table, one T1 scan each.

    Raises InputError when the table cannot be read, holds several groups and none is named, comes
    from another model, or has fewer than 20 people (3 with ``force``).
    """
    scans, left_out = _t1_scans(path, group, card)
    check_model(scans, card, path)
    _check_people(len(scans), counted(left_out).get(OTHER_SEQUENCE, 0), path, force)
    ages = scans["age"].to_numpy(float)
    if np.ptp(ages) == 0:
        raise InputError(f"all people of {path} have one age", "give people of different ages")
    classes, lines, expected_sds = _bundled(scans, card)
    expected = lines[:, 0] * ages + lines[:, 1]
    offset, slope, residuals = fit_deviation(ages, scans["gap_years"].to_numpy(float) - expected)
    if np.abs(residuals).max() < LEAST_SCATTER_YEARS:
        raise InputError(
            f"the gaps of the people of {path} lie on one line, so nothing tells how sure it is",
            "give the table as brainage batch wrote it",
        )
    records, line_of = RecordsBeside(path), scans["line"]
    return SiteFit(
        offset,
        slope,
        math.sqrt(float((residuals**2).sum()) / (len(ages) - 2)),
        math.sqrt(float((expected_sds**2).mean())),
        len(ages),
        (float(ages.min()), float(ages.max())),
        float(ages.mean()),
        classes,
        kinds(scans, records, card),
        tuple(map(int, line_of[far_from_others(ages, residuals)])),
        tuple(map(int, line_of[decide_slope(ages)])),
        places(scans, records),
        left_out,
    )


def _t1_scans(
    path: Path, group: str | None, card: Card
) -> tuple[pd.DataFrame, tuple[Exclusion, ...]]:
    """Return the first plain T1 of each healthy person, and what else there is of these people."""
    table = read_table(path, beside_plain_t1(card.calibration.sequences))
    check_people(table.scans, table.again, path)
    left_out = [one for one in table.exclusions if group in (None, one.group)]
    if OTHER_SEQUENCE in counted(left_out) and group not in {None, *table.scans["group"]}:
        return table.scans[:0], tuple(left_out)  # the group is there, and has no T1
    scans = healthy(table, path, group).scans
    return first_scans(scans), (*left_out, *later_scans(scans))


def _check_people(people: int, others: int, path: Path, force: bool) -> None:
    least = FEWEST_PEOPLE if force else LEAST_PEOPLE
    if people < least:
        why = f" ({scans_in_words(others)} {OTHER_SEQUENCE} left out)" if others else ""
        raise InputError(
            f"{path} has {people} people with {'a T1 scan, ' if others else ''}an age and a brain "
            f"age{why}; a site calibration needs {least}",
            f"scan more healthy people{' with T1' if others else ''}"
            + ("" if force else f", or insist with --force, which takes {FEWEST_PEOPLE}"),
        )


def healthy(table: AnalysisTable, path: Path, group: str | None) -> AnalysisTable:
    """Return the scans of the named group; without a name there may be only one group."""
    groups = sorted(set(table.scans["group"]))
    if group is None and len(groups) > 1:
        raise InputError(
            f"{path} holds several groups: {', '.join(name or '(none)' for name in groups)}",
            "name that of the healthy people with --group",
        )
    return table if group is None else of_group(table, path, group)


def _bundled(scans: pd.DataFrame, card: Card) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the acquisition classes, each person's line of the model (person, 2), and scatter.

    The line's slope comes first, then its intercept. Scatter (person,): the SD in years that the
    interval allows for. A part of the brain, as the findings tell, counts as few slices, however
    few; a spacing that is not known is in the first class.
    """
    enough = max(entry.least_slices for entry in card.calibration.classes)
    names, lines, half_widths = [], [], []
    for row in scans.to_dict("records"):
        count = MOST_OF_FEW_SLICES if FindingCode.PART_OF_BRAIN in finding_codes(row) else enough
        entry = card.class_of(count, float(np.nan_to_num(row["slice_spacing_mm"])))
        line = next((item for item in entry.corrections if item.method == LINE), None)
        if line is None:
            raise InputError(f"the model has no line {LINE} for {entry.name}", MODEL_HINT)
        names.append(entry.name)
        lines.append((line.slope, line.intercept))
        half_widths.append(entry.half_width_years(row["brain_age_years"]))
    sds = NormalDist().inv_cdf(0.5 + card.calibration.interval_level / 2)
    return tuple(dict.fromkeys(names)), np.array(lines), np.array(half_widths) / sds


def site_calibration(fit: SiteFit, card: Card, site: str) -> SiteCalibration:
    """Return the calibration of a site. Raises InputError for one that could not be used."""
    software = software_record()
    try:
        return SiteCalibration(
            schema_version="1",
            kind="brainage site calibration",
            notice=NOTICE,
            site=site,
            model=SiteModel(card.name, card.version, card.sha256),
            people=fit.people,
            age_range_years=fit.age_range_years,
            mean_age_years=fit.mean_age_years,
            classes=fit.classes,
            applied=SiteLine(fit.offset_years.applied, fit.slope.applied),
            estimated={
                "offset_years": to_plain(fit.offset_years),
                "slope": to_plain(fit.slope),
                "residual_sd_years": fit.residual_sd_years,
            },
            method=METHOD,
            software={"name": software.name, "version": software.version},
            brain_extracted=fit.brain_extracted[0] if len(fit.brain_extracted) == 1 else None,
        )
    except ValueError as error:
        raise InputError(
            f"this is not a site calibration that could be used: {error}",
            "look at the people's ages and brain ages first, and whether each is that person's",
        ) from error


def write_site(calibration: SiteCalibration, path: Path) -> None:
    """Write the calibration, all of it or nothing. Raises InputError when there is no folder."""
    if not path.parent.is_dir() or path.is_dir():
        raise InputError(f"{path} cannot be written", "name a file in a folder that is there")
    write_atomically(path, to_text(calibration).encode())
