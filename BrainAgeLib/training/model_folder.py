"""The model folder: weights, and the card with everything measured out of fold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import to_plain
from BrainAgeLib.model.card import CARD_VERSION, card_from_dict
from BrainAgeLib.model.predict import Member
from BrainAgeLib.model.weights import FILE_NAME, Weights, pack_weights
from BrainAgeLib.training.accuracy_tables import accuracy_tables, parts
from BrainAgeLib.training.interval_classes import CLASSES, INTERVAL_LEVEL, fit_class
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, Row
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.whole_file import write_atomically

DEFAULT_CORRECTION = "de-lange-cole"


def write_model(
    output: Path,
    weights: Weights,
    network_share: float,
    rows: list[Row],
    settings: TrainingSettings,
) -> Path:
    """Write ``model.safetensors`` and ``card.json``; return the folder."""
    folder = output / settings.name
    folder.mkdir(parents=True, exist_ok=True)
    content = pack_weights(weights)
    sha256 = hashlib.sha256(content).hexdigest()
    card = make_card(weights.members, network_share, rows, settings, sha256)
    card_from_dict(json.loads(json.dumps(card)))  # what is written can be read
    write_atomically(folder / FILE_NAME, content)
    text = json.dumps(card, indent=1, ensure_ascii=False)
    write_atomically(folder / "card.json", f"{text}\n".encode())
    return folder


def make_card(
    members: list[Member],
    network_share: float,
    rows: list[Row],
    settings: TrainingSettings,
    sha256: str,
) -> dict[str, Any]:
    """Return the card's content; every figure comes from out-of-fold rows."""
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    ages = [row.age_years for row in main]
    return {
        "card_version": CARD_VERSION,
        "name": settings.name,
        "version": settings.version,
        "sha256": sha256,
        "notice": "Weights for research use only.",
        "members": len(members),
        "network_share": network_share,
        "network": to_plain(settings.network),
        "age_range_years": [min(ages), max(ages)],
        "training": {
            "people": len(main),
            "sex": {sex: sum(row.sex == sex for row in main) for sex in ("F", "M")},
            "settings": to_plain(settings),
            "parameters": {
                "network": sum(p.numel() for p in members[0].network.parameters()),
                "regional": int(sum((m.regional.weights != 0).sum() for m in members)),
            },
        },
        "calibration": {
            "interval_level": INTERVAL_LEVEL,
            "default_correction": DEFAULT_CORRECTION,
            "classes": [asdict(fit_class(rows, *entry)) for entry in CLASSES],
        },
        "accuracy": accuracy_tables(rows),
        "parts": parts(rows),
        "out_of_fold": {
            "described_as": "healthy people, each predicted by models that had not seen them, "
            f"from a simulated {MAIN_PROTOCOL} scan",
            "ages_years": [row.age_years for row in main],
            "predicted_years": [round(row.predicted_years, 1) for row in main],
        },
    }
