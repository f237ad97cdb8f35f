"""The model folder: weights, and the card with everything measured out of fold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from BrainAgeLib.codec import to_plain, to_text
from BrainAgeLib.model.calibration import IntervalCoverage, SequenceCalibration
from BrainAgeLib.model.card import (
    AccuracyTables,
    Blend,
    Calibration,
    Card,
    Table,
    Training,
    read_card,
)
from BrainAgeLib.model.weights import FILE_NAME, Member, Weights, pack_weights
from BrainAgeLib.records import INTERVAL_LEVEL, Reference
from BrainAgeLib.template import harmonisation, sequences
from BrainAgeLib.training.calibration import CLASSES, fit_class, fit_sequence, with_curve
from BrainAgeLib.training.figures import accuracy_of, coverage_of
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    RANDOM_PROTOCOL,
    SEQUENCE_PROTOCOLS,
    Row,
)
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import TIGHT_PROTOCOL
from BrainAgeLib.training.together import fit_together
from BrainAgeLib.whole_file import write_atomically

DEFAULT_CORRECTION = "de-lange-cole"
SPACING_EDGES_MM = (2.0, 4.0, 6.0, 8.0, 12.0)  # bins of the tables alone, like the next
TILT_EDGES_DEGREES = (0.0, 5.0, 10.0, 15.0)


def write_model(
    output: Path,
    weights: Weights,
    blend: Blend,
    rows: list[Row],
    settings: TrainingSettings,
    left_out: Mapping[str, list[Row]] | None = None,
    without: str = "",
) -> Path:
    """Write ``model.safetensors`` and ``card.json``; return the folder.

    ``left_out``: by site, what the model without it, its blend included, says of its people; this
    model has seen all of these sites but ``without``.
    """
    left_out = left_out or {}
    others = [row for site, table in left_out.items() if site != without for row in table]
    folder = output / settings.name
    folder.mkdir(parents=True, exist_ok=True)
    content = pack_weights(weights)
    sha256 = hashlib.sha256(content).hexdigest()
    card = make_card(weights.members, blend, rows, settings, sha256, left_out, others)
    write_atomically(folder / FILE_NAME, content)
    write_atomically(folder / "card.json", to_text(card).encode("utf-8"))
    read_card(folder)  # what is written can be read
    return folder


def make_card(
    members: Sequence[Member],
    blend: Blend,
    rows: list[Row],
    settings: TrainingSettings,
    sha256: str,
    left_out: Mapping[str, list[Row]],
    others: Sequence[Row] = (),
) -> Card:
    """Return the card; every figure comes from out-of-fold rows."""
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    ages = [row.age_years for row in main]
    others_read, coverage = sequence_calibrations(rows)
    together, of_sets = fit_together(rows, others_read)
    everyone = main + [row for row in others if row.protocol == MAIN_PROTOCOL]
    return Card(
        card_version="4",
        name=settings.name,
        version=settings.version,
        sha256=sha256,
        harmonisation=harmonisation.SHA256,
        notice="Weights for research use only.",
        members=len(members),
        blend=blend,
        age_range_years=(min(ages), max(ages)),
        training=Training(
            people=len(everyone),
            sex={sex: sum(row.sex == sex for row in everyone) for sex in ("F", "M")},
            settings=to_plain(settings),
            parameters={kind: model.parameter_count for kind, model in members[0].items()},
        ),
        calibration=Calibration(
            INTERVAL_LEVEL,
            DEFAULT_CORRECTION,
            tuple(fit_class(rows, *entry) for entry in CLASSES),
            sequences=others_read,
            together=together,
        ),
        accuracy=accuracy_tables(rows, coverage | of_sets, left_out),
        ablation=ablation(rows),
        out_of_fold=_reference(main),
    )


def _reference(main: Sequence[Row]) -> Reference:
    return Reference(
        tuple(row.age_years for row in main),
        tuple(round(row.predicted_years, 1) for row in main),
        "healthy people, each predicted by models that had not seen them, "
        f"from a simulated {MAIN_PROTOCOL} scan",
    )


def sequence_calibrations(
    rows: list[Row],
) -> tuple[dict[str, SequenceCalibration], dict[str, IntervalCoverage]]:
    """Return how ages of simulated scans of other sequences are read, and how intervals hold.

    No real scan widens these yet; ``network/real_sequences`` writes that into the card.
    """
    calibrations: dict[str, SequenceCalibration] = {}
    coverage: dict[str, IntervalCoverage] = {}
    for sequence, protocol in SEQUENCE_PROTOCOLS.items():
        if any(row.protocol == protocol and not row.held_out for row in rows):
            curve, entry = fit_sequence(rows, protocol)
            straightened = with_curve(rows, protocol, curve)
            errors = [
                accuracy_of(row for row in straightened if row.held_out == held)
                for held in (False, True)
            ]
            coverage[entry.name] = coverage_of(straightened, protocol)
            read = SequenceCalibration(curve, entry, sequences.SHA256, 1.0, 0, *errors)
            calibrations[sequence] = read
    return calibrations, coverage


def ablation(rows: list[Row]) -> Table:
    """Return the raw error of each kind of model alone, for the validation people."""
    validation = [row for row in rows if row.protocol == MAIN_PROTOCOL and not row.held_out]
    kinds = dict.fromkeys(kind for row in validation for kind in row.by_kind)
    return {
        kind: accuracy_of(
            replace(row, predicted_years=row.by_kind[kind])
            for row in validation
            if kind in row.by_kind
        )
        for kind in kinds
    }


def accuracy_tables(
    rows: list[Row],
    other_intervals: Mapping[str, IntervalCoverage] | None = None,
    left_out: Mapping[str, list[Row]] | None = None,
) -> AccuracyTables:
    """Return raw accuracy of T1 scans by protocol, of validation and held-out people, by group.

    ``other_intervals``: of other sequences. ``left_out``: as for :func:`write_model`.
    """
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    random = [row for row in rows if row.protocol == RANDOM_PROTOCOL]
    others = SEQUENCE_PROTOCOLS.values()
    protocols = [name for name in dict.fromkeys(row.protocol for row in rows) if name not in others]
    by_protocol = [
        {
            protocol: accuracy_of(
                row for row in rows if row.protocol == protocol and row.held_out == held_out
            )
            for protocol in protocols
        }
        for held_out in (False, True)
    ]
    return AccuracyTables(
        validation=by_protocol[0],
        held_out=by_protocol[1],
        by_decade=_split(main, lambda row: f"{int(row.age_years // 10 * 10)}s"),
        by_sex=_split(main, lambda row: row.sex),
        by_tilt=_split(main, lambda row: _bin(row.tilt_degrees, TILT_EDGES_DEGREES, "°")),
        by_spacing=_split(random, lambda row: _bin(row.spacing_mm, SPACING_EDGES_MM, " mm")),
        by_coverage=_split(random, _coverage_of_brain),
        interval={name: coverage_of(rows, protocol) for name, _, _, protocol in CLASSES}
        | dict(other_intervals or {}),
        left_out=left_out_tables(left_out or {}),
    )


def left_out_tables(left_out: Mapping[str, list[Row]]) -> Table:
    """Return the raw accuracy of each site by a member that saw nobody of it, by protocol."""
    return {
        f"{site}, {protocol}": accuracy_of(row for row in rows if row.protocol == protocol)
        for site, rows in left_out.items()
        for protocol in (MAIN_PROTOCOL, TIGHT_PROTOCOL)
    }


def _split(rows: list[Row], key: Callable[[Row], str]) -> Table:
    names = sorted({key(row) for row in rows}, key=_by_number)
    return {name: accuracy_of(row for row in rows if key(row) == name) for name in names}


def _by_number(name: str) -> tuple[int, str]:
    """Order names that begin with a number by it."""
    number = re.match(r"\d+", name)
    return (int(number[0]) if number else 0, name)


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """Return the name of the bin that a value lies in."""
    low = max(edge for edge in edges[:-1] if edge <= max(value, edges[0]))
    return f"{low:g}-{edges[edges.index(low) + 1]:g}{unit}"


def _coverage_of_brain(row: Row) -> str:
    return "slices cover the brain" if row.covers_brain else "slices leave part of the brain out"
