"""Which scans the study of the gate's limits measures, and which faults it puts into them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from BrainAgeLib.training.people import Person
from Testing.studies.gate._faults import Fault, all_faults
from Testing.studies.gate._sources import (
    CUT,
    OTHERS,
    ROUTINE,
    Source,
    head_sources,
    simulated_sources,
)
from Testing.studies.gate.registration_error import people_of_all_ages

MOST_PEOPLE = 10_000
FAULTS_A_TASK = 4
# What every head gets, and its thick slices: other contrasts, a wrong spacing, half a brain.
KEY_FAULTS = tuple(
    fault
    for fault in all_faults()
    if (fault.kind == "contrast" and fault.grade in ("T2-like", "FLAIR-like", "inverted"))
    or (fault.kind == "slice spacing" and fault.grade in (0.5, 0.67, 0.75, 1.25, 1.5, 2.0))
    or (fault.kind == "orientation" and fault.grade == "upside down")
    or (fault.kind in ("top cut", "bottom cut") and fault.grade == 0.5)
)

KEY_NAMES = {fault.name for fault in KEY_FAULTS}


@dataclass(frozen=True)
class Task:
    """One scan, and the names of its faults: None is the scan as it is."""

    source: Source
    faults: tuple[str | None, ...]


@dataclass(frozen=True)
class Size:
    """How many people and scans, see the options of ``gate_limits``."""

    people: int
    protocols: int
    other_people: int
    scans_per_fault: int
    fault_heads: int


def tasks(data: Path, heads: list[Path], size: Size) -> list[Task]:
    """Return all tasks: a run that ends early has begun with every kind."""
    people = people_of_all_ages(data, size.people)
    faults = _faults_of_people(len(people), size.scans_per_fault)
    whole, simulated, faulty, others = [], [], [], []
    for person, own in zip(people, faults, strict=True):
        for source in simulated_sources(person, size.protocols):
            if source.protocol == ROUTINE:
                faulty += _parts(source, (None, *own))
            else:
                simulated += _parts(source, (None,))
    for person in _others(data, people, size.other_people):
        for source in simulated_sources(person, min(2, size.protocols), OTHERS):
            simulated += _parts(source, (None,))
    for number, source in enumerate(head_sources(heads)):
        is_routine = not source.kind.endswith(CUT) or source.protocol == ROUTINE
        whole += _parts(source, (None, *(KEY_FAULTS if is_routine else ())))
        if number < size.fault_heads:
            rest = (fault for fault in all_faults() if fault.name not in KEY_NAMES)
            others += _parts(source, rest)
    return _in_turns(whole, simulated, faulty, others)


def _faults_of_people(people: int, scans_per_fault: int) -> list[list[Fault]]:
    """Give each fault to so many people, evenly over their ages; each gets about as many faults."""
    own: list[list[Fault]] = [[] for _ in range(people)]
    for number, fault in enumerate(fault for fault in all_faults() if not fault.needs_head):
        for part in range(min(scans_per_fault, people)):
            own[(number + part * people // scans_per_fault) % people].append(fault)
    return own


def _others(data: Path, people: list[Person], count: int) -> list[Person]:
    """Return so many people, of all ages, that the limits were not chosen with."""
    known = {person.participant_id for person in people}
    rest = [
        person
        for person in people_of_all_ages(data, MOST_PEOPLE)
        if person.participant_id not in known
    ]
    chosen = np.linspace(0, len(rest) - 1, min(count, len(rest))).round().astype(int)
    return [rest[n] for n in np.unique(chosen)]


def _parts(source: Source, faults: Iterable[Fault | None]) -> list[Task]:
    """Return tasks of a few faults each, so that none takes long."""
    wanted = tuple(
        fault.name if fault else None
        for fault in faults
        if source.is_head or not (fault and fault.needs_head)
    )
    return [
        Task(source, wanted[first : first + FAULTS_A_TASK])
        for first in range(0, len(wanted), FAULTS_A_TASK)
    ]


def _in_turns(*kinds: list[Task]) -> list[Task]:
    return [task for turn in zip_longest(*kinds) for task in turn if task is not None]
