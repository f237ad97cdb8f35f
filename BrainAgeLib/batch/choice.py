"""Which series of a study is the scan to predict from, and why.

A T1 goes before a T1 after contrast agent, and that before T2w and FLAIR, which are taken where a
study has nothing better; a sequence that was asked for decides instead, and each of them is taken
where each was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from BrainAgeLib.batch.series import (
    AFTER_AGENT,
    PROTON_DENSITY,
    T1,
    T2,
    T2_FLAIR,
    SeriesFacts,
    contrast_of,
)
from BrainAgeLib.records import Plane, SequenceName
from BrainAgeLib.scan.geometry import LEAST_SLICES_TO_REGISTER

NO_NATIVE_T1 = "no T1w scan from before the contrast agent"
# Taken where a study, or a session of a dataset, has no T1; the first of them that is there.
IN_PLACE_OF_T1: tuple[SequenceName, ...] = ("T2w", "FLAIR")
# In this order, where no sequence was asked for; what no header tells counts as a T1.
_PLACES: tuple[tuple[tuple[str, ...], SequenceName], ...] = (
    *(((T1, ""), "T1w"), ((AFTER_AGENT,), "T1w")),
    *(((T2,), "T2w"), ((T2_FLAIR,), "FLAIR")),
)
# What a scan is taken as where each sequence is asked for, by its place.
EACH_OF: tuple[SequenceName, ...] = ("T1w", "T1w after contrast", "T2w", "FLAIR")
EACH: Literal["each"] = "each"
Wish = SequenceName | Literal["each"]  # one sequence, or the best scan of each that is read
_ONLY_IF_ASKED: tuple[tuple[tuple[str, ...], SequenceName], ...] = (((PROTON_DENSITY,), "PDw"),)
_PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal", "3d")


@dataclass(frozen=True)
class Choice:
    """What is taken of one study; ``reasons``: of every series of it, why it is taken or not.

    ``taken`` is one series, or none; or several that cannot be read and may be what goes before
    all others: a row of the results has to say so. Where each sequence is asked for there are such
    for each. ``why``: why it is no T1 that was looked for and taken, or nothing.
    """

    taken: list[SeriesFacts]
    reasons: list[str]
    why: str = ""


def sequences_of(wish: Wish | None) -> tuple[SequenceName, ...]:
    """Return the sequences that a scan to take may be of; the first that is there is taken."""
    return ("T1w", *IN_PLACE_OF_T1) if wish is None or wish == EACH else (wish,)


def choose(
    series: Sequence[SeriesFacts], wish: Wish | None = None, beside: int | None = None
) -> Choice:
    """Return which series of one study is the scan to predict from.

    ``wish``: the sequence that was asked for. ``beside``: the place (``place_of``) of what is taken
    of the person's other studies; what comes after it is not taken here. Thick axial slices go
    first, then other planes, then 3D. Of equals the one wins whose header says most, then the one
    with more slices, then the first.
    """
    if wish == EACH:
        return _of_each(series)
    judged = [judge(facts, wish) for facts in series]
    fit = [n for n, (rank, _) in enumerate(judged) if rank is not None]
    best = min(fit, key=lambda n: (judged[n][0], n), default=None)
    best_place = None if best is None else place_of(series[best], wish)
    unread = _unreadable(series, wish, best_place)
    if best is None or unread:
        before = ", but what goes before it cannot be read"
        return Choice(
            unread, [reason if rank is None else reason + before for rank, reason in judged]
        )
    is_left = wish is None and beside is not None and beside < (best_place or 0)
    taken = wish or (_PLACES[beside or 0][1] if is_left else sequence_of(series[best]))
    reasons = [
        reason if rank is None else f"{reason}, but {_better(facts, taken)}"
        for facts, (rank, reason) in zip(series, judged, strict=True)
    ]
    if is_left:
        return Choice([], reasons)
    why = _why(series, best, wish)
    reasons[best] = "; ".join(filter(None, (judged[best][1], why)))
    return Choice([series[best]], reasons, why)


def _of_each(series: Sequence[SeriesFacts]) -> Choice:
    """Return the best series of each sequence, in the order of their places."""
    judged = [judge(facts) for facts in series]
    reasons = [
        reason if rank is None else f"{reason}, but another series fits better"
        for rank, reason in judged
    ]
    taken: list[SeriesFacts] = []
    for place in range(len(_PLACES)):
        of_place = [n for n, facts in enumerate(series) if place_of(facts) == place]
        fit = [(rank, n) for n in of_place if (rank := judged[n][0]) is not None]
        if fit:
            best = min(fit)[1]
            taken.append(series[best])
            reasons[best] = f"{judged[best][1]}; {asked_for(EACH)}"
        else:
            taken += [series[n] for n in of_place if series[n].complaint is not None]
    return Choice(taken, reasons, asked_for(EACH))


def taken_as(facts: SeriesFacts) -> SequenceName | None:
    """Return as which of ``EACH_OF`` a series is taken, None for one that never is."""
    place = place_of(facts)
    return None if place is None else EACH_OF[place]


def judge(
    facts: SeriesFacts, wish: SequenceName | None = None
) -> tuple[tuple[int, ...] | None, str]:
    """Return how well a series fits, smallest best, or None when it cannot serve; and why."""
    if facts.complaint is not None:
        return None, facts.complaint
    contrast, why = contrast_of(facts)
    place = place_of(facts, wish)
    if place is None:
        return None, f"{contrast} ({why})" + (f"; {asked_for(wish)}" if wish else "")
    if facts.plane is None:
        return None, f"{facts.slice_count} slices that make no volume"
    form = "3D" if facts.plane == "3d" else f"2D {facts.plane}"
    rank = (
        int(facts.slice_count < LEAST_SLICES_TO_REGISTER),
        place,
        _PLANES.index(facts.plane),
        int(facts.is_derived),
        int(not contrast),
        -facts.slice_count,
    )
    says = f"{contrast} ({why})" if contrast else "contrast not told by the header"
    derived = ", derived from another series" if facts.is_derived else ""
    return rank, f"{form}, {facts.slice_count} slices, {says}{derived}"


def sequence_of(facts: SeriesFacts) -> SequenceName | None:
    """Return the sequence of a series as BIDS calls it; what no header tells counts as a T1."""
    contrast = contrast_of(facts)[0]
    places = _PLACES + _ONLY_IF_ASKED
    return next((sequence for names, sequence in places if contrast in names), None)


def instead(sequence: SequenceName | None, has_t1: bool = False) -> str:
    """Return why a scan of another sequence is taken. ``has_t1``: there is one of no use."""
    return f"no T1w scan{' of use' if has_t1 else ''}; {sequence} is taken instead"


def asked_for(wish: Wish) -> str:
    """Return why a scan is taken, or another is not."""
    return "--each-sequence was given" if wish == EACH else f"--sequence {wish} was given"


def preferred(taken: SequenceName | None, other: SequenceName | None) -> str:
    """Return why a scan of another sequence is not taken, and how it would be."""
    return f"a {taken} scan is preferred; --sequence {other} chooses {other}"


def place_of(facts: SeriesFacts, wish: SequenceName | None = None) -> int | None:
    """Return the place of a series' contrast among those that may be taken, None of another."""
    contrast = contrast_of(facts)[0]
    places = _PLACES if wish is None else _PLACES + _ONLY_IF_ASKED
    order = [names for names, sequence in places if wish in (None, sequence)]
    if wish not in (None, "T1w"):
        order.append(("",))
    return next((place for place, names in enumerate(order) if contrast in names), None)


