"""From a raw age to an interval, a corrected gap and a percentile.

What is applied here was fitted on predictions of healthy people by models that had not seen them:
out of fold in training, or on scanners that nobody of the training was on. Only the curve by age
makes the raw age; nothing else changes it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from BrainAgeLib.records import Correction, SequenceName
from BrainAgeLib.statistics import Accuracy

NEIGHBOURS = 100  # people nearest in age that a gap is ranked among, so that ranks are percents

LEAST_OF_WHOLE_BRAINS = 10  # slices in view that the classes of whole brains begin at: set by hand
MOST_OF_FEW_SLICES = LEAST_OF_WHOLE_BRAINS - 1
MOST_SCAN_ERROR_YEARS = 50.0  # more is a slip of the pen


@dataclass(frozen=True)
class AgeCurve:
    """From what the models say together to the raw age, which leans less towards the middle.

    ``said_years`` and ``age_years`` rise; between them and beyond the curve is straight. Fitted on
    people whom the models had not seen.
    """

    said_years: tuple[float, ...]
    age_years: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for a curve that does not rise."""
        said, ages = list(self.said_years), list(self.age_years)
        rises = said == sorted(set(said)) and ages == sorted(set(ages))
        if not rises or len(said) != len(ages) or len(said) < 2:
            raise ValueError("the curve by age does not rise")

    def __call__(self, said_years: float) -> float:
        """Return the raw age."""
        said, ages = self.said_years, self.age_years
        part = min(max(bisect_right(said, said_years), 1), len(said) - 1)
        slope = (ages[part] - ages[part - 1]) / (said[part] - said[part - 1])
        return ages[part - 1] + slope * (said_years - said[part - 1])


@dataclass(frozen=True)
class TightCurve:
    """The curve by age of brains that were stripped tight, and by what these are told.

    ``loose``, ``tight``: what part of a brain harmonisation had to fill in, 0-1, at most of loose
    strips and at least of tight ones. Between these the ages by both curves are mixed, so that no
    scan's age jumps.
    """

    curve: AgeCurve
    loose: float
    tight: float

    def __post_init__(self) -> None:
        """Raise ValueError for strips that cannot be told apart."""
        if not 0 <= self.loose < self.tight <= 1:
            raise ValueError("tight strips are not told from loose ones")

    def __call__(self, said_years: float, loose_age_years: float, filled_in: float) -> float:
        """Return the raw age of a strip, where that of a loose one would be ``loose_age_years``."""
        share = min(max((filled_in - self.loose) / (self.tight - self.loose), 0.0), 1.0)
        return (1 - share) * loose_age_years + share * self.curve(said_years)


