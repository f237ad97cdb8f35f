"""Which sequences of one session make a better age together, and how much each of them counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from BrainAgeLib.model.calibration import (
    IntervalCoverage,
    SequenceCalibration,
    SequencesTogether,
)
from BrainAgeLib.records import SequenceName
from BrainAgeLib.statistics import bootstrap_mean
from BrainAgeLib.training.blend import FRACTION_STEPS, ways_to_share
from BrainAgeLib.training.calibration import CLASSES, columns, fit_class, with_curve
from BrainAgeLib.training.figures import DECIMALS, accuracy_of, coverage_of
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row

ByPerson = dict[str, Row]


@dataclass(frozen=True)
class Candidate:
    """A set of sequences, and what their ages make of each other.

    ``joined``: a row a person with the age that they make. ``differences_years``: (person,) of the
    people who are not held out, its absolute error less that of the best of the set alone.
    """

    names: tuple[SequenceName, ...]
    fractions: dict[str, float]
    joined: list[Row]
    differences_years: np.ndarray

    @property
    def protocol(self) -> str:
        """What its rows are called."""
        return self.joined[0].protocol

    @property
    def is_sure(self) -> bool:
        """Say whether it errs less than the best of the set alone, and not by chance."""
        return bootstrap_mean(self.differences_years)[1] < 0


def fit_together(
    rows: Sequence[Row], read: Mapping[str, SequenceCalibration]
) -> tuple[tuple[SequencesTogether, ...], dict[str, IntervalCoverage]]:
    """Return the sets of sequences whose ages make a better one, and how their intervals hold.

    ``rows``: blended, those of other sequences without the curve, which ``read`` has for each. A
    set is kept if people who are not held out err less by it than by the best of its sequences
    alone, and not by chance: the 95 % bootstrap interval over these people of the difference of
    their absolute errors lies below 0. The fractions were chosen by the same people, for which the
    interval makes no allowance. Only people with a scan of each sequence of a set count, each once;
    too few to promise an interval, in all or without one fold, make no set.
    """
    together: list[SequencesTogether] = []
    coverage: dict[str, IntervalCoverage] = {}
    for one in candidates(rows, read):
        if not one.is_sure:
            continue
        name, joined = one.protocol, one.joined
        _, least_slices, most_spacing_mm, _ = CLASSES[0]
        entry = fit_class(joined, name, least_slices, most_spacing_mm, name)
        of_set = coverage_of(joined, name)
        if not math.isfinite(entry.half_width_factor + of_set.mean_width_years):
            continue
        errors = [
            accuracy_of(row for row in joined if row.held_out == held) for held in (False, True)
        ]
        together.append(SequencesTogether(one.names, one.fractions, entry, *errors))
        coverage[name] = of_set
    return tuple(together), coverage


def candidates(rows: Sequence[Row], read: Mapping[str, SequenceCalibration]) -> Iterator[Candidate]:
    """Yield every set of two sequences and more, with the fractions of the least error."""
    by_sequence = dict(_by_sequence(rows, read))
    for count in range(2, len(by_sequence) + 1):
        for names in itertools.combinations(by_sequence, count):
            parts = _of_same_people([by_sequence[name] for name in names])
            if not all(row.held_out for row in parts[0]):
                yield _candidate(names, parts)


def _by_sequence(
    rows: Sequence[Row], read: Mapping[str, SequenceCalibration]
) -> Iterator[tuple[SequenceName, ByPerson]]:
    """Yield the rows of each sequence that is read, by person, with its raw ages."""
    of_t1 = [row for row in rows if row.protocol == MAIN_PROTOCOL and row.covers_brain]
    yield "T1w", {row.participant_id: row for row in of_t1}
    for name, protocol in SEQUENCE_PROTOCOLS.items():
        if name in read:
            straightened = with_curve(list(rows), protocol, read[name].curve)
            yield name, {row.participant_id: row for row in straightened}


def _of_same_people(sequences: Sequence[ByPerson]) -> list[list[Row]]:
    """Return the rows of each sequence, of people who have one of each, in the same order."""
    people = [name for name in sequences[0] if all(name in others for others in sequences[1:])]
    return [[by_person[name] for name in people] for by_person in sequences]


def _candidate(names: tuple[SequenceName, ...], parts: Sequence[list[Row]]) -> Candidate:
    """Return a set; ``parts``: rows of each sequence, in the same order of people.

    People who are held out choose no fractions.
    """
    chosen = [[row for row in rows if not row.held_out] for rows in parts]
    ages = columns(chosen[0])[0]
    raw = np.stack([columns(rows)[1] for rows in chosen], axis=1)

    def errors(steps: tuple[int, ...]) -> np.ndarray:
        return np.abs(raw @ np.array(steps) / FRACTION_STEPS - ages)

    def error(steps: tuple[int, ...]) -> float:
        return round(float(errors(steps).mean()), DECIMALS)

    best = min(ways_to_share(len(names)), key=error)
    alone = min(map(tuple, np.eye(len(names), dtype=int) * FRACTION_STEPS), key=error)
    fractions = [step / FRACTION_STEPS for step in best]
    joined = _joined(f"{' + '.join(names)}, {MAIN_PROTOCOL}", fractions, parts)
    counted: dict[str, float] = {
        name: part for name, part in zip(names, fractions, strict=True) if part > 0
    }
    return Candidate(names, counted, joined, errors(best) - errors(alone))


def _joined(name: str, fractions: Sequence[float], parts: Sequence[list[Row]]) -> list[Row]:
    """Return a row a person of what the sequences say together; ``name``: its protocol."""
    raw = np.stack([columns(rows)[1] for rows in parts], axis=1) @ np.array(fractions)
    return [
        replace(row, protocol=name, predicted_years=round(float(years), 3))
        for row, years in zip(parts[0], raw, strict=True)
    ]
