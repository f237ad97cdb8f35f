"""Predictions of people by models that have not seen them, and what is chosen by them."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.model.brain_maps import FEW_SLICES, VENTRICLE_HEIGHT_MM
from BrainAgeLib.model.calibration import AgeCurve
from BrainAgeLib.model.card import Blend
from BrainAgeLib.model.weights import KINDS, Member
from BrainAgeLib.records import SequenceName
from BrainAgeLib.template.scan_maps import ScanMaps, maps_of_scan
from BrainAgeLib.template.sequences import READ
from BrainAgeLib.training import store
from BrainAgeLib.training.people import Person, is_held_out
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, StoredScan, as_slices, subset
from BrainAgeLib.training.stored_maps import stored_maps
from BrainAgeLib.whole_file import write_atomically

MAIN_PROTOCOL = "axial 5+1 mm"
RANDOM_PROTOCOL = "random protocol and contrast"
ONE_SLICE, SOME_SLICES = "one axial slice", f"{FEW_SLICES} axial slices"
# What scans of other sequences are called. Nothing of a T1 is chosen or measured by them.
SEQUENCE_PROTOCOLS: dict[SequenceName, str] = {name: f"{name}, {MAIN_PROTOCOL}" for name in READ}
# Set by hand: points of the curve by age, between the 1st and the 99th percentile of the ages, and
# how much of the leaning towards the middle it takes back; all of it would cost 0.1 to 0.2 years.
CURVE_POINTS = 15
STRAIGHTENED = 0.5
# Beyond what is said on average of the youngest and the oldest hundredth there is nobody to fit it
# on but those of whom too little or too much was said: with all of the slope some of 18 came out at
# 10. Half is by hand, between all and none. It took the raw error of thick-slice 6 out of fold, of
# the people that choices look at, from 4.93 to 4.86 years; those at the ends lean a little more.
BEYOND_THE_ENDS = 0.5
LONG_WAY_YEARS = 50.0  # farther than anything is said
LEAST_SLOPE = 1 / 3  # of what is said by age, or those beyond the ends would get any age
FRACTION_STEPS = 10  # fractions of a blend are tried in tenths: set by hand
KIND_COLUMN = "{}_years"


@dataclass(frozen=True)
class Row:
    """One prediction of one scan; ages in years, lengths in mm.

    ``held_out``: whether the person is one whom no choice looks at. ``by_kind``: what each kind of
    model says that is for such a scan. ``predicted_years``: the blend of these; NaN before there
    is one.
    """

    participant_id: str
    age_years: float
    sex: str
    fold: int
    held_out: bool
    protocol: str
    plane: str
    spacing_mm: float
    tilt_degrees: float
    slices: int
    covers_brain: bool
    predicted_years: float
    by_kind: dict[str, float]


def whole_scans(folder: Path, person: Person) -> dict[str, StoredScan]:
    """Return the whole scans that a person is predicted from, in the order of the store."""
    scans = store.read_scans(store.evaluation_file(folder, person))
    by_protocol = dict(zip(EVALUATION_PROTOCOLS, scans, strict=True))
    return by_protocol | {RANDOM_PROTOCOL: store.read_scans(store.training_file(folder, person))[0]}


def parts_of_scan(main: StoredScan) -> dict[str, StoredScan]:
    """Return the parts of a main scan that a person is predicted from as well."""
    middle = int(np.argmin(np.abs(main.mid_brain_heights_mm - VENTRICLE_HEIGHT_MM)))
    low = max(0, min(middle - FEW_SLICES // 2, len(main) - FEW_SLICES))
    chosen = np.arange(low, min(low + FEW_SLICES, len(main)))
    return {ONE_SLICE: subset(main, np.array([middle])), SOME_SLICES: subset(main, chosen)}


@torch.inference_mode()
def predict_people(
    member: Member,
    people: list[Person],
    fold: int,
    folder: Path,
    on_person: Callable[[], None],
) -> list[Row]:
    """Return the rows of people whom this member's models have not seen in training."""
    rows = []
    for person in people:
        whole = whole_scans(folder, person)
        parts = parts_of_scan(whole[MAIN_PROTOCOL])
        maps = stored_maps(store.maps_file(folder, person), list(whole.values()))
        maps += [maps_of_scan(as_slices(scan, "cpu")) for scan in parts.values()]
        usual = zip(whole | parts, (whole | parts).values(), maps, strict=True)
        for protocol, scan, seen in [*usual, *_other_sequences(folder, person)]:
            rows.append(_row(member, person, fold, protocol, scan, seen))
        on_person()
    return rows


def _other_sequences(folder: Path, person: Person) -> Iterator[tuple[str, StoredScan, ScanMaps]]:
    """Yield a person's scans of other sequences that cover the brain, if there are any."""
    path = store.sequences_file(folder, person)
    if not path.exists():
        return
    scans = store.read_scans(path)
    seen = stored_maps(path, scans)
    for protocol, scan, maps in zip(SEQUENCE_PROTOCOLS.values(), scans, seen, strict=True):
        if maps.covers_brain:
            yield protocol, scan, maps


def _row(
    member: Member, person: Person, fold: int, protocol: str, scan: StoredScan, maps: ScanMaps
) -> Row:
    return Row(
        participant_id=person.participant_id,
        age_years=person.age_years,
        sex=person.sex,
        fold=fold,
        held_out=is_held_out(person.participant_id),
        protocol=protocol,
        plane=scan.plane,
        spacing_mm=round(scan.spacing_mm, 3),
        tilt_degrees=round(scan.tilt_degrees, 2),
        slices=len(scan),
        covers_brain=maps.covers_brain,
        predicted_years=math.nan,
        by_kind={
            kind: round(model.age_years(maps), 3)
            for kind, model in member.items()
            if model.reads_whole_brains == maps.covers_brain
        },
    )


