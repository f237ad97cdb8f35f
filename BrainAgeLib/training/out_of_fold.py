"""Predictions of people by models that have not seen them, on the scans that count."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.predict import Member
from BrainAgeLib.model.slice_model import FEW_SLICES, VENTRICLE_HEIGHT_MM
from BrainAgeLib.training.map_store import read_maps, unpacked
from BrainAgeLib.training.people import Person, is_locked
from BrainAgeLib.training.prepare import evaluation_file, maps_file, training_file
from BrainAgeLib.training.simulated_scans import (
    EVALUATION_PROTOCOLS,
    StoredScan,
    as_slices,
    read_scans,
    subset,
)
from BrainAgeLib.whole_file import write_atomically

MAIN_PROTOCOL = "axial 5+1 mm"
RANDOM_PROTOCOL = "random protocol and contrast"
NETWORK_SHARES = tuple(round(0.1 * n, 1) for n in range(11))


@dataclass(frozen=True)
class Row:
    """One prediction of one scan; ages in years, lengths in mm.

    ``network_years`` and ``regional_years``: by the network and by the regional model; NaN where
    they were not asked. ``predicted_years``: both together, or by the slice model where the slices
    do not cover the brain.
    """

    participant_id: str
    age_years: float
    sex: str
    fold: int
    locked: bool
    protocol: str
    plane: str
    spacing_mm: float
    tilt_degrees: float
    slices: int
    network_years: float
    regional_years: float
    predicted_years: float


def judged_scans(folder: Path, person: Person) -> Iterator[tuple[str, StoredScan]]:
    """Yield the whole scans that a person is judged on, in the order of the map store."""
    scans = read_scans(evaluation_file(folder, person))
    yield from zip(EVALUATION_PROTOCOLS, scans, strict=True)
    yield RANDOM_PROTOCOL, read_scans(training_file(folder, person))[0]


def judged_parts(main: StoredScan) -> Iterator[tuple[str, StoredScan]]:
    """Yield the parts of a main scan that a person is judged on as well."""
    middle = int(np.argmin(np.abs(main.mid_brain_heights_mm - VENTRICLE_HEIGHT_MM)))
    yield "one axial slice", subset(main, np.array([middle]))
    low = max(0, min(middle - FEW_SLICES // 2, len(main) - FEW_SLICES))
    chosen = np.arange(low, min(low + FEW_SLICES, len(main)))
    yield f"{FEW_SLICES} axial slices", subset(main, chosen)


@torch.inference_mode()
def predict_people(
    member: Member,
    people: list[Person],
    fold: int,
    folder: Path,
    device: str,
    on_person: Callable[[], None],
) -> list[Row]:
    """Return the rows of people whom this member's models have not seen in training."""
    rows = []
    for person in people:
        row = _Rows(person, fold)
        path = [maps_file(folder, person)]
        volumes, regional, covered = (
            read_maps(path, name)[0] for name in ("volumes", "regional", "covered")
        )
        whole = dict(judged_scans(folder, person))
        for number, (protocol, scan) in enumerate(whole.items()):
            seen = network_maps(unpacked(volumes[number : number + 1])).to(device)
            age = float(member.network.age_years(seen))
            other = math.nan
            if covered[number]:
                other = float(member.regional(regional[number : number + 1].float()))
            by_slices = math.nan
            if not covered[number]:
                by_slices = member.slices.age_years(as_slices(scan, device))
            rows.append(row.of(protocol, scan, age, other, by_slices))
        for protocol, scan in judged_parts(whole[MAIN_PROTOCOL]):
            age = member.slices.age_years(as_slices(scan, device))
            rows.append(row.of(protocol, scan, math.nan, math.nan, age))
        on_person()
    return rows


@dataclass(frozen=True)
class _Rows:
    """Rows of one person."""

    person: Person
    fold: int

    def of(
        self,
        protocol: str,
        scan: StoredScan,
        network_years: float,
        regional_years: float,
        slices_years: float,
    ) -> Row:
        """Return one row."""
        person = self.person
        return Row(
            participant_id=person.participant_id,
            age_years=person.age_years,
            sex=person.sex,
            fold=self.fold,
            locked=is_locked(person.participant_id),
            protocol=protocol,
            plane=scan.plane,
            spacing_mm=round(scan.spacing_mm, 3),
            tilt_degrees=round(scan.tilt_degrees, 2),
            slices=len(scan),
            network_years=round(network_years, 3),
            regional_years=round(regional_years, 3),
            predicted_years=round(slices_years, 3),
        )


def choose_network_share(rows: list[Row]) -> float:
    """Return the share of the networks with the least raw error of the people not locked."""
    judged = [row for row in rows if row.protocol == MAIN_PROTOCOL and not row.locked]

    def error(share: float) -> float:
        mixed = with_network_share(judged, share)
        return float(np.mean([abs(row.predicted_years - row.age_years) for row in mixed]))

    return min(NETWORK_SHARES, key=error)


def with_network_share(rows: list[Row], share: float) -> list[Row]:
    """Return the rows with both ages put together, as ``predict_age`` does."""
    return [
        row
        if math.isnan(row.regional_years)
        else replace(
            row,
            predicted_years=round(share * row.network_years + (1 - share) * row.regional_years, 3),
        )
        for row in rows
    ]


def write_rows(rows: list[Row], path: Path) -> None:
    """Write the table through a temporary file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [entry.name for entry in fields(Row)])
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_atomically(path, text.getvalue().encode("utf-8"))


def read_rows(path: Path) -> list[Row]:
    """Return the rows that :func:`write_rows` wrote."""
    convert: dict[str, Callable[[str], Any]] = {
        "age_years": float,
        "fold": int,
        "locked": lambda text: text == "True",
        "spacing_mm": float,
        "tilt_degrees": float,
        "slices": int,
        "network_years": float,
        "regional_years": float,
        "predicted_years": float,
    }
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Row(**{name: convert.get(name, str)(text) for name, text in line.items()})
            for line in csv.DictReader(stream)
        ]
