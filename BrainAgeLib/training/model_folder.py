"""The model folder: weights, and the card with everything measured out of fold."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from BrainAgeLib.codec import to_plain, to_text
from BrainAgeLib.model.calibration import IntervalCoverage, SequenceCalibration
from BrainAgeLib.model.card import (
    Blend,
    Calibration,
    Card,
    Training,
    read_card,
)
from BrainAgeLib.model.weights import (
    FILE_NAME,
    OWN_FILE_NAME,
    Own,
    Weights,
    pack_own,
    pack_weights,
)
from BrainAgeLib.records import INTERVAL_LEVEL, Reference
from BrainAgeLib.template import harmonisation, sequences
from BrainAgeLib.training.accuracy_tables import ablation, accuracy_tables
from BrainAgeLib.training.calibration import CLASSES, fit_class, fit_sequence, with_curve
from BrainAgeLib.training.figures import accuracy_of, coverage_of
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    SEQUENCE_PROTOCOLS,
    Row,
)
from BrainAgeLib.training.people import LEAST_AGES, enough_outside_of_folds
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.together import fit_together
from BrainAgeLib.whole_file import TEMPORARY_PREFIX, write_atomically

DEFAULT_CORRECTION = "de-lange-cole"


def write_model(
    output: Path,
    weights: Weights,
    blend: Blend,
    rows: list[Row],
    settings: TrainingSettings,
    left_out: Mapping[str, list[Row]] | None = None,
    without: str = "",
) -> Path:
    """Write the weights, those of other sequences, if any, and ``card.json``; return the folder.

    ``left_out``: by site, what the model without it, its blend included, says of its people; this
    model has seen all of these sites but ``without``.
    """
    left_out = left_out or {}
    others = [row for site, table in left_out.items() if site != without for row in table]
    folder = output / settings.name
    folder.mkdir(parents=True, exist_ok=True)
    for unfinished in folder.glob(f"{TEMPORARY_PREFIX}*"):  # of a run that was killed
        unfinished.unlink(missing_ok=True)
    content = pack_weights(weights)
    sha256 = hashlib.sha256(content).hexdigest()
    card = make_card(weights, blend, rows, settings, sha256, left_out, others)
    write_atomically(folder / FILE_NAME, content)
    write_own(weights.own, folder)
    write_atomically(folder / "card.json", to_text(card).encode("utf-8"))
    read_card(folder)  # what is written can be read
    return folder


def write_own(own: Own, folder: Path) -> None:
    """Write the models of other sequences, or remove what is there."""
    if not own:
        (folder / OWN_FILE_NAME).unlink(missing_ok=True)
    else:
        write_atomically(folder / OWN_FILE_NAME, pack_own(own))


def sha256_of_own(own: Own) -> str:
    """Return the checksum of their file; nothing where there is none."""
    return hashlib.sha256(pack_own(own)).hexdigest() if own else ""


def make_card(
    weights: Weights,
    blend: Blend,
    rows: list[Row],
    settings: TrainingSettings,
    sha256: str,
    left_out: Mapping[str, list[Row]],
    others: Sequence[Row] = (),
) -> Card:
    """Return the card; every figure comes from out-of-fold rows."""
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    others_read, coverage = sequence_calibrations(rows)
    together, of_sets = fit_together(rows, others_read)
    everyone = main + [row for row in others if row.protocol == MAIN_PROTOCOL]
    ages = [row.age_years for row in everyone]
    return Card(
        card_version="5",
        name=settings.name,
        version=settings.version,
        sha256=sha256,
        harmonisation=harmonisation.SHA256,
        notice="Weights for research use only.",
        members=len(weights.members),
        blend=blend,
        age_range_years=(min(ages), max(ages)),
        training=Training(
            people=len(everyone),
            sex={sex: sum(row.sex == sex for row in everyone) for sex in ("F", "M")},
            settings=to_plain(settings),
            parameters={kind: model.parameter_count for kind, model in weights.members[0].items()},
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
        own_sha256=sha256_of_own(weights.own),
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

    A sequence of which too few people have a scan has neither. No real scan widens these yet;
    ``network/real_sequences`` writes that into the card.
    """
    calibrations: dict[str, SequenceCalibration] = {}
    coverage: dict[str, IntervalCoverage] = {}
    for sequence, protocol in SEQUENCE_PROTOCOLS.items():
        chosen = [row for row in rows if row.protocol == protocol]
        ages = {row.age_years for row in chosen if not row.held_out}
        if enough_outside_of_folds([row.fold for row in chosen]) and len(ages) >= LEAST_AGES:
            curve, entry = fit_sequence(rows, protocol)
            straightened = with_curve(rows, protocol, curve)
            holds = coverage_of(straightened, protocol)
            if not math.isfinite(holds.mean_width_years):
                continue  # too few people to promise an interval without one fold
            errors = [
                accuracy_of(row for row in straightened if row.held_out == held)
                for held in (False, True)
            ]
            coverage[entry.name] = holds
            network = sequences.sha256_of_network(sequence)
            read = SequenceCalibration(curve, entry, network, 1.0, 0, *errors)
            calibrations[sequence] = read
    return calibrations, coverage