def choose_blend(rows: list[Row], other_sites: Sequence[list[Row]] = ()) -> Blend:
    """Return the blend with the least raw error of the validation people.

    ``other_sites``: rows of the people of other sites, a list each, by members that saw nobody of
    theirs; held-out people do not count there either. Every site counts as much, since a kind of
    model that is best at home need not be so on a scanner that it never saw. The curve by age is of
    the validation people at home. Raises ValueError where nobody is left to choose by.
    """
    validation, *others = (
        [row for row in site if not row.held_out] for site in (rows, *other_sites)
    )
    whole_brain, part_of_brain = (
        _best_fractions(
            [[row for row in site if row.protocol == protocol] for site in (validation, *others)],
            covers_brain,
        )
        for protocol, covers_brain in ((MAIN_PROTOCOL, True), (SOME_SLICES, False))
    )
    blend = Blend(whole_brain, part_of_brain)
    whole = [row for row in validation if row.protocol == MAIN_PROTOCOL and row.covers_brain]
    said = np.array([blend.raw_age(row.by_kind, True) for row in whole])
    return replace(blend, curve=fit_curve(np.array([row.age_years for row in whole]), said))


def fit_curve(ages_years: np.ndarray, said_years: np.ndarray) -> AgeCurve:
    """Return half of what makes people of every age right on average.

    ``ages_years``, ``said_years``: (person,). A model with a squared loss leans towards the middle.
    What it says on average of people of an age is fitted by a cubic and turned round. All of that
    would cost 0.2 years of error, half of it costs nothing. Nothing is stretched to more than twice
    its length, and beyond what is said of the youngest and oldest it goes on half as steeply.
    """
    mean_said = np.polynomial.Polynomial.fit(ages_years, said_years, 3)
    low, high = np.quantile(ages_years, (0.01, 0.99))
    ages = np.linspace(low, high, CURVE_POINTS)
    least = LEAST_SLOPE * ages
    rest = mean_said(ages) - least
    rising = (np.maximum.accumulate(rest) + np.minimum.accumulate(rest[::-1])[::-1]) / 2
    said = rising + least
    halfway = STRAIGHTENED * ages + (1 - STRAIGHTENED) * said
    said, halfway = _flatter_beyond(said, halfway)
    return AgeCurve(tuple(said.round(3).tolist()), tuple(halfway.round(3).tolist()))


def _flatter_beyond(said: np.ndarray, ages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (point,) of a curve with one more at each end, far away."""
    slopes = BEYOND_THE_ENDS * np.diff(ages)[[0, -1]] / np.diff(said)[[0, -1]]
    away = np.array([-LONG_WAY_YEARS, LONG_WAY_YEARS])
    far_said, far_ages = said[[0, -1]] + away, ages[[0, -1]] + slopes * away
    ends = [(far[:1], middle, far[1:]) for far, middle in ((far_said, said), (far_ages, ages))]
    return np.concatenate(ends[0]), np.concatenate(ends[1])


def _best_fractions(sites: Sequence[list[Row]], covers_brain: bool) -> dict[str, float]:
    """Return the fractions, in steps, by which the kinds make up the best age; none that is 0."""
    kinds = [name for name, kind in KINDS.items() if kind.reads_whole_brains == covers_brain]
    sites = [[row for row in site if row.covers_brain == covers_brain] for site in sites]
    judged = [
        (
            np.array([[row.by_kind[kind] for kind in kinds] for row in site]),
            np.array([row.age_years for row in site]),
        )
        for site in sites
        if site
    ]
    if not judged:
        what = "whole brains" if covers_brain else "parts of a brain"
        raise ValueError(f"there are no scans of {what} to choose a blend by")
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
    straight, others = replace(blend, curve=None), set(SEQUENCE_PROTOCOLS.values())
    raw_ages = (
        (straight if row.protocol in others else blend).raw_age(row.by_kind, row.covers_brain)
        for row in rows
    )
    return [
        replace(row, predicted_years=round(age, 3)) for row, age in zip(rows, raw_ages, strict=True)
    ]


def write_rows(rows: list[Row], path: Path) -> None:
    """Write the table, a column for each kind."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    plain = [entry.name for entry in fields(Row) if entry.name != "by_kind"]
    writer.writerow([*plain, *map(KIND_COLUMN.format, KINDS)])
    for row in rows:
        by_kind = [row.by_kind.get(kind, "") for kind in KINDS]
        writer.writerow([*(getattr(row, name) for name in plain), *by_kind])
    write_atomically(path, text.getvalue().encode("utf-8"))


def read_rows(path: Path) -> list[Row]:
    """Return the rows that :func:`write_rows` wrote."""
    convert: dict[str, Callable[[str], Any]] = {
        "float": float,
        "int": int,
        "bool": lambda text: text == "True",
        "str": str,
    }
    kinds = {entry.name: convert.get(str(entry.type)) for entry in fields(Row)}
    rows = []
    with path.open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            said = {kind: line[KIND_COLUMN.format(kind)] for kind in KINDS}
            values = {name: read(line[name]) for name, read in kinds.items() if read}
            by_kind = {kind: float(text) for kind, text in said.items() if text}
            rows.append(Row(**values, by_kind=by_kind))
    return rows
