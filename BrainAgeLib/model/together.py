"""One age of several: what the scans of one session in T1, T2 and FLAIR say together.

The sequences of one session show the same brain on the same day, so that part of what each age errs
by is its own and goes away in a weighted mean. Which sets of sequences gain by it, and the weights,
stand in the card. The picture tells what a scan is, never its header.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.model.calibration import SequencesTogether, corrected_brain_age
from BrainAgeLib.model.card import Calibration, Card
from BrainAgeLib.records import Correction, IntervalCovers, Prediction, SequenceName, Verdict

VERDICTS: tuple[Verdict, ...] = ("pass", "warn", "refuse")  # the better before the worse
_NO_WHOLE_BRAIN = frozenset({FindingCode.PART_OF_BRAIN, FindingCode.SLICE_HEIGHTS})
# Set by hand: a session may take some days; the next visit is farther away.
SAME_SESSION_YEARS = 0.1
# Only forced ages have it: as the sequence that the picture shows they were not read.
_NOT_READ_AS_SHOWN = frozenset({FindingCode.NOT_T1, FindingCode.NOT_AS_SAID})
# Of what a site's calibration does not cover, so that there is one: every T2w and FLAIR scan.
_NOT_OF_SITE = frozenset({FindingCode.SITE_AGE_RANGE, FindingCode.SITE_ACQUISITION})


@dataclass(frozen=True)
class ScanAge:
    """What an age of several sequences takes of one scan; ages in years.

    ``sequence``: as the picture tells it; what it does not tell was read as a T1. ``upper_years``:
    the upper end of its interval. ``model``: version and sha256, since the experts of other
    sequences are told by the version alone. ``can_be_joined``: whether there is an age, with an
    interval, of a whole brain. ``correction``: the line of its corrected age, if it has one.
    ``has_site``: whether a site's calibration was asked for, whatever it says of this scan.
    """

    sequence: SequenceName
    verdict: Verdict
    model: tuple[str, str]
    brain_age_years: float | None
    upper_years: float | None
    covers: IntervalCovers | None
    age_years: float | None
    correction: Correction | None
    can_be_joined: bool
    has_site: bool = False


@dataclass(frozen=True)
class AgeTogether:
    """The brain age that several sequences of one session make together, in years.

    ``brain_age_years``: raw, the sum of ``fractions`` times the raw age of each sequence.
    ``sequences``: of the scans that it is made of; one of them that adds nothing has no fraction,
    and what could not be joined is none of them. ``interval_years``, ``interval_covers``: as of a
    scan. ``corrected_brain_age_years``: None where one that counts has none, and under a site's
    calibration: sites know of T1 scans alone. ``verdict``: the worst of the scans; ``refuse`` where
    one of the ages was forced.
    """

    brain_age_years: float
    interval_years: tuple[float, float]
    interval_covers: IntervalCovers | None
    chronological_age_years: float | None
    corrected_brain_age_years: float | None
    sequences: tuple[SequenceName, ...]
    fractions: dict[str, float]
    verdict: Verdict

    @property
    def gap_years(self) -> float | None:
        """Raw brain age minus chronological age."""
        age_years = self.chronological_age_years
        return None if age_years is None else self.brain_age_years - age_years

    @property
    def corrected_gap_years(self) -> float | None:
        """Corrected brain age minus chronological age."""
        corrected, age_years = self.corrected_brain_age_years, self.chronological_age_years
        return None if corrected is None or age_years is None else corrected - age_years


def together(
    predictions: Sequence[Prediction], model: str | os.PathLike[str] | None = None
) -> AgeTogether | None:
    """Return the age that scans of one person and one session make together.

    ``predictions``: of :func:`BrainAgeLib.predict`, each of another sequence, as their ``sequence``
    says. ``model``: the one that made them, a name or a folder; None takes the bundled one. What
    has no age or is not of a whole brain is left out, ``sequences`` names the others. None where
    the model's card does not know those together. Raises InputError for two of one sequence, of
    another model, or of people of different ages or sexes, and for what is no prediction.
    """
    from BrainAgeLib.model.ensemble import load_ensemble

    if not all(isinstance(each, Prediction) for each in predictions):
        raise InputError("these are no predictions", "give what BrainAgeLib.predict returns")
    card = load_ensemble(None if model is None else os.fspath(model)).card
    ages = [scan_age(prediction) for prediction in predictions]
    names = [age.sequence for age in ages]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"several scans are {', '.join(sorted(twice))}, by the picture",
            "give one of each sequence: two of one sequence are not put together",
        )
    if any(age.model != (card.version, card.sha256) for age in ages):
        raise InputError(
            f"these ages were not all made by the model {card.name} {card.version}",
            "give the model that made them, or predict again",
        )
    differ = what_differs([age.age_years for age in ages], [one.sex for one in predictions])
    if differ:
        raise InputError(
            f"these scans are of different {differ}",
            "give scans of one person and one session; brainage follow compares dates",
        )
    return age_together(ages, card)


def what_differs(ages_years: Iterable[float | None], sexes: Iterable[str | None]) -> str | None:
    """Return what says that scans are not of one person and session: ``ages``, ``sexes``."""
    known = [years for years in ages_years if years is not None]
    if known and max(known) - min(known) > SAME_SESSION_YEARS:
        return "ages"
    return "sexes" if len(set(filter(None, sexes))) > 1 else None


def scan_age(prediction: Prediction) -> ScanAge:
    """Return what an age of several sequences takes of one scan."""
    age_years, interval = prediction.brain_age_years, prediction.interval_years
    codes = {finding.code for finding in prediction.quality.findings}
    return ScanAge(
        prediction.sequence or "T1w",
        prediction.quality.verdict,
        (prediction.model.version, prediction.model.sha256),
        age_years,
        interval[1] if interval else None,
        prediction.interval_covers,
        prediction.chronological_age_years,
        prediction.correction,
        age_years is not None
        and interval is not None
        and not codes & (_NO_WHOLE_BRAIN | _NOT_READ_AS_SHOWN),
        bool(codes & _NOT_OF_SITE)
        or prediction.interval_covers == "this site"
        or (prediction.correction is not None and prediction.correction.site is not None),
    )


def why_not_joined(age: ScanAge, card: Card) -> str | None:
    """Return why an age is in none of several sequences, in words; None where it may be."""
    if age.model != (card.version, card.sha256):
        return f"is of another model than {card.name} {card.version}"
    if not age.can_be_joined:
        return f"is of no whole brain, or not read as {age.sequence}"
    if not any(age.sequence in one.sequences for one in card.calibration.together):
        return "is of a sequence that the model's card knows with no other"
    return None


def is_best_alone(age: ScanAge, card: Card) -> bool:
    """Say whether an age is of a whole T1 that no set of the card has: none surely errs less."""
    if age.sequence != "T1w" or not age.can_be_joined:
        return False
    return not any("T1w" in one.sequences for one in card.calibration.together)


def age_together(ages: Sequence[ScanAge], card: Card) -> AgeTogether | None:
    """Return what one scan of each of these sequences says together; None where nothing can be.

    That is: where the card does not know those sequences together that can be joined, or there is
    a T1 that is best alone.
    """
    if any(is_best_alone(age, card) for age in ages):
        return None
    ages = [age for age in ages if why_not_joined(age, card) is None]
    by_sequence = {age.sequence: age for age in ages}
    known = card.calibration.together_of(by_sequence)
    if known is None or len(by_sequence) < len(ages):
        return None
    raw: dict[str, float] = {age.sequence: age.brain_age_years or 0.0 for age in ages}
    age_years = sum(part * raw[name] for name, part in known.fractions.items())
    half = known.entry.half_width_years(age_years) * _widening(ages, known, card.calibration)
    if not math.isfinite(half):
        return None
    own_years = next((age.age_years for age in ages if age.age_years is not None), None)
    correction = _correction(ages, known)
    return AgeTogether(
        age_years,
        # Nothing limits what models say; an interval holds it all the same.
        (min(age_years, max(0.0, age_years - half)), age_years + half),
        _covers([age.covers for age in ages]),
        own_years,
        None if correction is None else corrected_brain_age(age_years, own_years, correction),
        known.sequences,
        dict(known.fractions),
        max((age.verdict for age in ages), key=VERDICTS.index),
    )


def _widening(ages: Sequence[ScanAge], known: SequencesTogether, calibration: Calibration) -> float:
    """Return how many times wider than usual the intervals are of which the age is made.

    Their upper half: the lower one is cut at 0.
    """
    halves = usual = 0.0
    for age in ages:
        part, years = known.fractions.get(age.sequence, 0.0), age.brain_age_years or 0.0
        halves += part * ((age.upper_years or years) - years)
        usual += part * calibration.usual_half_width_years(age.sequence, years)
    return halves / usual


def _covers(covers: Sequence[IntervalCovers | None]) -> IntervalCovers | None:
    """Return which scanners the interval speaks of: no more than the narrowest of them."""
    if None in covers:
        return None
    return "this site" if "this site" in covers else "any scanner"


def _correction(ages: Sequence[ScanAge], known: SequencesTogether) -> Correction | None:
    """Return the line of the scans' method for ages of these sequences; None under a site.

    Every scan that counts has one, or there is none: one of them may be outside its line's ages.
    """
    used = [age.correction for age in ages if age.sequence in known.fractions]
    if any(age.has_site for age in ages):
        return None
    methods = {None if line is None else line.method for line in used}
    return next((one for one in known.entry.corrections if {one.method} == methods), None)
