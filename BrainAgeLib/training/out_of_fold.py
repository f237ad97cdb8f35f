"""Predictions of people by models that have not seen them: rows, and their table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.model.brain_maps import FEW_SLICES, VENTRICLE_HEIGHT_MM
from BrainAgeLib.model.card import OWN_KINDS
from BrainAgeLib.model.weights import KINDS, Member, Own
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
SEQUENCE_OF = {protocol: name for name, protocol in SEQUENCE_PROTOCOLS.items()}
KIND_COLUMN = "{}_years"


@dataclass(frozen=True)
class Row:
    """One prediction of one scan; ages in years, lengths in mm.

    ``held_out``: whether the person is one whom no choice looks at. ``by_kind``: what each kind of
    model says that is for such a scan. ``predicted_years``: the blend of these; NaN before there
    is one. ``filled_in``: what part of the brain was not acquired, see ``ScanMaps``.
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
    filled_in: float = 0.0


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
    own: Own,
    people: list[Person],
    fold: int,
    folder: Path,
    on_person: Callable[[], None],
) -> list[Row]:
    """Return the rows of people whom this member's models have not seen in training.

    ``own``: the member's models for other sequences, which speak beside the other models there.
    """
    rows = []
    for person in people:
        whole = whole_scans(folder, person)
        parts = parts_of_scan(whole[MAIN_PROTOCOL])
        maps = stored_maps(store.maps_file(folder, person), list(whole.values()))
        maps += [maps_of_scan(as_slices(scan, "cpu")) for scan in parts.values()]
        usual = zip(whole | parts, (whole | parts).values(), maps, strict=True)
        rows += [_row(member, person, fold, *scan) for scan in usual]
        rows += rows_of_sequences(member, own, person, fold, folder)
        on_person()
    return rows


@torch.inference_mode()
def rows_of_sequences(
    member: Member,
    own: Own,
    person: Person,
    fold: int,
    folder: Path,
) -> list[Row]:
    """Return the rows of a person's scans of other sequences that cover the brain, if any."""
    path = store.sequences_file(folder, person)
    if not path.exists():
        return []
    scans, rows = store.read_scans(path), []
    for sequence, scan, maps in zip(READ, scans, stored_maps(path, scans), strict=True):
        if maps.covers_brain:
            models = {**member, **own.get(sequence, {})}
            protocol = SEQUENCE_PROTOCOLS[sequence]
            rows.append(_row(models, person, fold, protocol, scan, maps))
    return rows


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
        filled_in=round(maps.filled_in, 5),
    )


def write_rows(rows: list[Row], path: Path) -> None:
    """Write the table, a column for each kind."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    plain = [entry.name for entry in fields(Row) if entry.name != "by_kind"]
    kinds = [*KINDS, *OWN_KINDS]
    writer.writerow([*plain, *map(KIND_COLUMN.format, kinds)])
    for row in rows:
        by_kind = [row.by_kind.get(kind, "") for kind in kinds]
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
            said = {kind: line.get(KIND_COLUMN.format(kind), "") for kind in [*KINDS, *OWN_KINDS]}
            values = {
                name: read(line[name]) for name, read in kinds.items() if read and name in line
            }
            by_kind = {kind: float(text) for kind, text in said.items() if text}
            rows.append(Row(**values, by_kind=by_kind))
    return rows