def _unreadable(
    series: Sequence[SeriesFacts], wish: SequenceName | None, best: int | None
) -> list[SeriesFacts]:
    """Return what cannot be read and may be what goes before the best: a row has to say so.

    ``best``: the place of its contrast, None where nothing can be taken.
    """
    places = [place_of(facts, wish) if facts.complaint else None for facts in series]
    first = min((place for place in places if place is not None), default=None)
    if first is None or (best is not None and best <= first):
        return []
    return [facts for facts, place in zip(series, places, strict=True) if place == first]


def _why(series: Sequence[SeriesFacts], best: int, wish: SequenceName | None) -> str:
    """Return why the best is taken though it is no T1 from before a contrast agent, or nothing."""
    contrast, taken = contrast_of(series[best])[0], sequence_of(series[best])
    if wish not in (None, "T1w"):
        return asked_for(wish)
    if taken == "T1w":
        return NO_NATIVE_T1 if contrast == AFTER_AGENT else ""
    return instead(taken, any(contrast_of(facts)[0] in (T1, AFTER_AGENT) for facts in series))


def _better(facts: SeriesFacts, taken: SequenceName | None) -> str:
    other = sequence_of(facts)
    is_other = bool(contrast_of(facts)[0]) and other != taken
    return preferred(taken, other) if is_other else "another series fits better"