@dataclass(frozen=True)
class AcquisitionClass:
    """Scans that share one calibration.

    A scan belongs to the first class in a card whose limits it meets: at least ``least_slices``
    slices that show brain, at most ``most_spacing_mm`` between slice centres.
    ``half_width_factor``: half the interval's width in units of the expected error, which is
    ``scales_years`` at the predicted ages ``scale_ages_years`` and linear between them.
    """

    name: str
    least_slices: int
    most_spacing_mm: float
    half_width_factor: float
    scale_ages_years: tuple[float, ...]
    scales_years: tuple[float, ...]
    people: int
    corrections: tuple[Correction, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for expected errors that do not belong to rising ages."""
        ages = list(self.scale_ages_years)
        if not ages or len(ages) != len(self.scales_years) or ages != sorted(set(ages)):
            raise ValueError("the expected errors do not fit their ages")

    def half_width_years(self, predicted_years: float) -> float:
        """Return half the interval's width around a predicted age."""
        scale = np.interp(predicted_years, self.scale_ages_years, self.scales_years)
        return self.half_width_factor * float(scale)


@dataclass(frozen=True)
class SequenceCalibration:
    """How an age is read that comes of another sequence than T1.

    ``curve``: makes the raw age of what the models say, as that of the blend does for a T1.
    ``entry``: interval and corrections. Both were fitted on simulated scans. ``real_widening``: how
    many times wider the interval is since real scans stray farther from the T1 of their session
    than simulated ones; ``real_scans``: of how many that is known. ``validation``, ``held_out``:
    raw error on simulated scans, out of fold. ``shown_by``: sha256 of the network of
    ``template.sequences`` that showed them as a T1.
    """

    curve: AgeCurve
    entry: AcquisitionClass
    shown_by: str
    real_widening: float
    real_scans: int
    validation: Accuracy | None = None
    held_out: Accuracy | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an interval that real scans would make narrower."""
        if not self.real_widening >= 1:
            raise ValueError("the interval cannot be narrower for real scans")


@dataclass(frozen=True)
class SequencesTogether:
    """How the raw ages of several sequences of one session make one age.

    ``sequences``: of the scans that there are, each once. ``fractions``: how much the age of each
    counts, 0-1, chosen by the error of people who are not held out; a sequence that adds nothing is
    not among them. ``entry``: interval and corrections of what comes of it. ``validation``,
    ``held_out``: its raw error on simulated scans, out of fold.
    """

    sequences: tuple[SequenceName, ...]
    fractions: dict[str, float]
    entry: AcquisitionClass
    validation: Accuracy | None = None
    held_out: Accuracy | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for fractions that do not make one age of several."""
        names, parts = set(self.sequences), self.fractions
        if len(names) < 2 or len(names) < len(self.sequences) or not set(parts) <= names:
            raise ValueError(f"an age cannot be made of {sorted(parts)} where there are {names}")
        is_whole = math.isclose(sum(parts.values()), 1.0, abs_tol=1e-6)
        if not is_whole or len(parts) < 2 or min(parts.values()) <= 0:
            raise ValueError(f"fractions of an age cannot be {list(parts.values())}")


@dataclass(frozen=True)
class UnseenScanner:
    """How many times wider the interval is for a scanner that nobody of the training was on.

    ``whole_head``: for heads, whose brain this program extracts. ``stripped``: for brains that
    something else extracted, tight or loose. Fitted on the errors of ``people`` of ``scanners``
    by models that saw nobody of theirs.
    """

    whole_head: float
    stripped: float
    people: int
    scanners: int
    described_as: str

    def __post_init__(self) -> None:
        """Raise ValueError for an interval that would be narrower on a scanner never seen."""
        if min(self.whole_head, self.stripped) < 1:
            raise ValueError("the interval cannot be narrower for a scanner that nobody was on")

    def factor(self, has_no_skull: bool) -> float:
        """Return by what the interval's width is multiplied."""
        return self.stripped if has_no_skull else self.whole_head


@dataclass(frozen=True)
class ScanError:
    """How far the ages of one person lie apart that come of nothing but scanning again.

    ``sd_years``: standard deviation of the raw age of one scan, within a person, of ``people`` with
    ``scans`` each.
    """

    sd_years: float
    people: int
    scans: int
    described_as: str

    def __post_init__(self) -> None:
        """Raise ValueError for an error that cannot be."""
        if not 0 < self.sd_years < MOST_SCAN_ERROR_YEARS:
            raise ValueError(f"the error of a scan cannot be {self.sd_years:g} years")


@dataclass(frozen=True)
class DecadeCoverage:
    """How often the interval holds the age of people of one decade, 0-1."""

    people: int
    coverage: float
    exact_interval: tuple[float, float]


@dataclass(frozen=True)
class IntervalCoverage:
    """How often the interval holds the age, 0-1, and how wide it is."""

    people: int
    coverage: float
    exact_interval: tuple[float, float]
    mean_width_years: float
    by_decade: dict[str, DecadeCoverage]


def corrected_brain_age(
    predicted_years: float, age_years: float | None, correction: Correction
) -> float | None:
    """Return the corrected brain age, or None where the correction says nothing.

    That is: without a chronological age (a correction is about the gap), and outside the ages that
    the line was fitted on, where it would be an extrapolation.
    """
    if age_years is None:
        return None
    low, high = correction.age_range_years
    if not low <= age_years <= high:
        return None
    if correction.method == "cole":
        return (predicted_years - correction.intercept) / correction.slope
    return predicted_years - (correction.slope * age_years + correction.intercept)


def gap_percentile(
    gap_years: float,
    age_years: float,
    ages_years: Sequence[float],
    predicted_years: Sequence[float],
) -> float | None:
    """Return the share (0-100) of healthy people of about that age whose gap is smaller.

    Ranked among the people nearest in age; None outside the ages of the reference.
    """
    ages, predicted = np.asarray(ages_years), np.asarray(predicted_years)
    if len(ages) < NEIGHBOURS or not ages.min() <= age_years <= ages.max():
        return None
    nearest = np.argsort(np.abs(ages - age_years), kind="stable")[:NEIGHBOURS]
    gaps = (predicted - ages)[nearest]
    smaller = (gaps < gap_years).sum() + 0.5 * (gaps == gap_years).sum()
    return float(100.0 * smaller / NEIGHBOURS)
