"""Predictions of people by networks that have not seen them, on the scans that count."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.imaging.slices import SliceSet
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.predict import predict_age
from BrainAgeLib.model.tissue_maps import TissueNetwork, covers_the_brain, tissue_maps
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
RANDOM_SCANS = 1  # of the random protocols and contrasts, per person
VENTRICLE_HEIGHT_MM = 18.0  # a slice through the bodies of the lateral ventricles
FEW_SLICES = 6
TISSUE_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Row:
    """One prediction of one scan; ages in years, lengths in mm.

    ``network_years`` and ``tissue_years``: by the network of slices and by the tissue network,
    which is NaN where the slices do not cover the brain. ``predicted_years``: both together.
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
    tissue_years: float
    spread_years: float
    predicted_years: float


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
        yield "random protocol and contrast", scan


@torch.inference_mode()
def predict_people(
    network: SliceSetNetwork,
    tissue: TissueNetwork,
    people: list[Person],
    fold: int,
    folder: Path,
    device: str,
    on_person: Callable[[], None],
) -> list[Row]:
    """Return the rows of people whom these networks have not seen in training."""
    rows = []
    for person in people:
        for protocol, scan in judged_scans(folder, person):
            slices = as_slices(scan, device)
            raw = predict_age([network], slices)
            other = math.nan
            if covers_the_brain(slices):
                other = float(tissue.age_years(tissue_maps(slices)[None]))
            rows.append(
                Row(
                    participant_id=person.participant_id,
                    age_years=person.age_years,
                    sex=person.sex,
                    fold=fold,
                    locked=is_locked(person.participant_id),
                    protocol=protocol,
                    plane=scan.plane,
                    spacing_mm=round(scan.spacing_mm, 3),
                    tilt_degrees=round(scan.tilt_degrees, 2),
                    slices=len(scan),
                    network_years=round(raw.age_years, 3),
                    tissue_years=round(other, 3),
                    spread_years=round(raw.spread_years, 3),
                    predicted_years=round(raw.age_years, 3),
                )
            )
        on_person()
    return rows


def choose_tissue_share(rows: list[Row]) -> float:
    """Return the share of the tissue networks with the least raw error of the people not locked."""
    judged = [row for row in rows if row.protocol == MAIN_PROTOCOL and not row.locked]

    def error(share: float) -> float:
        mixed = with_tissue_share(judged, share)
        return float(np.mean([abs(row.predicted_years - row.age_years) for row in mixed]))

    return min(TISSUE_SHARES, key=error)


def with_tissue_share(rows: list[Row], share: float) -> list[Row]:
    """Return the rows with both ages put together, as ``predict_age`` does."""
    return [
        row
        if math.isnan(row.tissue_years)
        else replace(
            row,
            predicted_years=round((1 - share) * row.network_years + share * row.tissue_years, 3),
        )
        for row in rows
    ]


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
        "network_years": float,
        "tissue_years": float,
        "predicted_years": float,
        "spread_years": float,
    }
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Row(**{name: convert.get(name, str)(text) for name, text in line.items()})
            for line in csv.DictReader(stream)
        ]
