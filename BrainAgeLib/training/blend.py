"""How ages by kind become one: fractions and a curve, by people that no model has seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from BrainAgeLib.model.calibration import AgeCurve, TightCurve
from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK, Blend
from BrainAgeLib.model.weights import KINDS
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    SEQUENCE_OF,
    SEQUENCE_PROTOCOLS,
    SOME_SLICES,
    Row,
)
from BrainAgeLib.training.simulate import TIGHT_PROTOCOL

# Set by hand: points of the curve by age, between the 1st and the 99th percentile of the ages.
CURVE_POINTS = 15
# How much of the leaning towards the middle the curve takes back, from 0 to 1: set by hand. Of a T1
# with two other sites in view (docs/model.md): more than half costs 0.1 years of error at home, all
# of it 0.3, and 0.2 on loose brains of IXI; on OASIS-1, where models lean farther, it takes 0.6.
STRAIGHTENED = 0.75
STRAIGHTENED_OF_OTHERS = 0.5
# Beyond what is said on average of the youngest and the oldest hundredth there is nobody to fit it
# on but those of whom too little or too much was said: with all of the slope some of 18 came out at
# 10. Half is by hand, between all and none. It took the raw error of thick-slice 6 out of fold, of
# the people that choices look at, from 4.93 to 4.86 years; those at the ends lean a little more.
BEYOND_THE_ENDS = 0.5
LONG_WAY_YEARS = 50.0  # farther than anything is said
LEAST_SLOPE = 1 / 3  # of what is said by age, or those beyond the ends would get any age
# Strips are told by what 95 of 100 loose ones have at most and tight ones at least: set by hand.
TOLD_SHARE = 0.95
LEAST_OF_A_CURVE = 10  # people stripped tight
LEAST_APART = 0.005  # or a little more that is filled in would move an age by a year
FRACTION_STEPS = 10  # fractions of a blend are tried in tenths: set by hand
# Of other sequences than T1, set by hand with real scans in view (docs/model.md): simulated scans,
# which are all that could choose, lean to the experts, and in FLAIR these stray most on real ones.
OWN_BLEND = {OWN_EXPERTS: 0.5, OWN_NETWORK: 0.5}


def choose_blend(rows: list[Row], other_sites: Sequence[list[Row]] = ()) -> Blend:
    """Return the blend with the least raw error of the validation people.

    ``other_sites``: rows of the people of other sites, a list each, by members that saw nobody of
    theirs; held-out people do not count there either. Every site counts as much, since a kind of
    model that is best at home need not be so on a scanner that it never saw. The curve by age is of
    the validation people at home. What other sequences are read by is not chosen, see
    ``OWN_BLEND``. Raises ValueError where nobody is left to choose by.
    """
    validation, *others = (
        [row for row in site if not row.held_out] for site in (rows, *other_sites)
    )
    whole_brain, part_of_brain = (
        _best_fractions(
            [[row for row in site if row.protocol == protocol] for site in (validation, *others)],
            [name for name, kind in KINDS.items() if kind.reads_whole_brains == covers_brain],
        )
        for protocol, covers_brain in ((MAIN_PROTOCOL, True), (SOME_SLICES, False))
    )
    blend = Blend(whole_brain, part_of_brain, of_sequences=blends_of_sequences(rows))
    return with_curves(blend, validation)


def with_curves(blend: Blend, rows: Sequence[Row]) -> Blend:
    """Return a blend with the curves by age of these rows of scans that cover the brain.

    Brains stripped tight get one of their own where what was filled in tells them.
    """
    straight = replace(blend, curve=None, tight=None)
    loose, tight = (
        [row for row in rows if row.protocol == protocol and row.covers_brain]
        for protocol in (MAIN_PROTOCOL, TIGHT_PROTOCOL)
    )
    curve = fit_curve(*_said(straight, loose))
    return replace(straight, curve=curve, tight=_tight_curve(straight, loose, tight))


def _said(straight: Blend, rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return ages and what is said of them (row,), in years."""
    said = [straight.raw_age(row.by_kind, True) for row in rows]
    return np.array([row.age_years for row in rows]), np.array(said)


def _tight_curve(straight: Blend, loose: Sequence[Row], tight: Sequence[Row]) -> TightCurve | None:
    if len(tight) < LEAST_OF_A_CURVE:
        return None
    most = round(float(np.quantile([row.filled_in for row in loose], TOLD_SHARE)), 5)
    least = round(float(np.quantile([row.filled_in for row in tight], 1 - TOLD_SHARE)), 5)
    if most + LEAST_APART > least:
        return None
    return TightCurve(centred_curve(*_said(straight, tight)), most, least)


