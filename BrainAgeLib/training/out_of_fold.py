"""Predictions of people by networks that have not seen them, on the scans that count."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.imaging.slices import SliceSet
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.predict import predict_age
from BrainAgeLib.training.batches import subset
from BrainAgeLib.training.people import Person, is_locked
from BrainAgeLib.training.prepare import evaluation_file, training_file
from BrainAgeLib.training.simulated_scans import (
    EVALUATION_PROTOCOLS,
    IMAGE_STEP,
    TEMPLATE_STEP,
    StoredScan,
    read_scans,
)

MAIN_PROTOCOL = "axial 5+1 mm"
RANDOM_SCANS = 3  # of the random protocols, per person
VENTRICLE_HEIGHT_MM = 18.0  # a slice through the bodies of the lateral ventricles
FEW_SLICES = 6


@dataclass(frozen=True)
class Row:
    """One prediction of one scan; ages in years, lengths in mm."""

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
    predicted_years: float
    spread_years: float


def judged_scans(folder: Path, person: Person) -> Iterator[tuple[str, StoredScan]]:
    """Yield the scans that a person is judged on, each with the name of its protocol."""
    scans = dict(
        zip(EVALUATION_PROTOCOLS, read_scans(evaluation_file(folder, person)), strict=True)
    )
    yield from scans.items()
    main = scans[MAIN_PROTOCOL]
    middle = int(np.argmin(np.abs(_heights_in_the_middle(main) - VENTRICLE_HEIGHT_MM)))
    yield "one axial slice", subset(main, np.array([middle]))
    low = max(0, min(middle - FEW_SLICES // 2, len(main) - FEW_SLICES))
    yield (
        f"{FEW_SLICES} axial slices",
        subset(main, np.arange(low, min(low + FEW_SLICES, len(main)))),
    )
    for scan in read_scans(training_file(folder, person))[:RANDOM_SCANS]:
        yield "random", scan


def predict_people(
    network: SliceSetNetwork,
    people: list[Person],
    fold: int,
    folder: Path,
    device: str,
    on_person: Callable[[], None],
) -> list[Row]:
    """Return the rows of people whom this network has not seen in training."""
    rows = []
    for person in people:
        for protocol, scan in judged_scans(folder, person):
            raw = predict_age([network], as_slices(scan, device))
            rows.append(
                Row(
                    person.participant_id,
                    person.age_years,
                    person.sex,
                    fold,
                    is_locked(person.participant_id),
                    protocol,
                    scan.plane,
                    round(scan.spacing_mm, 3),
                    round(scan.tilt_degrees, 2),
                    len(scan),
                    round(raw.age_years, 3),
                    round(raw.spread_years, 3),
                )
            )
        on_person()
    return rows


def as_slices(scan: StoredScan, device: str) -> SliceSet:
    """Return a stored scan as the network's input."""
    return SliceSet(
        torch.from_numpy(scan.images).to(device).float() * IMAGE_STEP,
        torch.from_numpy(scan.template).to(device).float() * TEMPLATE_STEP,
        torch.from_numpy(scan.planes).to(device),
        torch.arange(len(scan), device=device),
    )


def _heights_in_the_middle(scan: StoredScan) -> np.ndarray:
    """Return each slice's height in mm at the middle of the brain, x = 0, y = 18 mm."""
    return scan.planes[:, 0] + 18.0 * scan.planes[:, 2]


def write_rows(rows: list[Row], path: Path) -> None:
    """Write the table through a temporary file."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [entry.name for entry in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    unfinished.replace(path)


def read_rows(path: Path) -> list[Row]:
    """Return the rows that :func:`write_rows` wrote."""
    convert: dict[str, Callable[[str], Any]] = {
        "age_years": float,
        "fold": int,
        "locked": lambda text: text == "True",
        "spacing_mm": float,
        "tilt_degrees": float,
        "slices": int,
        "predicted_years": float,
        "spread_years": float,
    }
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Row(**{name: convert.get(name, str)(text) for name, text in line.items()})
            for line in csv.DictReader(stream)
        ]