def blends_of_sequences(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return the fractions of the sequences that have models of their own, see ``OWN_BLEND``."""
    known = {row.protocol for row in rows if OWN_EXPERTS in row.by_kind}
    return {
        sequence: dict(OWN_BLEND)
        for sequence, protocol in SEQUENCE_PROTOCOLS.items()
        if protocol in known
    }


def fit_curve(
    ages_years: np.ndarray, said_years: np.ndarray, straightened: float = STRAIGHTENED
) -> AgeCurve:
    """Return what takes back the leaning towards the middle, or a share of it.

    ``ages_years``, ``said_years``: (person,). ``straightened``: the share, 0 to 1; with 1, people
    of every age come out right on average. A model with a squared loss leans towards the middle.
    What it says on average of people of an age is fitted by a cubic and turned round. Nothing is
    stretched to more than 1 + 2 x the share of its length, and beyond what is said of the youngest
    and oldest it goes on half as steeply.
    """
    mean_said = np.polynomial.Polynomial.fit(ages_years, said_years, 3)
    low, high = np.quantile(ages_years, (0.01, 0.99))
    ages = np.linspace(low, high, CURVE_POINTS)
    least = LEAST_SLOPE * ages
    rest = mean_said(ages) - least
    rising = (np.maximum.accumulate(rest) + np.minimum.accumulate(rest[::-1])[::-1]) / 2
    said = rising + least
    bent = straightened * ages + (1 - straightened) * said
    said, bent = _flatter_beyond(said, bent)
    return AgeCurve(tuple(said.round(3).tolist()), tuple(bent.round(3).tolist()))


def centred_curve(
    ages_years: np.ndarray, said_years: np.ndarray, straightened: float = STRAIGHTENED
) -> AgeCurve:
    """Return the curve of :func:`fit_curve`, with all of the mean error taken off before.

    It is for scans of which too much or too little is said on average.
    """
    offset = float(np.mean(said_years - ages_years))
    curve = fit_curve(ages_years, said_years - offset, straightened)
    return replace(curve, said_years=tuple(at + offset for at in curve.said_years))


def _flatter_beyond(said: np.ndarray, ages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (point,) of a curve with one more at each end, far away."""
    slopes = BEYOND_THE_ENDS * np.diff(ages)[[0, -1]] / np.diff(said)[[0, -1]]
    away = np.array([-LONG_WAY_YEARS, LONG_WAY_YEARS])
    far_said, far_ages = said[[0, -1]] + away, ages[[0, -1]] + slopes * away
    ends = [(far[:1], middle, far[1:]) for far, middle in ((far_said, said), (far_ages, ages))]
    return np.concatenate(ends[0]), np.concatenate(ends[1])


def _best_fractions(sites: Sequence[list[Row]], kinds: Sequence[str]) -> dict[str, float]:
    """Return the fractions, in steps, by which the kinds make up the best age; none that is 0.

    Scans that another kind than these speaks of, by what they cover, do not count.
    """
    sites = [[row for row in site if set(kinds) <= set(row.by_kind)] for site in sites]
    judged = [
        (
            np.array([[row.by_kind[kind] for kind in kinds] for row in site]),
            np.array([row.age_years for row in site]),
        )
        for site in sites
        if site
    ]
    if not judged:
        raise ValueError(f"there are no scans of {', '.join(kinds)} to choose a blend by")
    best = min(
        ways_to_share(len(kinds)),
        key=lambda steps: sum(_error(said, ages, steps) for said, ages in judged),
    )
    tenths = zip(kinds, best, strict=True)
    return {kind: step / FRACTION_STEPS for kind, step in tenths if step > 0}


def _error(said: np.ndarray, ages: np.ndarray, steps: tuple[int, ...]) -> float:
    return float(np.abs(said @ np.array(steps) / FRACTION_STEPS - ages).mean())


def ways_to_share(kinds: int) -> Iterator[tuple[int, ...]]:
    """Yield all ways to share the steps out among so many kinds."""
    for some in itertools.product(range(FRACTION_STEPS + 1), repeat=kinds - 1):
        if sum(some) <= FRACTION_STEPS:
            yield (*some, FRACTION_STEPS - sum(some))


def blended(rows: list[Row], blend: Blend) -> list[Row]:
    """Return the rows with the kinds' ages put together, as ``predict_age`` does.

    Those of other sequences are left as they are by the curve, since each has one of its own.
    """
    others = {p: blend.read_as(name, None) for p, name in SEQUENCE_OF.items()}
    raw_ages = (
        others.get(row.protocol, blend).raw_age(row.by_kind, row.covers_brain, row.filled_in)
        for row in rows
    )
    return [
        replace(row, predicted_years=round(age, 3)) for row, age in zip(rows, raw_ages, strict=True)
    ]
